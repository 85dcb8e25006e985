"""``glotsmith serve``: run programs and judge jobs over HTTP."""

import asyncio
import os
from pathlib import Path
from typing import Annotated

import typer

from glotsmith.cli.app import Isolation, Jobs, app, err
from glotsmith.counts import counted
from glotsmith.errors import UsageError
from glotsmith.installation import install_command


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on; an address other than loopback needs a token.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0: any free one.")] = 8707,
    isolation: Isolation = "auto",
    jobs: Jobs = None,
    queue: Annotated[int, typer.Option(min=0, help="Maximum number of requests that wait.")] = 64,
    list_items: Annotated[
        int, typer.Option(min=1, help="Maximum number of jobs or lines in all lists that are being judged.")
    ] = 100_000,
    token_file: Annotated[
        Path | None, typer.Option(help="File with the token that clients must send; or set GLOTSMITH_TOKEN.")
    ] = None,
    expose: Annotated[
        list[Path] | None, typer.Option(help="A folder that programs sent to /run may read; repeatable.")
    ] = None,
) -> None:
    """Run programs and judge jobs over HTTP.

    POST /run takes a program and returns its outcome; --isolation remote sends such requests. POST /verify takes a job
    or a list of jobs, in the format of 'glotsmith verify', and returns verdicts. POST /run_code and /agnostics follow
    the protocols of SandboxFusion and Agnostics. GET /health, /ready and /metrics return the state of the service, and
    /openapi.json its description. On SIGTERM the service answers all accepted requests and exits.

    Example: [bold]glotsmith serve --port 8707[/], then [bold]curl -H 'content-type: application/json' -d @job.json
    http://127.0.0.1:8707/verify[/]
    """
    try:
        from glotsmith.service.app import is_loopback
        from glotsmith.service.server import address, listen
        from glotsmith.service.server import serve as serve_until_stopped
        from glotsmith.service.state import ServiceSettings
    except ImportError as error:
        raise UsageError(
            f"the module {error.name} is missing. Install the extra serve: {install_command('serve')}"
        ) from error
    from glotsmith.sandbox import open_sandbox

    token = _read_token(token_file)
    if isolation == "none" and not is_loopback(host):
        raise UsageError("without isolation, only this machine may use the service: remove --host")
    at_once = jobs or len(os.sched_getaffinity(0))
    settings = ServiceSettings(
        jobs=at_once,
        queue=queue,
        list_items=list_items,
        token=token,
        expose=tuple(os.path.normpath(path.absolute()) for path in expose or ()),
    )
    with listen(host, port, token=bool(token)) as listening:
        sandbox = open_sandbox(isolation, at_once)
        err.print(f"Serving at {address(listening)} ({sandbox.name}, {counted(at_once, 'program')} at once)")
        asyncio.run(serve_until_stopped(sandbox, settings, listening, err.print))


def _read_token(file: Path | None) -> str:
    """Return the token that clients must send; "" for none.

    Raises:
        UsageError: The file cannot be read, or its content is not one word.

    """
    where = str(file) if file else "GLOTSMITH_TOKEN"
    try:
        token = file.read_text("utf-8").strip() if file else os.environ.get("GLOTSMITH_TOKEN", "").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{where} cannot be read: {error}") from error
    if (file and not token) or not token.isascii() or not token.isprintable() or " " in token:
        raise UsageError(f"{where} does not contain a valid token: a token is one word of ASCII characters")
    return token
