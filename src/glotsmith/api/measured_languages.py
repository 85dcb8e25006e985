"""Compute the figures of each language for the dataset card.

The figures are the strength of the run's suites, and the certificates of this machine. The strength is stored in the
cache of the run, so that a later export also has it.
"""

import logging

import msgspec

from glotsmith import __version__
from glotsmith.api.run_rows import RunRows
from glotsmith.certification.certificate import LanguageCertificate, machine_certificate
from glotsmith.certification.suite_strength import SuiteStrength, measure_strength, sample_rows
from glotsmith.certification.tables import interval_text
from glotsmith.datasets.card import LanguageFigures, MeasuredRate
from glotsmith.records import Example, content_hash
from glotsmith.sandbox.base import Sandbox
from glotsmith.step import Verify
from glotsmith.unanswered import Unanswered

_KIND = "suite_strength"
_log = logging.getLogger(__name__)


async def store_strength(rows: RunRows, verify: Verify, sandbox: Sandbox) -> str:
    """Measure the strength of the suites of a run if its configuration requires it, and store it in the run's cache.

    Return a sentence if the machine failed, else "".
    """
    if not (sample := _sampled_rows(rows)):
        return ""
    key = _cache_key(sample)
    if rows.folder.cache.get(_KIND, key) is None:
        try:
            found = await measure_strength(sample, verify, sandbox)
        except Unanswered as error:
            _log.warning("the strength of suites was not measured", exc_info=error)
            return f"The strength of the suites was not measured: {error.detail}"
        rows.folder.cache.put(_KIND, key, msgspec.json.encode(found))
    return ""


def language_figures(rows: RunRows, languages: set[str]) -> dict[str, LanguageFigures]:
    """Return the figures of the languages of a run that have a measurement."""
    strengths = _stored_strength(rows)
    figures = {name: _figures_of_language(strengths.get(name), name) for name in sorted(languages)}
    return {name: found for name, found in figures.items() if found != LanguageFigures()}


def _figures_of_language(strength: SuiteStrength | None, language: str) -> LanguageFigures:
    certificate = machine_certificate(language)
    return LanguageFigures(
        mutants_killed=f"{strength.killed} of {strength.mutants}" if strength else "",
        tpr=interval_text(certificate.tpr) if certificate and certificate.tpr else "",
        tnr=interval_text(certificate.tnr) if certificate and certificate.tnr else "",
        rates=_measured_rates(certificate) if certificate else {},
    )


def _measured_rates(certificate: LanguageCertificate) -> dict[str, MeasuredRate]:
    found = {"tpr": certificate.tpr, "tnr": certificate.tnr}
    return {name: MeasuredRate(rate.mean, rate.low, rate.high) for name, rate in found.items() if rate}


def _stored_strength(rows: RunRows) -> dict[str, SuiteStrength]:
    sample = _sampled_rows(rows)
    stored = rows.folder.cache.get(_KIND, _cache_key(sample)) if sample else None
    return msgspec.json.decode(stored, type=dict[str, SuiteStrength]) if stored else {}


def _sampled_rows(rows: RunRows) -> dict[str, list[Example]]:
    """Return the sampled rows; empty if the configuration requires none, or if the run is not finished."""
    problems = rows.folder.config.get("strength_sample", 0)
    return sample_rows(rows.examples(), problems) if problems and not rows.partial else {}


def _cache_key(sample: dict[str, list[Example]]) -> str:
    return content_hash(_KIND, __version__, *(row.id for chosen in sample.values() for row in chosen))
