"""``glotsmith languages`` and ``glotsmith doctor``: what works on this machine, and what to do about the rest."""

import asyncio
import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from glotsmith.cli.app import Isolation, app, complete_language, err, out
from glotsmith.cli.progress import CheckProgressLines
from glotsmith.errors import InputError, ToolchainError, UsageError
from glotsmith.languages import Card, get_card, language_names, resolve_language, toolchain
from glotsmith.languages.card import LANGUAGES_VARIABLE

languages = typer.Typer(help="The languages, and which of them run here.", invoke_without_command=True)
app.add_typer(languages, name="languages")
_SHOWN = 10  #: problems of one part of a proof


@languages.callback()
def table(context: typer.Context) -> None:
    """List the languages, and which of them run here.

    Example: [bold]glotsmith languages[/], then [bold]glotsmith languages check lua[/]
    """
    if context.invoked_subcommand is None:
        out.print(_table())


def _table() -> Table:
    shown = Table("language", "level", "here", "toolchain or what to do")
    for name in language_names():
        level = ""
        try:
            level = get_card(name).level
            shown.add_row(name, level, "yes", toolchain.find_toolchain(name).version)
        except (ToolchainError, InputError) as error:
            shown.add_row(name, level, "no", str(error))
    return shown


@languages.command()
def check(
    name: Annotated[
        str, typer.Argument(help="A language, as 'glotsmith languages' lists it.", autocompletion=complete_language)
    ],
    isolation: Isolation = "auto",
    quick: Annotated[bool, typer.Option("--quick", help="Only the toolchain and the rows of verdicts.toml.")] = False,
) -> None:
    """Prove a language on this machine, and say in sentences what is wrong; exit code 1 where something is.

    Rows that must earn their verdicts, thousands of values in and out, stubs, comments, hostile programs, speed.

    Example: [bold]glotsmith languages check ocaml[/]
    """
    card = get_card(resolve_language(name))
    wrong = asyncio.run(_prove(card, isolation, quick))
    out.print(f"{card.display} {'is not judged rightly here' if wrong else 'is judged rightly here'}")
    raise typer.Exit(1 if wrong else 0)


async def _prove(card: Card, isolation: str, quick: bool) -> int:
    """Print a proof part by part; return the number of problems."""
    from glotsmith.sandbox import open_sandbox
    from glotsmith.toolkit.language_check import LanguageCheck

    sandbox, wrong = open_sandbox(isolation), 0
    try:
        async for finding in LanguageCheck(card, sandbox, CheckProgressLines(err)).run(quick=quick):
            out.print(f"{finding.check}: {finding.sentence}")
            shown = len(finding.problems) if finding.all_shown else _SHOWN
            for problem in finding.problems[:shown]:
                out.print(f"  wrong: {problem}")
            if len(finding.problems) > shown:
                out.print(f"  and {len(finding.problems) - shown} more")
            wrong += len(finding.problems)
    finally:
        await sandbox.close()
    return wrong


@languages.command()
def new(
    name: Annotated[str, typer.Argument(help="Its one id: a lower-case letter, then letters, digits and _.")],
    like: Annotated[str, typer.Option("--from", help="Begin as a copy of this language.")] = "",
    folder: Annotated[
        Path | None,
        typer.Option(help="Where; default the languages of your checkout, else GLOTSMITH_LANGUAGES, else here."),
    ] = None,
    display: Annotated[str, typer.Option(help="Its name as people write it.")] = "",
    extension: Annotated[str, typer.Option(help="Of its files, as in .lua; a copy keeps what it had.")] = "",
    level: Annotated[
        str,
        typer.Option(help="full: functions called with values; io: whole programs, without a driver. Default full."),
    ] = "",
) -> None:
    """Start a language: a folder with a card that explains its fields, a driver, and rows to fill in.

    Each place that is to be filled in has a mark TODO; 'glotsmith languages check' names those that are left.

    Example: [bold]glotsmith languages new tcl --from lua[/], or [bold]glotsmith languages new awk --level io[/]
    """
    from glotsmith.toolkit import new_language

    place = folder or new_language.default_folder()
    made = new_language.create_language(name, place, resolve_language(like) if like else "", display, extension, level)
    out.print(f"made {made}: {', '.join(sorted(p.name for p in made.iterdir()))}")
    if not new_language.is_found(place):
        out.print(f"so that it is found: export {LANGUAGES_VARIABLE}={place.resolve()}")
    out.print(f"then fill in the card, and: glotsmith languages check {name} --quick")


