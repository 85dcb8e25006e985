"""``POST /run_code``: SandboxFusion's protocol (bytedance/SandboxFusion, ``sandbox/server/sandbox_api.py``).

Clients such as verl (``sandbox_fusion.url``) work unchanged. Time limits are CPU seconds; the limit of the wall time is
1.5 times as long plus two seconds. A program has no network, and the size of its folder is limited.
"""

import base64
import binascii
import functools
import shlex
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal, NamedTuple

import msgspec
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from glotsmith.errors import ToolchainError, unknown_name
from glotsmith.languages import Unrepresentable, get_card, language_names, whole_program
from glotsmith.languages.spelling import language_of_label
from glotsmith.records import Outcome, Program, Record, content_hash
from glotsmith.sandbox.base import run_with_retries
from glotsmith.service.openapi import Endpoint, Operation
from glotsmith.service.request_handling import JSON, decode_body, malformed_body, read_body, while_connected
from glotsmith.service.state import SERVICE_MAX_LIMITS, Service
from glotsmith.verification.agnostics_protocol import client_limits, decode_output, subprocess_exit_code

#: language name of SandboxFusion → id of the language; the ids are accepted too
LANGUAGES = {
    **{name: name for name in language_names()},
    "nodejs": "javascript",
    "js": "javascript",
    "ts": "typescript",
    "R": "r",
    "D_ut": "d",
}
#: language that only SandboxFusion runs → why it is refused
REFUSED = {
    **dict.fromkeys(("cuda", "python_gpu"), "programs have no access to a GPU"),
    **dict.fromkeys(("go_test", "jest", "junit", "pytest"), "the service has no test framework; use /verify"),
    **dict.fromkeys(("lean", "sql", "verilog"), "this service does not have the language"),
    "kotlin_script": "send a program with a main function, as kotlin",
}
_OPTIONS = {"D_ut": ("-unittest",)}  #: additional arguments of the build

_FILE_MB, _OUTPUT_KB, _FETCH_KB = 64, 4096, SERVICE_MAX_LIMITS.output_kb
_SCRIPT, _GIVEN_FILES = "glotsmith.copy_commands", "glotsmith.given"

_Seconds = Annotated[float, msgspec.Meta(gt=0, le=SERVICE_MAX_LIMITS.cpu_s)]
_Base64 = Annotated[str, msgspec.Meta(extra_json_schema={"contentEncoding": "base64"})]
_Language = Annotated[str, msgspec.Meta(extra_json_schema={"enum": [*LANGUAGES, *REFUSED]})]


class RunCodeRequest(Record, frozen=True, kw_only=True, forbid_unknown_fields=False):
    """A request to run a program verbatim."""

    code: str
    language: _Language
    stdin: str | None = None
    compile_timeout: _Seconds = 10.0
    run_timeout: _Seconds = 10.0
    memory_limit_MB: Annotated[int, msgspec.Meta(le=SERVICE_MAX_LIMITS.memory_mb)] = -1
    files: dict[str, _Base64 | None] = {}  #: path → content; relative paths are in the folder of the program
    fetch_files: tuple[str, ...] = ()  #: paths of files to return if they exist after the program has ended


class CommandRunResult(Record, frozen=True, kw_only=True, omit_defaults=False):
    """The result of one command."""

    status: Literal["Finished", "Error", "TimeLimitExceeded"]
    execution_time: float | None = None  #: wall time in seconds
    return_code: int | None = None  #: exit code; -N if signal N ended the command
    stdout: str | None = None
    stderr: str | None = None


class RunCodeResponse(Record, frozen=True, kw_only=True, omit_defaults=False):
    """The result of a program."""

    status: Literal["Success", "Failed", "SandboxError"]
    message: str = ""
    compile_result: CommandRunResult | None = None
    run_result: CommandRunResult | None = None
    executor_pod_name: str | None = None
    files: dict[str, str] = {}  #: path → fetched file in base64


class _PreparedProgram(NamedTuple):
    """A program, and the mark that precedes fetched files in its output."""

    program: Program
    mark: str = ""
    fetched: tuple[str, ...] = ()


_REQUEST = msgspec.json.Decoder(RunCodeRequest)


def routes(service: Service) -> list[Endpoint]:
    """Return the endpoints."""
    run = Operation("Run a program, as SandboxFusion does", RunCodeResponse, RunCodeRequest)
    ping = Operation("Answer 'pong', as SandboxFusion does", str, media="text/plain")
    return [
        Endpoint("POST", "/run_code", functools.partial(_run_code, service), run),
        Endpoint("GET", "/v1/ping", _ping, ping),
    ]


async def _ping(_: Request) -> Response:
    return PlainTextResponse("pong")


async def _run_code(service: Service, request: Request) -> Response:
    with service.admission.admit():
        settings = service.settings
        run_request = decode_body(_REQUEST, await read_body(request, settings.body_mb * 2**20, settings.body_s))
        try:
            posed = prepare_program(run_request)
            outcome = await while_connected(request, run_with_retries(service.sandbox.run, posed.program))
            answer = run_code_response(outcome, posed)
        except (ToolchainError, Unrepresentable) as error:
            answer = RunCodeResponse(status="SandboxError", message=str(error))
        except (ValueError, RecursionError) as error:
            raise malformed_body(error) from error
    return Response(msgspec.json.encode(answer), media_type=JSON)


