"""``glotsmith languages`` and ``glotsmith doctor``: check languages and isolation on this machine."""

import asyncio
import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from glotsmith.api import run_config
from glotsmith.cli.app import Isolation, app, complete_language, err, out
from glotsmith.cli.progress.command_progress import CheckProgressDisplay
from glotsmith.cli.progress.display import ProgressMode, ProgressOption
from glotsmith.cli.progress.installation_display import InstallationDisplay
from glotsmith.errors import InputError, ToolchainError, UsageError
from glotsmith.languages import Card, get_card, language_names, resolve_language, toolchain
from glotsmith.languages.card import LANGUAGES_VARIABLE

languages = typer.Typer(help="List, check and install languages.", invoke_without_command=True)
app.add_typer(languages, name="languages")
_SHOWN = 10  #: largest number of problems that are printed for one part of a check


@languages.callback()
def table(context: typer.Context) -> None:
    """List the languages, and whether they run on this machine.

    Example: [bold]glotsmith languages[/], then [bold]glotsmith languages check lua[/]
    """
    if context.invoked_subcommand is None:
        out.print(_languages_table())


def _languages_table() -> Table:
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
    quick: Annotated[
        bool, typer.Option("--quick", help="Check only the toolchain and the rows of verdicts.toml.")
    ] = False,
    progress: ProgressOption = ProgressMode.auto,
) -> None:
    """Check a language on this machine and print the problems; the exit code is then 1.

    It verifies the rows of verdicts.toml, sends thousands of values through an identity function, compiles stubs, tries
    comments and hostile programs, and measures the speed.

    Example: [bold]glotsmith languages check ocaml[/]
    """
    card = get_card(resolve_language(name))
    with CheckProgressDisplay(err, progress) as shown:
        wrong = asyncio.run(_print_check(card, isolation, quick, shown))
    out.print(f"{card.display} {'is not judged correctly here' if wrong else 'is judged correctly here'}")
    raise typer.Exit(1 if wrong else 0)


async def _print_check(card: Card, isolation: str, quick: bool, shown: CheckProgressDisplay) -> int:
    """Check a language, print the results of each part, and return the number of problems."""
    from glotsmith.sandbox import open_sandbox
    from glotsmith.toolkit.language_check import LanguageCheck

    sandbox, wrong = open_sandbox(isolation), 0
    try:
        async for finding in LanguageCheck(card, sandbox, shown).run(quick=quick):
            shown.print_result(out, f"{finding.check}: {finding.sentence}")
            count = len(finding.problems) if finding.all_shown else _SHOWN
            for problem in finding.problems[:count]:
                shown.print_result(out, f"  wrong: {problem}")
            if len(finding.problems) > count:
                shown.print_result(out, f"  and {len(finding.problems) - count} more")
            wrong += len(finding.problems)
    finally:
        await sandbox.close()
    return wrong


@languages.command()
def new(
    name: Annotated[str, typer.Argument(help="Id of the language: a lower-case letter, then letters, digits and _.")],
    like: Annotated[str, typer.Option("--from", help="Copy the files of this language.")] = "",
    folder: Annotated[
        Path | None,
        typer.Option(
            help="Parent folder; default: the languages of your checkout, else GLOTSMITH_LANGUAGES, else here."
        ),
    ] = None,
    display: Annotated[str, typer.Option(help="Display name of the language.")] = "",
    extension: Annotated[
        str, typer.Option(help="Extension of its files, such as .lua; default: that of the copied language.")
    ] = "",
    level: Annotated[
        str,
        typer.Option(help="full: functions called with values; io: whole programs, without a driver. Default: full."),
    ] = "",
) -> None:
    """Create the folder of a language: a card with comments, a driver, and rows to fill in.

    Each place to fill in has a TODO mark; 'glotsmith languages check' lists the remaining marks.

    Example: [bold]glotsmith languages new tcl --from lua[/], or [bold]glotsmith languages new awk --level io[/]
    """
    from glotsmith.toolkit import new_language

    parent = folder or new_language.default_folder()
    made = new_language.create_language(name, parent, resolve_language(like) if like else "", display, extension, level)
    out.print(f"Created {made}: {', '.join(sorted(p.name for p in made.iterdir()))}")
    if not new_language.is_found(parent):
        out.print(f"To let glotsmith find it: export {LANGUAGES_VARIABLE}={parent.resolve()}")
    out.print(f"Fill in the card, then run: glotsmith languages check {name} --quick")


