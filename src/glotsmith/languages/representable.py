"""Check whether a language can represent a value. A card can refuse each feature of values."""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import cast

from glotsmith.languages.card import Card
from glotsmith.values import Value, type_of

_SURROGATE = re.compile("[\ud800-\udfff]")
_ASTRAL = re.compile("[\U00010000-\U0010ffff]")


class Unrepresentable(ValueError):
    """A value, type or name has no form in the language; the message states the reason."""


def value_features(value: Value) -> Iterator[str]:
    """Yield the features of a value that languages may not represent: names for ``[refuse]`` in a card.

    They are kinds (``set``, ``float``), kinds of elements (``list.none``, ``dict.value.none``, ``dict.key.tuple``), and
    special values: ``str.nul``, ``str.surrogate``, ``str.astral`` (a character beyond U+FFFF), ``dict.key.empty``,
    ``dict.key.nan``, ``dict.key.twin`` (1 and "1"), ``set.nan``, ``float.nan``, ``float.infinity``.
    """
    kind = type_of(value).kind
    yield kind
    match value:
        case str():
            yield from _text_features(value)
        case float() if math.isnan(value) or math.isinf(value):
            yield "float.nan" if math.isnan(value) else "float.infinity"
        case list() | tuple() | set():
            for item in cast(Sequence[Value], value):
                yield f"{kind}.{type_of(item).kind}"
                if item != item:
                    yield f"{kind}.nan"
                yield from value_features(item)
        case dict():
            for key, item in cast(Mapping[Value, Value], value).items():
                yield f"dict.key.{type_of(key).kind}"
                yield f"dict.value.{type_of(item).kind}"
                if key == "":
                    yield "dict.key.empty"
                if key != key:
                    yield "dict.key.nan"
                if type(key) is int and str(key) in value:
                    yield "dict.key.twin"
                yield from value_features(key)
                yield from value_features(item)
        case _:
            pass


def _text_features(value: str) -> Iterator[str]:
    if "\0" in value:
        yield "str.nul"
    if _SURROGATE.search(value):
        yield "str.surrogate"
    if _ASTRAL.search(value):
        yield "str.astral"


def require_representable(card: Card, value: Value, *, result: bool = False) -> None:
    """Check that the language can represent a value; a ``result`` may be wider if the card allows it.

    Raises:
        Unrepresentable: the language cannot represent the value, for the card's reason.

    """
    if card.level == "run":
        raise Unrepresentable(f"programs in {card.display} are judged only by their exit code and receive no values")
    for feature in value_features(value):
        if feature in card.refuse:
            raise Unrepresentable(card.refuse[feature])
        if feature == "str.surrogate":
            raise Unrepresentable("UTF-8 cannot encode a lone surrogate")
    if not (result and card.limits.wider_results):
        _check_width(card, value)


def _check_width(card: Card, value: Value) -> None:
    bits = card.limits.int_bits
    match value:
        case bool():
            pass
        case int() if bits and not -(1 << (bits - 1)) <= value < 1 << (bits - 1):
            raise Unrepresentable(f"{card.display} ints have {bits} bits, but {value} needs {value.bit_length() + 1}")
        case list() | tuple() | set():
            for item in cast(Sequence[Value], value):
                _check_width(card, item)
        case dict():
            for pair in cast(Mapping[Value, Value], value).items():
                _check_width(card, pair)
        case _:
            pass
