"""Read the proof rows of a language: programs with their expected verdicts, in ``verdicts.toml`` in its folder.

``hostile.toml`` has the same format: one row for each kind of attack, with the verdicts that it must get.
"""

import tomllib
from functools import cache

import msgspec

from glotsmith.errors import InputError
from glotsmith.languages.card import language_folder
from glotsmith.records import IoCase, Job, Record

DEFAULT_SIGNATURE = "def f(x: int) -> int"
DEFAULT_TESTS = ("assert f(1) == 1", "assert f(-2) == -2")


class ProofRow(Record, frozen=True, kw_only=True):
    """A program with its expected verdict; it defines ``f`` of ``signature``, or is a whole program with ``io``."""

    code: str
    expect: str | tuple[str, ...]  #: the expected status, or the accepted ones
    cases: tuple[str, ...] = ()  #: the expected status of each case
    detail: str = ""  #: a text that the verdict's detail contains
    signature: str = DEFAULT_SIGNATURE
    tests: tuple[str, ...] = DEFAULT_TESTS
    io: tuple[IoCase, ...] = ()
    time_limit_s: float | None = None
    idle_limit_s: float | None = None
    memory_limit_mb: int | None = None
    reference_cpu_s: float = 0.0  #: CPU seconds of the row ``calibration`` on the reference machine

    @property
    def expected_statuses(self) -> tuple[str, ...]:
        """The accepted statuses."""
        return (self.expect,) if isinstance(self.expect, str) else self.expect

    def job(self, language: str, identity: str = "row") -> Job:
        """Return the row as a job."""
        return Job(
            id=identity,
            language=language,
            code=self.code,
            signature="" if self.io else self.signature,
            tests=() if self.io else self.tests,
            io=self.io,
            time_limit_s=self.time_limit_s,
            idle_limit_s=self.idle_limit_s,
            memory_limit_mb=self.memory_limit_mb,
        )


@cache
def read_proof_rows(language: str, table: str = "verdicts") -> dict[str, ProofRow]:
    """Return a language's rows by title, from ``TABLE.toml`` in its folder; empty if the file does not exist.

    Raises:
        InputError: the file is not TOML, or a row has an unknown field or lacks one.

    """
    path = language_folder(language) / f"{table}.toml"
    try:
        return msgspec.convert(tomllib.loads(path.read_text("utf-8")), dict[str, ProofRow])
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, UnicodeDecodeError) as error:
        raise InputError.at(path, None, str(error)) from error