@languages.command()
def install(
    names_: Annotated[list[str], typer.Argument(metavar="NAME...", help="Languages.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the commands, and run none.")] = False,
) -> None:
    """Install the toolchains of languages by what this machine has: apt, brew, conda, pip.

    Example: [bold]glotsmith languages install ocaml racket[/]
    """
    from glotsmith.toolkit import install as installation

    cards = [get_card(name) for name in dict.fromkeys(map(resolve_language, names_))]
    here = installation.find_installers()
    plans = [installation.plan_installation(card, here) for card in cards]
    for step in plans:
        if step.version:
            out.print(f"{step.language}: is there already, {step.version}")
        elif step.why_not:
            out.print(f"{step.language}: can't be had here ({step.why_not})")
    commands = installation.installation_commands(plans, here)
    for command in commands:
        out.print(shlex.join(command))
    if dry_run or not commands:
        raise typer.Exit(0 if all(not step.why_not for step in plans) else 1)
    if not yes:
        if not sys.stdin.isatty():
            raise UsageError(
                "Cannot prompt without a terminal; pass --yes to run these commands, or --dry-run to print them"
            )
        typer.confirm("Run these commands?", abort=True, err=True)
    installation.run_installation(plans, here)
    missing = 0
    for step in (p for p in plans if p.installer):
        version = installation.installed_version(get_card(step.language))
        missing += not version
        status = version or f"it was installed by {step.installer} and does not run, or the command failed: see above"
        out.print(f"{step.language}: {status}")
    raise typer.Exit(1 if missing or any(step.why_not for step in plans) else 0)


@languages.command()
def container(
    names_: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]...", help="Languages; default all that there are.")
    ] = None,
) -> None:
    """Print a Dockerfile with the toolchains of languages: Debian 12, an ordinary user, no engine needed here.

    Example: [bold]glotsmith languages container ocaml lua > Dockerfile[/]
    """
    from glotsmith.toolkit.dockerfile import dockerfile

    sys.stdout.write(dockerfile(list(dict.fromkeys(map(resolve_language, names_ or language_names())))))


@languages.command()
def page(
    measured: Annotated[Path, typer.Argument(help="What benchmarks/languages.py has written.")] = Path(
        "benchmarks/languages.toml"
    ),
) -> None:
    """Print docs/languages.md, made of the cards and of stored measurements.

    Example: [bold]glotsmith languages page > docs/languages.md[/]
    """
    from glotsmith.toolkit import languages_page as languages_page

    sys.stdout.write(
        languages_page.render_page(
            [get_card(name) for name in language_names()], languages_page.load_measurements(measured)
        )
    )


@app.command()
def doctor() -> None:
    """Say what works on this machine: Python, isolation, languages; and what to do about the rest.

    Example: [bold]glotsmith doctor[/]
    """
    from glotsmith.sandbox import probe

    out.print(f"Python {sys.version.split()[0]}")
    isolation = Table("isolation", "here", "")
    works = False
    for name, here, sentence in probe():
        works = works or (here and name != "none")
        isolation.add_row(name, "yes" if here else "no", sentence)
    out.print(isolation)
    out.print(_table())
    if not works:
        out.print("Programs can't be isolated here: install bubblewrap (apt install bubblewrap)")
    raise typer.Exit(0 if works else 1)