def prepare_program(run_request: RunCodeRequest) -> _PreparedProgram:
    """Return the program of a request.

    Raises:
        ToolchainError: The language cannot run on this machine.
        Unrepresentable: The language is not supported.
        ValueError: A file is not base64, or has an invalid name.

    """
    if run_request.language in REFUSED:
        raise Unrepresentable(f"{run_request.language} cannot be run: {REFUSED[run_request.language]}")
    language = LANGUAGES.get(run_request.language) or language_of_label(run_request.language)
    if not language:
        sentence = unknown_name(f"no language is named {run_request.language!r}", run_request.language, LANGUAGES)
        raise msgspec.ValidationError(sentence)
    card = get_card(language)
    memory_mb = run_request.memory_limit_MB if run_request.memory_limit_MB > 0 else card.limits.memory_mb
    allowed = client_limits(run_request.run_timeout, run_request.compile_timeout, memory_mb)
    allowed = msgspec.structs.replace(
        allowed, file_mb=_FILE_MB, output_kb=_FETCH_KB if run_request.fetch_files else _OUTPUT_KB
    )
    program = whole_program(card, run_request.code, allowed, run_request.stdin or "")
    if options := _OPTIONS.get(run_request.language):
        program = msgspec.structs.replace(program, build=(*program.build, *options))
    return (
        _with_files(program, run_request) if run_request.files or run_request.fetch_files else _PreparedProgram(program)
    )


def _with_files(program: Program, run_request: RunCodeRequest) -> _PreparedProgram:
    """Return the program with the given files in its folder. It prints the requested files after it has ended."""
    files = dict(program.files)
    copy_commands = list[str]()
    for number, (name, data) in enumerate(run_request.files.items()):
        if data is None:
            continue
        _check_file_name(name)
        relative = str(PurePosixPath(name))
        kept = f"{_GIVEN_FILES}/{number}" if relative in files or relative.startswith(("/", "glotsmith.")) else relative
        files[kept] = _decode_file(name, data)
        target, folder = _shell_path(name), _shell_path(str(PurePosixPath(name).parent))
        copy_commands.append(f'mkdir -p {folder} && cp "$dir"/{_shell_path(kept)} {target} || exit 1')
    mark = f"glotsmith-{content_hash(run_request.code, *run_request.fetch_files)}"
    fetch = [_fetch_command(number, name, mark) for number, name in enumerate(run_request.fetch_files)]
    built = bool(program.build)
    files[f"{_SCRIPT}.build"] = _shell_script(copy_commands, [])
    files[f"{_SCRIPT}.run"] = _shell_script([] if built else copy_commands, fetch)
    build = ("sh", f"@{{dir}}/{_SCRIPT}.build", "@{dir}", *program.build) if built else ()
    argv = ("sh", f"@{{dir}}/{_SCRIPT}.run", "@{dir}", *program.argv)
    env = {"PYTHONPATH": ".", **program.env}  # glotsmith runs Python without the folder of the program on its path
    made = msgspec.structs.replace(program, files=files, build=build, argv=argv, env=env)
    return _PreparedProgram(made, mark if fetch else "", run_request.fetch_files)


def _shell_script(before: list[str], after: list[str]) -> str:
    run = ['"$@"', "code=$?", *after, "exit $code"] if after else ['exec "$@"']
    return "\n".join(["dir=$1", "shift", *before, *run, ""])


def _fetch_command(number: int, name: str, mark: str) -> str:
    _check_file_name(name)
    return f"[ ! -f {_shell_path(name)} ] || {{ printf '\\n%s {number} ' {mark}; base64 -w0 < {_shell_path(name)}; }}"


def _check_file_name(name: str) -> None:
    if not name or "\0" in name or name.endswith("/"):
        raise msgspec.ValidationError(f"{name!r} is not a file name")


def _shell_path(name: str) -> str:
    return shlex.quote(name if name.startswith(("/", "./")) else f"./{name}")


def _decode_file(name: str, data: str) -> bytes:
    try:
        return base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError) as error:
        raise msgspec.ValidationError(f"the file {name!r} is not base64: {error}") from error


# ------------------------------------------------------------------------------------------------ answers


def run_code_response(outcome: Outcome, posed: _PreparedProgram) -> RunCodeResponse:
    """Return the response of the protocol for an outcome."""
    if outcome.ending == "infra":
        return RunCodeResponse(status="SandboxError", message=outcome.detail)
    stdout, files = _split_fetched_files(outcome.stdout, posed)
    result = _command_result(outcome, stdout)
    if not outcome.built:
        return RunCodeResponse(status="Failed", compile_result=result)
    compiled = CommandRunResult(status="Finished", return_code=0, stdout="", stderr="") if posed.program.build else None
    good = result.status == "Finished" and result.return_code == 0
    return RunCodeResponse(
        status="Success" if good else "Failed", compile_result=compiled, run_result=result, files=files
    )


def _command_result(outcome: Outcome, stdout: str) -> CommandRunResult:
    seen: dict[str, Any] = {"execution_time": outcome.wall_s, "stdout": stdout, "stderr": decode_output(outcome.stderr)}
    if outcome.ending in ("cpu", "wall"):
        return CommandRunResult(status="TimeLimitExceeded", **seen)
    return CommandRunResult(status="Finished", return_code=subprocess_exit_code(outcome), **seen)


def _split_fetched_files(stdout: bytes, posed: _PreparedProgram) -> tuple[str, dict[str, str]]:
    """Return the output of the program, and the files that are printed after the output."""
    if not posed.mark:
        return decode_output(stdout), {}
    own, *parts = stdout.split(f"\n{posed.mark} ".encode())
    files = dict[str, str]()
    for part in parts:
        number, _, data = part.partition(b" ")
        if number.isdigit() and int(number) < len(posed.fetched):
            files[posed.fetched[int(number)]] = data.decode("ascii", "replace")
    return decode_output(own), files
