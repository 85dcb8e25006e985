"""Programs and outcomes as JSON: what ``glotsmith serve`` is sent at ``/run``, and what it answers.

A ``Program`` may hold bytes, and text that is no Unicode (half of a surrogate pair); JSON can't, so these travel in
fields of their own, in base64. An ``Outcome`` holds bytes only, which msgspec writes in base64. ``Program.warm`` stays
behind: a program comes to the same without, and a service forks programs from nothing that a stranger sent.
"""

import msgspec

from glotsmith.records import Limits, Outcome, Program, Record
from glotsmith.sandbox.view import file_bytes


class ProgramMessage(Record, frozen=True, kw_only=True):
    """A program on its way; a file's name is in ``files`` or in ``files_base64``."""

    argv: tuple[str, ...]
    files: dict[str, str] = {}
    files_base64: dict[str, bytes] = {}
    build: tuple[str, ...] = ()
    stdin: str = ""
    stdin_base64: bytes = b""  #: in place of ``stdin``
    env: dict[str, str] = {}
    read_only: tuple[str, ...] = ()
    limits: Limits = Limits()


_SENT = msgspec.json.Decoder(ProgramMessage)
_OUTCOME = msgspec.json.Decoder(Outcome)


def encode_program(program: Program) -> bytes:
    """Return a program as JSON.

    Raises:
        ValueError: a name or a word of a command is no Unicode text.

    """
    text, data = dict[str, str](), dict[str, bytes]()
    for name, held in program.files.items():
        if isinstance(held, str) and _is_text(held):
            text[name] = held
        else:
            data[name] = file_bytes(held)
    plain = _is_text(program.stdin)
    sent = ProgramMessage(
        argv=program.argv,
        files=text,
        files_base64=data,
        build=program.build,
        stdin=program.stdin if plain else "",
        stdin_base64=b"" if plain else file_bytes(program.stdin),
        env=program.env,
        read_only=program.read_only,
        limits=program.limits,
    )
    return msgspec.json.encode(sent)


def decode_program(data: bytes) -> Program:
    """Return the program that JSON describes.

    Raises:
        ValueError: it is no JSON, or describes no program (``msgspec.ValidationError``).

    """
    sent = _SENT.decode(data)
    if both := sent.files.keys() & sent.files_base64.keys():
        raise msgspec.ValidationError(f"the file {min(both)!r} is there twice, as text and in base64")
    if sent.stdin and sent.stdin_base64:
        raise msgspec.ValidationError("stdin is there twice, as text and in base64")
    try:
        stdin = sent.stdin_base64.decode("utf-8", "surrogatepass") if sent.stdin_base64 else sent.stdin
    except UnicodeDecodeError as error:
        raise msgspec.ValidationError(f"stdin_base64 holds no UTF-8: {error.reason} at byte {error.start}") from error
    files: dict[str, str | bytes] = {**sent.files, **sent.files_base64}
    return Program(
        argv=sent.argv,
        files=files,
        build=sent.build,
        stdin=stdin,
        env=sent.env,
        read_only=sent.read_only,
        limits=sent.limits,
    )


def encode_outcome(outcome: Outcome) -> bytes:
    """Return an outcome as JSON."""
    return msgspec.json.encode(outcome)


def decode_outcome(data: bytes) -> Outcome:
    """Return the outcome that JSON describes.

    Raises:
        ValueError: it describes none.

    """
    return _OUTCOME.decode(data)


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


class ErrorMessage(Record, frozen=True, kw_only=True):
    """What a service says in place of an answer."""

    error: str  #: one sentence


def error_text(body: bytes) -> str:
    """Return the sentence of a refusal; empty where there is none."""
    try:
        return msgspec.json.decode(body, type=ErrorMessage).error
    except (ValueError, RecursionError):
        return ""