@languages.command()
def install(
    names_: Annotated[list[str], typer.Argument(metavar="NAME...", help="Languages.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the commands and do not run them.")] = False,
    progress: ProgressOption = ProgressMode.auto,
) -> None:
    """Install the toolchains of languages with apt, brew, conda or pip.

    Example: [bold]glotsmith languages install ocaml racket[/]
    """
    from glotsmith.toolkit import install as installation

    cards = [get_card(name) for name in dict.fromkeys(map(resolve_language, names_))]
    here = installation.find_installers()
    plans = [installation.plan_installation(card, here) for card in cards]
    for step in plans:
        if step.version:
            out.print(f"{step.language}: already installed, {step.version}")
        elif step.why_not:
            out.print(f"{step.language}: cannot be installed here ({step.why_not})")
    commands = installation.installation_commands(plans, here)
    for command in commands:
        out.print(shlex.join(command))
    if dry_run or not commands:
        raise typer.Exit(0 if all(not step.why_not for step in plans) else 1)
    if not yes:
        if not sys.stdin.isatty():
            raise UsageError(
                "there is no terminal to ask on: pass --yes to run these commands, or --dry-run to print them"
            )
        typer.confirm("Run these commands?", abort=True, err=True)
    with InstallationDisplay(err, progress) as shown:
        shown.begin(commands)
        installation.run_installation(plans, here, shown.run)
    missing = 0
    for step in (p for p in plans if p.installer):
        version = installation.installed_version(get_card(step.language))
        missing += not version
        status = (
            version or f"the command failed, or the toolchain that {step.installer} installed does not run: see above"
        )
        out.print(f"{step.language}: {status}")
    raise typer.Exit(1 if missing or any(step.why_not for step in plans) else 0)


@languages.command()
def container(
    names_: Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="Languages; default: all.")] = None,
) -> None:
    """Print a Dockerfile (Debian 12, an ordinary user) that installs the toolchains of languages.

    Example: [bold]glotsmith languages container ocaml lua > Dockerfile[/]
    """
    from glotsmith.toolkit.dockerfile import dockerfile

    sys.stdout.write(dockerfile(list(dict.fromkeys(map(resolve_language, names_ or language_names())))))


@languages.command()
def page(
    measured: Annotated[Path, typer.Argument(help="Measurements that benchmarks/languages.py wrote.")] = Path(
        "benchmarks/languages.toml"
    ),
) -> None:
    """Print docs/languages.md, which is generated from the cards and from stored measurements.

    Example: [bold]glotsmith languages page > docs/languages.md[/]
    """
    from glotsmith.toolkit import languages_page as languages_page

    sys.stdout.write(
        languages_page.render_page(
            [get_card(name) for name in language_names()], languages_page.load_measurements(measured)
        )
    )


@app.command()
def doctor(
    config: Annotated[
        str, typer.Argument(help="A TOML file of a run: check also the server and the key of each of its teachers.")
    ] = "",
    ray_address: Annotated[
        str, typer.Option(help="Check the nodes of this Ray cluster instead: HOST:6379 or auto.")
    ] = "",
    isolation: Isolation = "auto",
) -> None:
    """Check Python, isolation and languages on this machine, and print how to install what is missing.

    Examples:

    [bold]glotsmith doctor[/]

    [bold]glotsmith doctor run.toml[/]  (and the teachers of this run; no reply is requested)

    [bold]glotsmith doctor --ray-address HOST:6379[/]  (the languages, isolation and speed of every node)
    """
    from glotsmith.sandbox import probe

    if ray_address:
        from glotsmith.cli.cluster_nodes import print_nodes

        raise typer.Exit(0 if print_nodes(ray_address, isolation, language_names()) else 1)

    out.print(f"Python {sys.version.split()[0]}")
    backends = Table("isolation", "here", "")
    works = False
    for name, here, sentence in probe():
        works = works or (here and name != "none")
        backends.add_row(name, "yes" if here else "no", sentence)
    out.print(backends)
    out.print(_languages_table())
    if not works:
        out.print("Programs cannot be isolated here: install bubblewrap (apt install bubblewrap)")
    if config:
        from glotsmith.cli.models import check_teachers

        teachers, no_fault = check_teachers(run_config.load(config, {}))
        out.print(teachers)
        works = works and no_fault
    raise typer.Exit(0 if works else 1)
