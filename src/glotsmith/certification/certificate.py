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
    """The number of labelled programs of a source, and of those with a verdict that fits the label."""

    right: bool  #: the label of the programs
    source: str  #: ``rows``, ``translations``, ``given`` or ``mutants``
    programs: int
    fitting: int  #: number of right programs that passed, or of wrong programs that failed


class UnexpectedVerdict(Record, frozen=True, kw_only=True):
    """A right program that failed, or a wrong one that passed."""

    right: bool
    source: str
    name: str
    status: Status
    detail: str = ""
    kind: MutantKind | None = None  #: kind of the mutant; None for other programs


class KindCount(Record, frozen=True, kw_only=True):
    """The numbers of mutants of one kind, without equivalent ones."""

    killed: int = 0
    survived: int = 0


class LanguageCertificate(Record, frozen=True, kw_only=True):
    """The measurements of one language."""

    language: str
    toolchain: str = ""
    isolation: str = ""
    fingerprint: str = ""  #: hash of card and driver (``Card.fingerprint``)
    method: Method = "grammar"  #: the method that made the mutants
    rates: tuple[VerdictRate, ...] = ()
    tpr: Interval | None = None  #: share of right programs that passed: the mean over problems
    tnr: Interval | None = None  #: share of mutants and other wrong programs, except rows, that failed
    kinds: dict[str, KindCount] = {}  #: kind → number of mutants
    equivalent: int = 0  #: number of uncounted mutants that no further input distinguishes from the program
    not_compiled: int = 0  #: number of uncounted mutants that do not compile
    not_judged: int = 0  #: number of programs and mutants that the machine could not judge
    problems: int = 0  #: number of problems whose suites judged mutants
    unexpected: tuple[UnexpectedVerdict, ...] = ()
    differing: dict[str, str] = {}  #: right program → a call for which its Python original returns another value
    left_out: tuple[str, ...] = ()  #: sentences about functions without a suite in the language

    def rate(self, source: str, *, right: bool) -> VerdictRate:
        """Return the rate of one source; a rate of 0 programs if the source has none."""
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
        """Return whether all programs and mutants were judged and all verdicts fit, except those of some mutants.

        At least the share ``min_tnr`` of the mutants must fail.
        """
        mutants = self.rate("mutants", right=False)
        exact = all(rate.fitting == rate.programs for rate in self.rates if rate is not mutants)
        return exact and mutants.fitting >= min_tnr * mutants.programs and not self.not_judged


class Certificate(Record, frozen=True, kw_only=True):
    """The certificates of several languages, as ``glotsmith certify`` stores them."""

    glotsmith: str = __version__
    mutants: int  #: largest number of mutants of a program
    inputs: int  #: largest number of further inputs for a surviving mutant
    languages: tuple[LanguageCertificate, ...] = ()


def with_language(known: Certificate, found: LanguageCertificate) -> Certificate:
    """Return a certificate with the figures of a language, which replace earlier ones of the language."""
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
        InputError: The file is missing or malformed.

    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=Certificate)
    except OSError as error:
        missing = isinstance(error, FileNotFoundError)
        what = "the certificate does not exist" if missing else f"the certificate cannot be read ({error.strerror})"
        raise InputError.at(path, None, f"{what}: 'glotsmith certify -o FILE' writes one") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InputError.at(path, None, f"the file is not a valid certificate ({error})") from error


def write_certificate(path: Path, certificate: Certificate) -> None:
    """Write a certificate.

    Raises:
        StorageError: The file cannot be written.

    """
    data = msgspec.json.format(msgspec.json.encode(certificate), indent=1) + b"\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with write_aside(path) as draft:
            draft.write_bytes(data)
    except OSError as error:
        raise StorageError(f"{path} cannot be written: {error.strerror or error}") from error


def store_machine_certificate(found: LanguageCertificate) -> None:
    """Store a certificate in the cache folder, from which the cards of datasets read it.

    Raises:
        StorageError: The file cannot be written.

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
