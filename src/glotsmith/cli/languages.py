"""``glotsmith languages`` and ``glotsmith doctor``: what works on this machine, and what to do about the rest."""

import asyncio
import sys
from typing import Annotated

import typer
from rich.table import Table

from glotsmith.cli.app import Isolation, app, err, out
from glotsmith.cli.progress import Said
from glotsmith.errors import ToolchainError
from glotsmith.languages import Card, get, names, toolchain

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
    for name in names():
        card = get(name)
        try:
            shown.add_row(name, card.level, "yes", toolchain.resolve(name).version)
        except ToolchainError as error:
            shown.add_row(name, card.level, "no", str(error))
    return shown


@languages.command()
def check(
    name: Annotated[str, typer.Argument(help="A language, as 'glotsmith languages' lists it.")],
    isolation: Isolation = "auto",
    quick: Annotated[bool, typer.Option("--quick", help="Only the toolchain and the rows of verdicts.toml.")] = False,
) -> None:
    """Prove a language on this machine, and say in sentences what is wrong; exit code 1 where something is.

    Rows that must earn their verdicts, thousands of values in and out, stubs, comments, hostile programs, speed.

    Example: [bold]glotsmith languages check ocaml[/]
    """
    card = get(name)
    wrong = asyncio.run(_prove(card, isolation, quick))
    out.print(f"{card.display} {'is not judged rightly here' if wrong else 'is judged rightly here'}")
    raise typer.Exit(1 if wrong else 0)


async def _prove(card: Card, isolation: str, quick: bool) -> int:
    """Print a proof part by part; return the number of problems."""
    from glotsmith.kit.prove import Proof
    from glotsmith.sandbox import open_sandbox

    sandbox, wrong = open_sandbox(isolation), 0
    try:
        async for finding in Proof(card, sandbox, Said(err)).findings(quick=quick):
            out.print(f"{finding.part}: {finding.sentence}", markup=False)
            for problem in finding.problems[:_SHOWN]:
                out.print(f"  wrong: {problem}", markup=False)
            if len(finding.problems) > _SHOWN:
                out.print(f"  and {len(finding.problems) - _SHOWN} more")
            wrong += len(finding.problems)
    finally:
        await sandbox.close()
    return wrong


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
