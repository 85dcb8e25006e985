"""Certificates: counts, intervals, mutants that are left out, and what makes a certificate fail."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from glotsmith.certification.certificate import (
    Certificate,
    LanguageCertificate,
    VerdictRate,
    read_certificate,
    with_language,
    write_certificate,
)
from glotsmith.certification.certify import MutationPlan, certify_language
from glotsmith.certification.further_tests import FurtherTests
from glotsmith.certification.labelled import LabelledProgram, own_translations
from glotsmith.certification.suites import SOURCE
from glotsmith.certification.tables import certificate_page, certificate_rows, summary_lines
from glotsmith.errors import InputError
from glotsmith.records import Job, Status
from glotsmith.sandbox import open_sandbox
from glotsmith.verification import Verifier

FURTHER = FurtherTests(tests=("assert f(3) == 2",))


def measured(
    programs: list[LabelledProgram], verifier: Any, monkeypatch: pytest.MonkeyPatch, further: FurtherTests = FURTHER
) -> LanguageCertificate:
    async def made(*_: object) -> FurtherTests:
        return further

    monkeypatch.setattr("glotsmith.certification.mutant_checks.make_further_tests", made)
    sandbox = msgspec.defstruct("Named", [("name", str, "none")])()
    return asyncio.run(certify_language("lua", programs, verifier, sandbox, MutationPlan(mutants=30)))


def program(job: Job, **fields: Any) -> LabelledProgram:
    return LabelledProgram(**{"name": "p", "source": "given", "right": True, "job": job, "problem": "p"} | fields)


def test_mutants_that_pass_are_survivors_or_equivalent(
    job: Job, scripted: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def judge(one: Job) -> Status:
        if one.code == job.code:
            return "pass"
        if "x <= 2" in one.code:  # passes everything
            return "pass"
        if "x < 3" in one.code:  # passes the suite only
            return "fail:wrong" if one.tests == FURTHER.tests else "pass"
        return "fail:compile" if "x < 1" in one.code else "fail:timeout"

    found = measured([program(job, mutated=True)], scripted(judge), monkeypatch)
    mutants = found.rate("mutants", right=False)
    assert (found.equivalent, found.not_compiled, mutants.programs - mutants.fitting) == (1, 1, 1)
    assert found.kinds["constant"].survived == 1 and found.kinds["branch"].killed == 1
    [survivor] = found.unexpected
    assert (survivor.source, survivor.kind, survivor.status) == ("mutants", "constant", "pass")
    assert "f(3)" in survivor.detail
    assert found.tnr is not None and found.tnr.mean == mutants.fitting / mutants.programs
    assert not found.holds(1.0) and found.holds(0.5)


def test_a_mutant_has_a_time_limit_from_its_program(
    job: Job, scripted: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    verifier = scripted(lambda one: "pass" if one.code == job.code else "fail:wrong")
    measured([program(job, mutated=True)], verifier, monkeypatch)
    assert {one.time_limit_s for one in verifier.jobs} == {None, 1.0}


@pytest.mark.parametrize(
    ("right", "status", "holds", "misses"),
    [
        (True, "pass", True, 0),
        (True, "fail:wrong", False, 1),
        (False, "fail:wrong", True, 0),
        (False, "pass", False, 1),
        (True, "infra:sandbox", False, 1),
    ],
)
def test_a_verdict_that_does_not_fit_its_label(
    right: bool,
    status: Status,
    holds: bool,
    misses: int,
    job: Job,
    scripted: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = measured([program(job, right=right)], scripted(lambda _: status), monkeypatch)
    assert (found.holds(0.0), len(found.unexpected)) == (holds, misses)
    if status.startswith("infra"):
        assert not found.rates and found.not_judged == 1
    else:
        assert found.total(right=right) == VerdictRate(right=right, source="all", programs=1, fitting=1 - misses)


def test_programs_of_one_problem_count_once(
    job: Job, scripted: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    codes = {name: msgspec.structs.replace(job, code=name) for name in "abcd"}
    programs = [program(codes[name], problem="one" if name in "abc" else "two") for name in "abcd"]
    found = measured(programs, scripted(lambda one: "fail:wrong" if one.code == "d" else "pass"), monkeypatch)
    assert found.tpr is not None and (found.tpr.mean, found.tpr.problems) == (0.5, 2)


def test_a_certificate_is_stored_and_read(tmp_path: Path) -> None:
    stored = Certificate(mutants=3, inputs=4, languages=(LanguageCertificate(language="r"),))
    both = with_language(stored, LanguageCertificate(language="lua", equivalent=2))
    assert [one.language for one in both.languages] == ["lua", "r"]
    assert with_language(both, LanguageCertificate(language="lua")).languages[0].equivalent == 0
    write_certificate(tmp_path / "new" / "c.json", both)
    assert read_certificate(tmp_path / "new" / "c.json") == both


@pytest.mark.parametrize("text", ["{", '{"mutants": 1, "inputs": 2, "langauges": []}', "[]"])
def test_a_file_that_is_no_certificate(text: str, tmp_path: Path) -> None:
    (tmp_path / "c.json").write_text(text)
    with pytest.raises(InputError, match="not a valid certificate"):
        read_certificate(tmp_path / "c.json")


def test_the_page_escapes_the_text_of_programs(
    job: Job, scripted: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = measured([program(job, name="<b>|*x*")], scripted(lambda _: "fail:wrong"), monkeypatch)
    page = certificate_page(Certificate(mutants=8, inputs=100, languages=(found,)))
    assert r"\<b\>\|\*x\*" in page and "glotsmith certify --mutants 8 --inputs 100" in page
    assert certificate_rows([found])[0][3] == "0/1"
    assert "a right program (given) got fail:wrong: <b>|*x*" in summary_lines([found])[0]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("language", "code"),
    [
        ("lua", "local function f(x)\n  if x < 10 then return 1 end\n  return 2\nend"),
        ("bash", "read -r x\nif (( x < 10 )); then\n  echo 1\nelse\n  echo 2\nfi"),  # a whole program
    ],
)
def test_a_real_program_and_its_mutants(job: Job, language: str, code: str) -> None:
    """A suite without the boundary at 10 passes a mutant, which a further input shows to be wrong."""

    async def measure() -> LanguageCertificate:
        sandbox = open_sandbox()
        try:
            tests = ("assert f(3) == 1", "assert f(50) == 2")
            one = msgspec.structs.replace(job, language=language, code=code, tests=tests)
            return await certify_language(
                language, [program(one, mutated=True)], Verifier(sandbox), sandbox, MutationPlan(mutants=20, inputs=60)
            )
        finally:
            await sandbox.close()

    found = asyncio.run(measure())
    survived = {miss.name.partition(": ")[2] for miss in found.unexpected}
    assert "< → <=" in survived
    assert found.total(right=True).fitting == 1 and found.kinds["branch"].killed == 1


@pytest.mark.parametrize("language", ["bash", "c", "lua"])
def test_a_language_has_translations_of_all_functions(language: str) -> None:
    assert len(own_translations(language)) == SOURCE.read_text("utf-8").count("\ndef ")


def test_the_published_page_is_made_from_the_stored_figures() -> None:
    root = Path(__file__).parents[2]
    stored = read_certificate(root / "benchmarks" / "certificate.json")
    assert (root / "docs" / "certificate.md").read_text("utf-8") == certificate_page(stored)
    assert all(found.total(right=True).fitting == found.total(right=True).programs for found in stored.languages)
