"""Programs and outcomes as JSON: requests and answers of ``glotsmith serve`` at ``/run``.

A ``Program`` may contain bytes and text with lone surrogates, which JSON cannot represent; these are sent in separate
fields, in base64. ``Outcome`` has the output of a program as bytes, which msgspec writes in base64. ``Program.warm``
and ``Program.server`` are not sent: outcomes are the same without them. A client must not choose the interpreter that
the service forks.
"""

from typing import Any

import msgspec

from glotsmith.records import Limits, Outcome, Program, Record
from glotsmith.sandbox.program_environment import file_bytes


class ProgramMessage(Record, frozen=True, kw_only=True):
    """A program as JSON; the name of a file is either in ``files`` or in ``files_base64``."""

    argv: tuple[str, ...]
    files: dict[str, str] = {}
    files_base64: dict[str, bytes] = {}
    build: tuple[str, ...] = ()
    stdin: str = ""
    stdin_base64: bytes = b""  #: instead of ``stdin``
    loaded_line: str = ""
    env: dict[str, str] = {}
    read_only: tuple[str, ...] = ()
    limits: Limits = Limits()


_PROGRAM = msgspec.json.Decoder(ProgramMessage)
_OUTCOME = msgspec.json.Decoder(Outcome)


def encode_program(program: Program) -> bytes:
    """Return a program as JSON.

    Raises:
        ValueError: a name or a word of a command is not valid Unicode.

    """
    texts, binaries = dict[str, str](), dict[str, bytes]()
    for name, content in program.files.items():
        if isinstance(content, str) and _is_text(content):
            texts[name] = content
        else:
            binaries[name] = file_bytes(content)
    plain = _is_text(program.stdin)
    message = ProgramMessage(
        files=texts,
        files_base64=binaries,
        stdin=program.stdin if plain else "",
        stdin_base64=b"" if plain else file_bytes(program.stdin),
        **_shared_fields(program),
    )
    return msgspec.json.encode(message)


def decode_program(data: bytes) -> Program:
    """Return the program that JSON describes.

    Raises:
        ValueError: it is not JSON, or not a program (``msgspec.ValidationError``).

    """
    message = _PROGRAM.decode(data)
    if both := message.files.keys() & message.files_base64.keys():
        raise msgspec.ValidationError(f"the file {min(both)!r} appears twice, in files and in files_base64")
    if message.stdin and message.stdin_base64:
        raise msgspec.ValidationError("stdin and stdin_base64 cannot be combined")
    try:
        stdin = message.stdin_base64.decode("utf-8", "surrogatepass") if message.stdin_base64 else message.stdin
    except UnicodeDecodeError as error:
        raise msgspec.ValidationError(f"stdin_base64 is not UTF-8: {error.reason} at byte {error.start}") from error
    files: dict[str, str | bytes] = {**message.files, **message.files_base64}
    return Program(files=files, stdin=stdin, **_shared_fields(message))


def _shared_fields(source: Program | ProgramMessage) -> dict[str, Any]:
    return {name: getattr(source, name) for name in ("argv", "build", "loaded_line", "env", "read_only", "limits")}


def encode_outcome(outcome: Outcome) -> bytes:
    """Return an outcome as JSON."""
    return msgspec.json.encode(outcome)


def decode_outcome(data: bytes) -> Outcome:
    """Return the outcome that JSON describes.

    Raises:
        ValueError: it is not an outcome.

    """
    return _OUTCOME.decode(data)


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


class ErrorMessage(Record, frozen=True, kw_only=True):
    """The answer of a service to a request that it refuses."""

    error: str


def error_text(body: bytes) -> str:
    """Return the message of a refusal; "" if there is none."""
    try:
        return msgspec.json.decode(body, type=ErrorMessage).error
    except (ValueError, RecursionError):
        return ""
