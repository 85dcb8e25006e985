"""Measure how many mutants the suites of dataset rows kill in the target language, on a sample of the rows."""

from collections.abc import Iterable, Mapping

from glotsmith.certification.certificate import VerdictRate
from glotsmith.certification.certify import MutationPlan, certify_language
from glotsmith.certification.labelled import of_example
from glotsmith.records import Example, Record, content_hash
from glotsmith.sandbox.base import Sandbox
from glotsmith.step import Verify

PLAN = MutationPlan(mutants=8, inputs=100)


class SuiteStrength(Record, frozen=True, kw_only=True):
    """The numbers of mutants of sampled rows in one language."""

    problems: int
    mutants: int  #: number of mutants that compile and are not equivalent to the program of the row
    killed: int
    equivalent: int = 0


def sample_rows(rows: Iterable[Example], problems: int) -> dict[str, list[Example]]:
    """Return for each language up to ``problems`` rows with tests, of different problems, chosen by content hash."""
    first = dict[tuple[str, str], Example]()
    for row in rows:
        if row.tests and row.kind != "original":
            first.setdefault((row.language, row.parallel_id), row)
    found = dict[str, list[Example]]()
    for (language, _), row in sorted(first.items(), key=lambda entry: (entry[0][0], content_hash(entry[1].id))):
        chosen = found.setdefault(language, [])
        if len(chosen) < problems:
            chosen.append(row)
    return found


async def measure_strength(
    sample: Mapping[str, Iterable[Example]], verify: Verify, sandbox: Sandbox
) -> dict[str, SuiteStrength]:
    """Return the strength of the suites of sampled rows by language, without languages that have no mutants.

    Raises:
        Unanswered: The sandbox cannot run the Python originals.

    """
    found = dict[str, SuiteStrength]()
    for language, rows in sample.items():
        programs = [program for row in rows if (program := of_example(row)) is not None]
        certificate = await certify_language(language, programs, verify, sandbox, PLAN)
        rate: VerdictRate = certificate.rate("mutants", right=False)
        if rate.programs:
            found[language] = SuiteStrength(
                problems=certificate.problems,
                mutants=rate.programs,
                killed=rate.fitting,
                equivalent=certificate.equivalent,
            )
    return found
