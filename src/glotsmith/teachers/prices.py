"""The prices of models: a dated table in the package, which a file of the user or options replace.

A price belongs to a model on a host, since hosts sell the same model at different prices. A model that is in no table
has an unknown price, which is not 0.
"""

import datetime
import math
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, NamedTuple
from urllib.parse import urlsplit

import msgspec

from glotsmith.errors import InputError, UsageError

_TABLE = Path(__file__).with_name("prices.toml")
_EVERY_HOST = "*"
_MILLION = 1e6

_Dollars = Annotated[float, msgspec.Meta(ge=0)]
_Models = Mapping[str, tuple[_Dollars, _Dollars]]


class ModelPrice(NamedTuple):
    """The price of a model."""

    input: float  #: US dollars per million input tokens
    output: float  #: US dollars per million output tokens
    source: str  #: where the price comes from, for the user

    def cost(self, input_tokens: float, output_tokens: float) -> float:
        """Return the price of one reply in US dollars."""
        return (input_tokens * self.input + output_tokens * self.output) / _MILLION


class _PriceTable(msgspec.Struct, forbid_unknown_fields=True):
    """The content of a file."""

    hosts: dict[str, _Models]  #: name of a host, or ``*`` for every host → model → [input, output]
    source: str = ""
    date: datetime.date | None = None

    def find(self, host: str, model: str) -> tuple[float, float] | None:
        """Return the prices of a model on a host; None if they are not in the table."""
        for name in (host, _EVERY_HOST):
            if (found := self.hosts.get(name, {}).get(model)) is not None:
                return found
        return None


def find_price(
    url: str, model: str, *, input_price: float | None, output_price: float | None, file: str = ""
) -> ModelPrice | None:
    """Return the price of a model: that of the options, else that of a file, else that of the package's table.

    Args:
        url: the address of the server.
        model: its name on the server.
        input_price: US dollars per million input tokens; None if the user gives none.
        output_price: likewise, of output tokens.
        file: a TOML file of the user; "" for none.

    Returns:
        None if the price is unknown.

    Raises:
        UsageError: only one of the two prices is given, or there is no such file.
        InputError: the file is malformed.

    """
    if any(price is not None and not math.isfinite(price) for price in (input_price, output_price)):
        raise UsageError("teacher.input_price and teacher.output_price must be finite numbers of 0 or more")
    if input_price is not None and output_price is not None:
        return ModelPrice(input_price, output_price, "the options input_price and output_price")
    if input_price is not None or output_price is not None:
        given, missing = ("input", "output") if output_price is None else ("output", "input")
        raise UsageError(
            f"teacher.{given}_price is set, and teacher.{missing}_price is not: "
            "set both, in US dollars per million tokens"
        )
    host = urlsplit(url).hostname or ""
    own = _read(Path(file).expanduser()).find(host, model) if file else None
    if own is not None:
        return ModelPrice(*own, file)
    table = _package_table()
    found = table.find(host, model)
    return None if found is None else ModelPrice(*found, f"{table.source}, {table.date}")


@cache
def _package_table() -> _PriceTable:
    return _read(_TABLE)


def _read(path: Path) -> _PriceTable:
    """Return the table in a file.

    Raises:
        UsageError: there is no such file.
        InputError: it is malformed.

    """
    if not path.is_file():
        raise UsageError(f"the price file {path} (teacher.prices) does not exist")
    try:
        table = msgspec.convert(tomllib.loads(path.read_text("utf-8-sig")), _PriceTable)
        if not all(
            math.isfinite(price) for models in table.hosts.values() for pair in models.values() for price in pair
        ):
            raise ValueError("a price is not finite")
        return table
    except ValueError as error:  # also of tomllib, msgspec and the decoding
        form = '[hosts."HOST"] with lines "MODEL" = [input, output], in US dollars per million tokens'
        raise InputError.at(
            path, None, f"the file is not a valid price table ({error}); it needs tables {form}"
        ) from None
