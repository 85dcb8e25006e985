"""Read the pass rates of a target model on the problems of a run, and the ranges of rates that exports select."""

import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec

from glotsmith.errors import InputError, UsageError, unknown_name
from glotsmith.records import Record

DIFFICULTY = "difficulty"  #: name of a folder in a run folder, with a folder for each measured model
RATES = "pass_rates.jsonl"
_FORM = re.compile(r"\s*(\d*\.?\d+)\s*\.\.\s*(\d*\.?\d+)\s*")
SHOWN = 40  #: maximum characters of a value in a message

PassRates = Mapping[tuple[str, str], float]  #: (``parallel_id``, language) → pass rate, 0-1


class ProblemPassRate(Record, frozen=True, kw_only=True):
    """The results of a model on one problem in one language."""

    parallel_id: str
    language: str
    passed: int
    samples: int  #: number of samples with a verdict, at least 1

    @property
    def rate(self) -> float:
        """The share of the samples that passed."""
        return self.passed / self.samples


class PassRateRange(NamedTuple):
    """The pass rates to select; both bounds belong to the range."""

    low: float
    high: float

    def __contains__(self, rate: object) -> bool:
        return isinstance(rate, float) and self.low <= rate <= self.high


def parse_rate_range(text: str) -> PassRateRange | None:
    """Return the range that a text like ``0.1..0.7`` states; None for an empty text.

    Raises:
        UsageError: The text is not a range.

    """
    if not text:
        return None
    match = _FORM.fullmatch(text)
    rate_range = PassRateRange(float(match[1]), float(match[2])) if match else PassRateRange(1.0, 0.0)
    if not 0 <= rate_range.low <= rate_range.high <= 1:
        raise UsageError(
            f"--pass-rate is {text[:SHOWN]!r}; it must be LOW..HIGH, such as 0.1..0.7: two numbers from 0 to 1, the "
            "smaller one first"
        )
    return rate_range


def measured_models(run: Path) -> dict[str, Path]:
    """Return the measurements of a run: name → file of pass rates."""
    return {file.parent.name: file for file in sorted((run / DIFFICULTY).glob(f"*/{RATES}"))}


def read_pass_rates(run: Path, name: str = "", *, required: bool = False) -> PassRates:
    """Return the pass rates of the measurement with this name, or of the only one.

    Args:
        run: The run folder.
        name: The name of the measurement.
        required: Whether pass rates are required; otherwise the result is empty if no or several measurements exist.

    Raises:
        UsageError: There is no such measurement, or the user must name one.
        InputError: The file is malformed.

    """
    known = measured_models(run)
    if name and name not in known:
        raise UsageError(unknown_name(f"{run}: no difficulty is measured under the name {name!r}", name, known))
    if required and not known:
        raise UsageError(
            f"{run}: no difficulty is measured. Measure it first: glotsmith difficulty {shlex.quote(str(run))} "
            "--teacher openai --model MODEL"
        )
    if required and not name and len(known) > 1:
        raise UsageError(f"{run}: name one of the measured models with --difficulty: {', '.join(known)}")
    chosen = known.get(name) if name else next(iter(known.values()), None) if len(known) == 1 else None
    return {} if chosen is None else _read_rates(chosen)


def _read_rates(file: Path) -> PassRates:
    decoder, found = msgspec.json.Decoder(ProblemPassRate), dict[tuple[str, str], float]()
    for number, line in enumerate(file.read_bytes().splitlines(), 1):
        try:
            rate = decoder.decode(line)
            found[rate.parallel_id, rate.language] = round(rate.rate, 4)
        except (msgspec.DecodeError, ZeroDivisionError) as error:
            raise InputError.at(file, number, f"not a pass rate ({error}): measure the difficulty again") from error
    return found
