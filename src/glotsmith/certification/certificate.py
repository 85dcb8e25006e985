"""The certificate of a language: rates with intervals, and each program with an unexpected verdict."""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from glotsmith import __version__
from glotsmith.cache_paths import cache_home
from glotsmith.errors import InputError, StorageError, ToolchainError
from glotsmith.evaluation.pass_at_k import Interval, interval
from glotsmith.languages import get_card, toolchain
from glotsmith.languages.mutation_rules import MutantKind
from glotsmith.languages.program_mutants import Method
from glotsmith.records import Record, Status
from glotsmith.write_aside import write_aside

CONFIDENCE = 0.95


class VerdictRate(Record, frozen=True, kw_only=True):
    """How many labelled programs of one source got a verdict that fits their label."""

    right: bool  #: the label
    source: str  #: ``rows``, ``translations``, ``given`` or ``mutants``
    programs: int
    fitting: int  #: right programs that passed, or wrong programs that failed


class UnexpectedVerdict(Record, frozen=True, kw_only=True):
    """A right program that failed, or a wrong one that passed."""

    right: bool
    source: str
    name: str
    status: Status
    detail: str = ""
    kind: MutantKind | None = None  #: of a mutant


class KindCount(Record, frozen=True, kw_only=True):
    """The mutants of one kind that are not equivalent."""

    killed: int = 0
    survived: int = 0


class LanguageCertificate(Record, frozen=True, kw_only=True):
    """What was measured for one language."""

    language: str
    toolchain: str = ""
    isolation: str = ""
    fingerprint: str = ""  #: of card and driver (``Card.fingerprint``)
    method: Method = "grammar"  #: with what mutants were made
    rates: tuple[VerdictRate, ...] = ()
    tpr: Interval | None = None  #: share of right programs that passed, as a mean over problems
    tnr: Interval | None = None  #: likewise of mutants and other wrong programs that failed, without the rows
    kinds: dict[str, KindCount] = {}  #: mutants by kind
    equivalent: int = 0  #: mutants that are left out because no further input distinguishes them
    not_compiled: int = 0  #: mutants that are left out because they do not compile
    not_judged: int = 0  #: programs that the machine could not judge, and mutants
    problems: int = 0  #: problems whose suites judged mutants
    unexpected: tuple[UnexpectedVerdict, ...] = ()
    differing: dict[str, str] = {}  #: right program → a further call for which its Python original differs from it
    left_out: tuple[str, ...] = ()  #: sentences about functions without a suite in the language

    def rate(self, source: str, *, right: bool) -> VerdictRate:
        """Return the rate of one source; without programs if there is none."""
        found = (rate for rate in self.rates if rate.source == source and rate.right == right)
        return next(found, VerdictRate(right=right, source=source, programs=0, fitting=0))

    def total(self, *, right: bool) -> VerdictRate:
        """Return the rate of all programs with a label."""
        chosen = [rate for rate in self.rates if rate.right == right]
        return VerdictRate(
            right=right,
            source="all",
            programs=sum(rate.programs for rate in chosen),
            fitting=sum(rate.fitting for rate in chosen),
        )

    def holds(self, min_tnr: float) -> bool:
        """Return whether every right program passed, and at least this share of the wrong ones of each source failed.

        Of rows and given programs every wrong one must fail.
        """
        mutants = self.rate("mutants", right=False)
        exact = all(rate.fitting == rate.programs for rate in self.rates if rate is not mutants)
        return exact and mutants.fitting >= min_tnr * mutants.programs and not self.not_judged


class Certificate(Record, frozen=True, kw_only=True):
    """The certificates of several languages, as ``glotsmith certify`` stores them."""

    glotsmith: str = __version__
    mutants: int  #: maximum number of mutants of a program
    inputs: int  #: maximum number of further inputs that a surviving mutant is run on
    languages: tuple[LanguageCertificate, ...] = ()


def with_language(known: Certificate, found: LanguageCertificate) -> Certificate:
    """Return a certificate with the figures of one more language, which replace earlier ones."""
    others = [one for one in known.languages if one.language != found.language]
    languages = tuple(sorted([*others, found], key=lambda one: one.language))
    return msgspec.structs.replace(known, languages=languages, glotsmith=__version__)


def rate_interval(by_problem: Sequence[tuple[int, int]]) -> Interval | None:
    """Return the mean over problems of (fitting, programs), with a 95 % interval; None without programs.

    Programs of one problem are not independent trials (``evaluation.pass_at_k.interval``).
    """
    pairs = [(fitting, programs) for fitting, programs in by_problem if programs]
    if not pairs:
        return None
    draws = sum(programs for _, programs in pairs) / len(pairs)
    return interval([fitting / programs for fitting, programs in pairs], draws, CONFIDENCE)


def read_certificate(path: Path) -> Certificate:
    """Read a stored certificate.

    Raises:
        InputError: the file is missing or malformed.

    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=Certificate)
    except OSError as error:
        raise InputError.at(path, None, f"{error.strerror}; 'glotsmith certify -o' writes the file") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InputError.at(path, None, f"not a certificate: {error}") from error


def write_certificate(path: Path, certificate: Certificate) -> None:
    """Write a certificate.

    Raises:
        StorageError: the file cannot be written.

    """
    data = msgspec.json.format(msgspec.json.encode(certificate), indent=1) + b"\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with write_aside(path) as draft:
            draft.write_bytes(data)
    except OSError as error:
        raise StorageError(f"{path}: cannot be written: {error.strerror or error}") from error


def store_machine_certificate(found: LanguageCertificate) -> None:
    """Keep a certificate in the cache folder, where the cards of datasets find it.

    Raises:
        StorageError: the file cannot be written.

    """
    write_certificate(_machine_path(found.language), Certificate(mutants=0, inputs=0, languages=(found,)))


def machine_certificate(language: str) -> LanguageCertificate | None:
    """Return the last certificate of a language on this machine; None if its card or its toolchain has changed."""
    try:
        [found] = read_certificate(_machine_path(language)).languages
        installed = toolchain.find_toolchain(language).version
    except (InputError, ToolchainError, ValueError):
        return None
    return found if (found.fingerprint, found.toolchain) == (get_card(language).fingerprint, installed) else None


def _machine_path(language: str) -> Path:
    return cache_home() / "certificates" / f"{language}.json"
