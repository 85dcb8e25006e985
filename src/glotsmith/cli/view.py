"""``glotsmith view``: show runs in progress in a browser."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from glotsmith.cli.app import app, err
from glotsmith.errors import UsageError
from glotsmith.installation import install_command
from glotsmith.report.listed_rows import EXAMPLES, ROWS, ListLimits


@app.command()
def view(
    runs: Annotated[
        list[Path], typer.Argument(help="Folders of runs, of trainings, and of evaluations that have ended.")
    ],
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0: any free one.")] = 8708,
) -> None:
    """Show runs and trainings in a browser while they are in progress.

    The pages are those of 'glotsmith report'. They show new rows of a ledger and new checkpoints of a training at once,
    and keep filters, search and scroll position. An evaluation has a page when it has ended. Only this machine can
    reach the pages. Ctrl-C ends the command; the run continues.

    Example: [bold]glotsmith view runs/demo[/]  (then open http://127.0.0.1:8708 in a browser)
    """
    try:
        from glotsmith.report.view_server import serve_view
        from glotsmith.service.server import address, listen
    except ImportError as error:
        raise UsageError(
            f"the module {error.name} is missing. Install the extra serve: {install_command('serve')}"
        ) from error
    with listen("127.0.0.1", port, token=False) as listening:

        def on_ready() -> None:
            err.print(f"Open it in a browser: {address(listening)}  (Ctrl-C ends)")

        asyncio.run(serve_view(runs, listening, on_ready, ListLimits(ROWS, EXAMPLES)))
