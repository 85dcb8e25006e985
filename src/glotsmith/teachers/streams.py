"""A reply that comes as a stream of chunks though none was asked for."""

from collections.abc import Iterable, Mapping
from typing import Any

from glotsmith.teachers.lenient import DONE, as_dict, as_list

_BROKEN_OFF = "the stream ends before the reply does"
_TEXTS = ("content", "reasoning_content", "reasoning", "refusal", "text")


def assemble(chunks: Iterable[object]) -> Mapping[str, object]:
    """Make one answer of a stream's chunks, or return the error that comes before the end of the reply."""
    choice: dict[str, Any] = {"message": {}}
    rest: dict[str, object] = {}
    begun = ended = False
    for chunk in chunks:
        fields = as_dict(chunk)
        if _is_error(fields) and not ended:
            return {**rest, **fields}
        part = _first_choice(fields)
        _add(choice, part)
        begun |= bool(part)
        ended |= chunk == DONE or bool(part.get("finish_reason")) or "message" in part
        rest |= {name: value for name, value in fields.items() if value and name not in ("choices", "error")}
    return {**rest, "choices": [choice]} if begun and ended else {"error": {"message": _BROKEN_OFF}}


def _is_error(fields: Mapping[str, object]) -> bool:
    return bool(fields.get("error")) or fields.get("object") == "error" or fields.get("type") == "error"


def _first_choice(fields: Mapping[str, object]) -> Mapping[str, object]:
    choices = map(as_dict, as_list(fields.get("choices")))
    empty: Mapping[str, object] = {}
    return next((choice for choice in choices if choice.get("index") in (None, 0)), empty)


def _add(choice: dict[str, Any], part: Mapping[str, object]) -> None:
    """Add a chunk's choice to the choice so far."""
    _add_texts(choice["message"], as_dict(part.get("delta") or part.get("message")))
    _add_texts(choice, part)
    for name in ("finish_reason", "error"):
        if part.get(name):
            choice[name] = part[name]
    logprobs = choice.setdefault("logprobs", {})
    for name, values in as_dict(part.get("logprobs")).items():
        logprobs[name] = logprobs.get(name, []) + as_list(values)


def _add_texts(whole: dict[str, Any], part: Mapping[str, object]) -> None:
    for name in _TEXTS:
        piece = part.get(name)
        if isinstance(piece, str):
            whole[name] = whole.get(name, "") + piece
        elif as_list(piece):
            whole[name] = piece
