"""``POST /run``: runs a ``Program`` and returns its ``Outcome``, for ``--isolation remote``."""

import asyncio
import functools
import os

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from glotsmith.errors import GlotsmithError
from glotsmith.languages import language_names, toolchain
from glotsmith.records import Limits, Outcome, Program
from glotsmith.sandbox.program_json import ProgramMessage, decode_program, encode_outcome
from glotsmith.service.openapi import Endpoint, Operation
from glotsmith.service.request_handling import JSON, malformed_body, read_body, while_connected
from glotsmith.service.state import SERVICE_MAX_LIMITS, Service, min_limit

_SYSTEM_PATHS = ("/usr", "/bin", "/sbin", "/lib", "/lib64")  #: folders that every program may read


def routes(service: Service) -> list[Endpoint]:
    """Return the endpoint."""
    return [
        Endpoint("POST", "/run", functools.partial(_run, service), Operation("Run a program", Outcome, ProgramMessage))
    ]


async def _run(service: Service, request: Request) -> Response:
    with service.admission.admit():
        settings = service.settings
        body = await read_body(request, settings.body_mb * 2**20, settings.body_s)
        try:
            program = decode_program(body)
            check_program(program)
            hidden = await _refuse_hidden_paths(program, settings.expose)
            outcome = hidden or await while_connected(request, service.sandbox.run(program))
        except (ValueError, RecursionError) as error:  # the sandbox also raises it, for paths outside the folder
            raise malformed_body(error) from error
    return Response(encode_outcome(outcome), media_type=JSON)


def check_program(program: Program) -> None:
    """Check a program from a client.

    Raises:
        ValueError: A limit is out of bounds, or the command is empty.

    """
    if not program.argv:
        raise msgspec.ValidationError("argv is empty: there is nothing to run")
    for name in program.env:
        if not name or "=" in name:
            raise msgspec.ValidationError(f"{name!r} is not a name of an environment variable")
    for name in Limits.__struct_fields__:
        value, most = getattr(program.limits, name), getattr(SERVICE_MAX_LIMITS, name)
        if not min_limit(name) <= value <= most:
            raise msgspec.ValidationError(f"limits.{name} is {value}; it must be from {min_limit(name)} to {most}")


async def _refuse_hidden_paths(program: Program, exposed: tuple[str, ...]) -> Outcome | None:
    """Return an outcome that refuses a program which names a folder that it may not read; None if it names none."""
    for path in map(os.path.normpath, program.read_only):
        if _is_within(path, (*_SYSTEM_PATHS, *exposed)) or _is_within(path, await asyncio.to_thread(_toolchain_paths)):
            continue
        return Outcome(
            ending="infra",
            detail=f"programs may not read {path}: it belongs to no toolchain, and --expose does not name it",
        )
    return None


def _is_within(path: str, folders: tuple[str, ...]) -> bool:
    return any(path == folder or path.startswith(f"{folder}/") for folder in folders)


@functools.cache
def _toolchain_paths() -> tuple[str, ...]:
    """Return the folders that the installed toolchains need to read."""
    found = dict[str, None]()
    for name in language_names():
        try:
            found |= dict.fromkeys(os.path.normpath(path) for path in toolchain.find_toolchain(name).read_only)
        except GlotsmithError:  # it is not installed, or its card is broken
            continue
    return tuple(found)
