"""``glotsmith merge``: join the shards of a run into one run with one dataset."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from glotsmith.api.merge import Merger, MergeRequest
from glotsmith.cli.app import app, err, print_error
from glotsmith.cli.progress.display import ProgressMode, ProgressOption
from glotsmith.cli.progress.run_progress import RunProgress
from glotsmith.cli.run import show_end
from glotsmith.execution.signals import stopping_on_signals


@app.command()
def merge(
    shards: Annotated[list[Path], typer.Argument(help="The run folders of all shards, in any order.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Run folder to make.")],
    cache: Annotated[
        Path | None, typer.Option(help="The cache file that the shards shared; default: their caches are copied.")
    ] = None,
    progress: ProgressOption = ProgressMode.auto,
) -> None:
    """Merge the shards of a run (run --shard) into one run. Run the same command again to resume.

    The dataset has the same bytes as the dataset of one run. No reply is requested and no program runs.

    Example: [bold]glotsmith merge runs/toolz-*-of-8 -o runs/toolz[/]
    """
    code = asyncio.run(_merge(MergeRequest(shards, output, cache), progress))
    if code == 0:
        show_end(output)
    raise typer.Exit(code)


async def _merge(request: MergeRequest, mode: ProgressMode) -> int:
    with RunProgress(err, mode) as shown:
        merger = Merger(request, shown, print_error)
        with stopping_on_signals(merger.stop, shown.print) as seen:
            done = await merger.run()
    if done and not seen.exit_code:
        return 0
    err.print(f"Stopped; {request.folder} contains all finished steps. Run the same command again to resume.")
    return seen.exit_code or 1
