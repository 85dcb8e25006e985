"""What a job's programs may use: the card's limits or the job's own, and never less than the job itself expects."""

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import cast

import msgspec

from glotsmith.languages import Card, program
from glotsmith.records import Job, Limits
from glotsmith.values import Check, NotLiteral, Value, parse_test

_FLOAT = 34  #: bytes of a float with its tag: 17 significant digits, sign, point and exponent
_TAG = 10  #: bytes of a collection's brackets and tag, with a separator
_EVENT = 96  #: bytes of a protocol line beside its value
_DEFAULT = Limits()
_WIDEST = 16  #: bytes on the wire for a character of a test, at most
_SMALL = 32_768  #: characters of tests whose values need no exact measure
_EXACT = 10**15  #: ints beyond it may be written as floats are
_BUILT = 8  #: bytes that a compiler may write for a byte of the tests

#: below it no toolchain starts a program
MIN_LIMITS = Limits(cpu_s=0.001, memory_mb=4, output_kb=1, file_mb=1)
#: an hour of CPU, and more space than a machine has; the service allows strangers less
MAX_LIMITS = Limits(cpu_s=3600.0, memory_mb=2**20, output_kb=2**20, file_mb=2**20)

#: field of a job → the limit that it sets
LIMIT_FIELDS = {
    "time_limit_s": "cpu_s",
    "memory_limit_mb": "memory_mb",
    "output_limit_kb": "output_kb",
    "file_limit_mb": "file_mb",
}
JUDGED_FIELDS = ("tests", "io", "program")  #: fields that say what is to hold; a job has one of them
TOLERANCE_FIELDS = ("tolerance", "absolute_tolerance")


def limits_of_job(card: Card, job: Job) -> Limits:
    """Return the limits of a job's programs, on the reference machine."""
    limits = program.card_limits(card, job.time_limit_s, job.memory_limit_mb)
    return msgspec.structs.replace(limits, output_kb=output_limit_kb(job), file_mb=file_limit_mb(job))


def output_limit_kb(job: Job) -> int:
    """Return how much stdout a job's program may write: the job's limit beside all that its tests expect."""
    return (job.output_limit_kb or _DEFAULT.output_kb) + kb_of(_expected(job))


def kb_of(size: int) -> int:
    """Return the KB that hold so many bytes."""
    return -(-size // 1024)


def file_limit_mb(job: Job) -> int:
    """Return how much a job's program may write to files; compilers also write what the tests hold."""
    held = sum(map(len, job.tests)) + len(job.program)
    return (job.file_limit_mb or _DEFAULT.file_mb) + _BUILT * held // 2**20


def _expected(job: Job) -> int:
    """Return the most bytes that a right program writes: all values in one process, or the longest stdout."""
    if job.io:
        return max(stdout_size(case.stdout) for case in job.io)
    size = sum(map(len, job.tests))
    return _WIDEST * size if size < _SMALL else _results(job.tests)


def stdout_size(expected: str) -> int:
    """Return the most bytes of a stdout that a checker takes for the expected one, with room for white space."""
    return 2 * len(expected.encode("utf-8", "surrogatepass"))


@lru_cache(maxsize=16)
def _results(tests: tuple[str, ...]) -> int:
    try:
        return sum(_EVENT + wire_size(parse_test(test).expected) for test in tests)
    except NotLiteral:
        return 0  # nothing will run


def wire_size(value: Value | Check) -> int:
    """Return the most bytes that a value takes on the wire, as far as its test names it."""
    match value:
        case Check():
            return _WIDEST * len(value.text)
        case bool() | None:
            return 8
        case int():
            return max(len(str(value)) + 8, _FLOAT if abs(value) > _EXACT else 0)
        case str():
            return 4 + len(value) + sum(11 for c in value if not (" " <= c <= "~") or c in '"\\')
        case dict():
            pairs = cast(Mapping[Value, Value], value).items()
            return _TAG + sum(_TAG + wire_size(k) + wire_size(v) for k, v in pairs)
        case list() | tuple() | set() | frozenset():
            return _TAG + sum(map(wire_size, cast(Sequence[Value], value)))
        case _:
            return _FLOAT


def judged_fields_error(job: Job) -> str:
    """Return why it is not clear what is to hold for a job, as a sentence without its subject; "" where it is."""
    given = [name for name in JUDGED_FIELDS if getattr(job, name)]
    if not given:
        return f"has none of {', '.join(JUDGED_FIELDS)}, so nothing could be judged"
    if len(given) > 1:
        return f"has {' and '.join(given)}, of which only one can be judged: make a job of each"
    return ""


def limits_error(job: Job, most: Limits = MAX_LIMITS) -> str:
    """Return a sentence about the first limit or tolerance of a job that can't be acted on; "" for none."""
    for field, limit in LIMIT_FIELDS.items():
        asked, low, high = getattr(job, field), getattr(MIN_LIMITS, limit), getattr(most, limit)
        if asked is not None and not low <= asked <= high:  # NaN is not, either
            return f"{field} is {asked}; it must be from {low} to {high}"
    for field in TOLERANCE_FIELDS:
        asked = getattr(job, field)
        if not (math.isfinite(asked) and asked >= 0):
            return f"{field} is {asked}; it must be 0 or more, and finite"
    return ""
