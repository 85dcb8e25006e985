"""Certify several languages: collect the labelled programs, and judge them one language after the other."""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path

import msgspec

from glotsmith.certification.certificate import LanguageCertificate
from glotsmith.certification.certify import MutationPlan, certify_language
from glotsmith.certification.labelled import (
    LabelledProgram,
    Translation,
    labelled_rows,
    of_translation,
    own_translations,
    translations_in_folder,
)
from glotsmith.certification.suites import SOURCE, make_problems, pose_problems
from glotsmith.errors import ToolchainError
from glotsmith.languages import language_names, toolchain
from glotsmith.records import Problem
from glotsmith.sandbox.base import Sandbox
from glotsmith.step import Verify


class TranslationSet(msgspec.Struct, frozen=True):
    """Python functions with their suites, and translations of them."""

    problems: tuple[Problem, ...]
    translations: tuple[Translation, ...]
    left_out: tuple[str, ...] = ()  #: sentences about functions without a suite


class ProgressReport(msgspec.Struct, frozen=True):
    """Callbacks that receive the progress of a certification."""

    begin: Callable[[str, int], None] = lambda _language, _programs: None
    tick: Callable[[], None] = lambda: None


def runnable_languages() -> list[str]:
    """Return the languages whose toolchain is installed on this machine."""

    def runs(name: str) -> bool:
        try:
            toolchain.find_toolchain(name)
        except ToolchainError:
            return False
        return True

    return [name for name in language_names() if runs(name)]


async def translation_sets(languages: Sequence[str], folders: Sequence[Path], sandbox: Sandbox) -> list[TranslationSet]:
    """Return the translations of the languages and those of folders, with the suites of their functions.

    Raises:
        InputError: A folder has no ``source.py``, or a file cannot be read.

    """
    own = [one for name in languages for one in own_translations(name)]
    sets = [(SOURCE, own), *((folder / SOURCE.name, translations_in_folder(folder)) for folder in folders)]
    found = list[TranslationSet]()
    for source, translations in sets:
        wanted = tuple(one for one in translations if one.language in languages)
        if wanted:
            problems, lost = await make_problems(source, sandbox)
            found.append(TranslationSet(tuple(problems), wanted, tuple(lost)))
    return found


async def certify_languages(
    languages: Sequence[str],
    sets: Sequence[TranslationSet],
    given: Sequence[LabelledProgram],
    verify: Verify,
    sandbox: Sandbox,
    plan: MutationPlan,
    progress: ProgressReport | None = None,
) -> AsyncIterator[LanguageCertificate]:
    """Yield the certificate of each language."""
    report = progress or ProgressReport()
    for language in languages:
        programs, left_out = labelled_rows(language), list[str]()
        for one in sets:
            tasks, lost = await pose_problems(one.problems, language, verify)
            by_name = {task.problem.function.name: task for task in tasks}
            mine = [t for t in one.translations if t.language == language]
            programs += [of_translation(t, by_name[t.function]) for t in mine if t.function in by_name]
            left_out += [*one.left_out, *lost] if mine else []
        programs += [program for program in given if program.job.language == language]
        report.begin(language, len(programs))
        certificate = await certify_language(language, programs, verify, sandbox, plan, report.tick)
        yield msgspec.structs.replace(certificate, left_out=tuple(left_out))


def unused_given(given: Sequence[LabelledProgram], languages: Sequence[str]) -> Iterator[str]:
    """Yield the languages of given programs that are not certified."""
    yield from sorted({program.job.language for program in given} - set(languages))
