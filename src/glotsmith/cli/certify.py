"""``glotsmith certify``: measure how often verification is right in each language."""

import asyncio
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer
from rich.table import Table

from glotsmith.cache import Cache
from glotsmith.cache_paths import cache_home
from glotsmith.cli.app import Isolation, Jobs, Stopped, app, complete_language, err, out
from glotsmith.cli.progress.command_progress import CheckProgressDisplay
from glotsmith.cli.progress.display import ProgressMode, ProgressOption
from glotsmith.counts import counted
from glotsmith.errors import InfraError
from glotsmith.languages import resolve_language
from glotsmith.records import printable
from glotsmith.unanswered import Unanswered

if TYPE_CHECKING:
    from glotsmith.certification.certificate import Certificate, LanguageCertificate
    from glotsmith.certification.certify import MutationPlan
    from glotsmith.certification.labelled import LabelledProgram

Paths = list[Path] | None
_CACHE = "certify.sqlite"


@app.command()
def certify(
    languages: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[LANGUAGE]...", help="Languages; default: all that run here.", autocompletion=complete_language
        ),
    ] = None,
    programs: Annotated[
        Paths,
        typer.Option(
            "--programs",
            "-p",
            help="Labelled programs: jobs with a label, a run folder or its rows, problems of CodeContests, result "
            "files of MultiPL-E; repeatable.",
        ),
    ] = None,
    translations: Annotated[
        Paths,
        typer.Option(
            "--translations", "-t", help="Folder with source.py and its translations LANGUAGE/NAME.EXT; repeatable."
        ),
    ] = None,
    mutants: Annotated[int, typer.Option(min=0, help="Maximum number of mutants of each right translation.")] = 20,
    inputs: Annotated[
        int, typer.Option(min=1, help="Maximum number of further inputs for a mutant that passes.")
    ] = 200,
    min_tnr: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Lowest share of mutants that must fail; exit with 1 below it.")
    ] = 0.99,
    output: Annotated[Path, typer.Option("--output", "-o", help="File for the figures.")] = Path("certificate.json"),
    cache: Annotated[
        Path | None, typer.Option(help="File that keeps the verdicts; default: in the cache folder.")
    ] = None,
    isolation: Isolation = "auto",
    jobs: Jobs = None,
    page: Annotated[
        bool, typer.Option("--page", help="Only print the figures of --output as a page in Markdown.")
    ] = False,
    progress: ProgressOption = ProgressMode.auto,
) -> None:
    """Measure how often verification passes right programs (TPR) and fails wrong ones (TNR).

    The programs are the rows of each language, right translations of a few functions, and mutants of these in the
    language itself. A mutant that passes its suite is run on further inputs: if it gives the values of the original on
    all of them, it is equivalent and is not counted.

    The exit code is 1 if a right program fails, if a wrong program that is not a mutant passes, or if too many mutants
    pass. The same command resumes after a stop: verdicts are kept.

    Example: [bold]glotsmith certify lua ocaml --mutants 10[/]
    """
    from glotsmith.certification.certify import MutationPlan
    from glotsmith.certification.session import runnable_languages

    if page:
        _print_page(output)
        return
    wanted = list(dict.fromkeys(resolve_language(name) for name in languages or runnable_languages()))
    place = cache or cache_home() / _CACHE
    request = _Request(
        wanted, programs or [], translations or [], MutationPlan(mutants=mutants, inputs=inputs), output, min_tnr
    )
    try:
        with CheckProgressDisplay(err, progress) as shown:
            found = asyncio.run(_certify(request, place, isolation, jobs, shown))
    except KeyboardInterrupt:
        raise Stopped(f"Stopped: {place} keeps the verdicts so far. Run the same command again to resume.") from None
    _print_certificates(found, output)
    raise typer.Exit(0 if all(one.holds(min_tnr) for one in found) else 1)


class _Request(NamedTuple):
    languages: list[str]
    programs: list[Path]
    translations: list[Path]
    plan: "MutationPlan"
    output: Path
    min_tnr: float


def _print_page(stored: Path) -> None:
    from glotsmith.certification.certificate import read_certificate
    from glotsmith.certification.tables import certificate_page

    sys.stdout.write(certificate_page(read_certificate(stored)))


async def _certify(
    request: _Request, cache: Path, isolation: str, workers: int | None, shown: CheckProgressDisplay
) -> "list[LanguageCertificate]":
    """Certify the languages one by one, store each certificate at once, and return all."""
    from glotsmith.certification import session
    from glotsmith.certification.certificate import store_machine_certificate, with_language, write_certificate
    from glotsmith.sandbox import open_sandbox
    from glotsmith.verification import Verifier

    given = [program for path in request.programs for program in _read_programs(path)]
    for name in session.unused_given(given, request.languages):
        shown.print(f"Programs in {name} are not judged: the language is not certified by this command.")
    stored, found = _stored_certificate(request), list["LanguageCertificate"]()
    sandbox, store = open_sandbox(isolation, workers), Cache(cache)
    try:
        verifier = Verifier(sandbox, store)
        sets = await session.translation_sets(request.languages, request.translations, sandbox)
        progress = session.ProgressReport(lambda name, total: shown.begin(f"programs in {name}", total), shown.tick)
        async for one in session.certify_languages(
            request.languages, sets, given, verifier, sandbox, request.plan, progress
        ):
            found.append(one)
            stored = with_language(stored, one)
            write_certificate(request.output, stored)
            store_machine_certificate(one)
    except Unanswered as error:
        raise InfraError(f"the machine failed: {error.detail}. Run the same command again to resume") from error
    finally:
        store.close()
        await sandbox.close()
    return found


def _read_programs(path: Path) -> "Iterator[LabelledProgram]":
    """Yield the labelled programs of a file, of a run folder, or of a folder with result files of MultiPL-E.

    Raises:
        UsageError: The path does not exist, or contains no rows.
        InputError: A row is malformed. The message names the file and the line.

    """
    from glotsmith.api.run_rows import read_dataset
    from glotsmith.certification.labelled_files import labelled_row, result_files
    from glotsmith.evaluation.benchmarks.row_files import read_rows

    results = [row for file in result_files(path) for row in read_rows(file)]
    for row in results or read_dataset(path):
        yield from labelled_row(row)


def _stored_certificate(request: _Request) -> "Certificate":
    """Return the certificate of the output file if it was measured with the same plan, else an empty one."""
    from glotsmith.certification.certificate import Certificate, read_certificate

    plan = request.plan
    if request.output.is_file():
        stored = read_certificate(request.output)
        if (stored.mutants, stored.inputs) == (plan.mutants, plan.inputs):
            return stored
    return Certificate(mutants=plan.mutants, inputs=plan.inputs)


def _print_certificates(found: Sequence["LanguageCertificate"], output: Path) -> None:
    from glotsmith.certification.tables import COLUMNS, certificate_rows, summary_lines

    table = Table(*COLUMNS)
    for row in certificate_rows(found):
        table.add_row(*row)
    out.print(table)
    for line in summary_lines(found):
        out.print(printable(line))
    out.print(f"The figures of {counted(len(found), 'language', 'are')} in {output}")
