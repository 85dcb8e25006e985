"""``glotsmith languages`` and ``glotsmith doctor``: what works on this machine, and what to do about the rest."""

import asyncio
import sys
from typing import Annotated

import typer
from rich.table import Table

from glotsmith.cli.app import Isolation, app, out
from glotsmith.errors import ToolchainError
from glotsmith.languages import get, names, toolchain
from glotsmith.languages.rows import rows
from glotsmith.records import Verdict

languages = typer.Typer(help="The languages, and which of them run here.", invoke_without_command=True)
app.add_typer(languages, name="languages")


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
) -> None:
    """Run a language's probes: programs that must earn their verdicts in the sandbox.

    Example: [bold]glotsmith languages check ocaml[/]
    """
    toolchain.resolve(get(name).name)
    verdicts = asyncio.run(_probe(name, isolation))
    card, table, shown = get(name), rows(name), Table("probe", "expected", "verdict", "CPU seconds")
    wrong = 0
    for probe, verdict in verdicts.items():
        expected = " or ".join(table[probe].expected)
        right = verdict.status in table[probe].expected
        wrong += not right
        shown.add_row(
            probe, expected, verdict.status if right else f"{verdict.status} (wrong)", f"{verdict.seconds:.3f}"
        )
    out.print(shown)
    for probe, verdict in verdicts.items():
        if verdict.status not in table[probe].expected:
            out.print(f"{probe}: {verdict.detail or verdict.stderr}", markup=False)
    out.print(f"{card.display} {'is not judged rightly here' if wrong else 'is judged rightly here'}")
    raise typer.Exit(1 if wrong else 0)


async def _probe(name: str, isolation: str) -> dict[str, Verdict]:
    from glotsmith.sandbox import open_sandbox
    from glotsmith.verification import Verifier

    sandbox = open_sandbox(isolation)
    try:
        verifier = Verifier(sandbox)
        jobs = [row.job(name, title) for title, row in rows(name).items()]
        verdicts = await asyncio.gather(*map(verifier.verify, jobs))
        return {verdict.id: verdict for verdict in verdicts}
    finally:
        await sandbox.close()


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
