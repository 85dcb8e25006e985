"""The limits of a job's programs: check those that a job states, and derive those that its tests require."""

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import cast

import msgspec

from glotsmith.languages import Card, program
from glotsmith.languages.reference_limits import ReferenceLimits
from glotsmith.records import Job, Limits
from glotsmith.values import Check, NotLiteral, Value, parse_test

_FLOAT_BYTES = 34  #: a float with its tag: 17 significant digits, sign, point and exponent
_TAG_BYTES = 10  #: a collection's brackets, tag and separator
_EVENT_BYTES = 96  #: a protocol line without its value
_DEFAULT = Limits()
_MAX_BYTES_PER_CHAR = 16  #: largest number of bytes in wire format for a character of a test
_SMALL_SUITE = 32_768  #: characters of tests; values of smaller suites are not measured exactly
_LARGEST_EXACT_INT = 10**15  #: larger ints may be written as floats
#: longer than any wait that a function of its arguments needs
DEFAULT_IDLE_S = 2.0
_BUILD_BYTES = 8  #: a compiler's output for a byte of the tests

#: no toolchain starts a program with less
MIN_LIMITS = Limits(cpu_s=0.001, memory_mb=4, output_kb=1, file_mb=1)
#: an hour of CPU time, and more memory than machines have; the service allows less
JOB_MAX_LIMITS = Limits(cpu_s=3600.0, idle_s=3600.0, memory_mb=2**20, output_kb=2**20, file_mb=2**20)

#: field of a job → the limit that it sets
LIMIT_FIELDS = {
    "time_limit_s": "cpu_s",
    "idle_limit_s": "idle_s",
    "memory_limit_mb": "memory_mb",
    "output_limit_kb": "output_kb",
    "file_limit_mb": "file_mb",
}
JUDGED_FIELDS = ("tests", "io", "program")  #: fields that determine the verdict; a job has exactly one of them
TOLERANCE_FIELDS = ("tolerance", "absolute_tolerance")


def limits_of_job(card: Card, job: Job) -> Limits:
    """Return the limits of a job's programs on the reference machine: the job's own, else those of the card.

    Without a time limit, the CPU time of the Python original determines one, if the job states it.
    """
    job = ReferenceLimits().apply(job)
    limits = program.card_limits(card, job.time_limit_s, job.memory_limit_mb)
    return msgspec.structs.replace(
        limits,
        load_s=min(job.load_limit_s, limits.cpu_s),
        idle_s=_idle_limit_s(job),
        output_kb=output_limit_kb(job),
        file_mb=file_limit_mb(job),
    )


def _idle_limit_s(job: Job) -> float:
    """Return the idle limit of a job; a benchmark's own program keeps the limits that its makers gave it."""
    default = 0.0 if job.program else DEFAULT_IDLE_S
    return default if job.idle_limit_s is None else job.idle_limit_s


def output_limit_kb(job: Job) -> int:
    """Return the limit of a program's stdout in KB: the job's limit, plus the size of the expected output."""
    return (job.output_limit_kb or _DEFAULT.output_kb) + kb_of(_expected_bytes(job))


def kb_of(size: int) -> int:
    """Return the number of KB that a number of bytes needs."""
    return -(-size // 1024)


def file_limit_mb(job: Job) -> int:
    """Return the limit of a program's files in MB; compilers also write the contents of the tests."""
    size = sum(map(len, job.tests)) + len(job.program)
    return (job.file_limit_mb or _DEFAULT.file_mb) + _BUILD_BYTES * size // 2**20


def _expected_bytes(job: Job) -> int:
    """Return the largest output of a right program: all values of one process, or the longest stdout."""
    if job.io:
        return max(stdout_size(case.stdout) for case in job.io)
    size = sum(map(len, job.tests))
    return _MAX_BYTES_PER_CHAR * size if size < _SMALL_SUITE else _result_bytes(job.tests)


def stdout_size(expected: str) -> int:
    """Return the largest size of a stdout that a checker accepts for the expected one, with extra white space."""
    return 2 * len(expected.encode("utf-8", "surrogatepass"))


@lru_cache(maxsize=16)
def _result_bytes(tests: tuple[str, ...]) -> int:
    try:
        return sum(_EVENT_BYTES + wire_size(parse_test(test).expected) for test in tests)
    except NotLiteral:
        return 0  # the program will not run


def wire_size(value: Value | Check) -> int:
    """Return the largest size of a value in wire format; for a check, an estimate by its text."""
    match value:
        case Check():
            return _MAX_BYTES_PER_CHAR * len(value.text)
        case bool() | None:
            return 8
        case int():
            return max(len(str(value)) + 8, _FLOAT_BYTES if abs(value) > _LARGEST_EXACT_INT else 0)
        case str():
            return 4 + len(value) + sum(11 for c in value if not (" " <= c <= "~") or c in '"\\')
        case dict():
            pairs = cast(Mapping[Value, Value], value).items()
            return _TAG_BYTES + sum(_TAG_BYTES + wire_size(k) + wire_size(v) for k, v in pairs)
        case list() | tuple() | set() | frozenset():
            return _TAG_BYTES + sum(map(wire_size, cast(Sequence[Value], value)))
        case _:
            return _FLOAT_BYTES


def judged_fields_error(job: Job) -> str:
    """Return what is wrong if a job does not have exactly one of ``JUDGED_FIELDS``; "" if nothing is.

    The message is a predicate, so that callers can put the name of the job before it.
    """
    present = [name for name in JUDGED_FIELDS if getattr(job, name)]
    if not present:
        return f"has no tests: set one of {', '.join(JUDGED_FIELDS)}"
    if len(present) > 1:
        return f"has {' and '.join(present)}: write one job for each"
    return ""


def limits_error(job: Job, most: Limits = JOB_MAX_LIMITS) -> str:
    """Return a message about the first limit or tolerance of a job that is out of range; "" for none."""
    for field, limit in LIMIT_FIELDS.items():
        value, low, high = getattr(job, field), getattr(MIN_LIMITS, limit), getattr(most, limit)
        if value is not None and not low <= value <= high:  # also true for NaN
            return f"{field} is {value}; it must be from {low} to {high}"
    for field in (*TOLERANCE_FIELDS, "load_limit_s", "reference_s"):
        value = getattr(job, field)
        if not (math.isfinite(value) and value >= 0):
            return f"{field} is {value}; it must be 0 or more, and finite"
    return "all_cases and stop_at_failure cannot be combined" if job.all_cases and job.stop_at_failure else ""
