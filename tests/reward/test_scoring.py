"""What verdicts are worth."""

import asyncio
import logging
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any

import pytest

from glotsmith.errors import InfraError, UsageError
from glotsmith.records import CaseVerdict, Job, Verdict
from glotsmith.reward import score, score_async
from glotsmith.reward.scoring import reward_of

ROW = {"language": "lua", "tests": ["assert f(1) == 1"]}


def verdict(status: str, *cases: str) -> Verdict:
    return Verdict(id="0", language="lua", status=status, cases=tuple(CaseVerdict(status=c) for c in cases))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("status", "cases", "whole", "share"),
    [
        ("pass", ["pass", "pass"], 1.0, 1.0),
        ("fail:wrong", ["fail:wrong", "pass", "pass", "pass"], 0.0, 0.75),
        ("fail:wrong", ["fail:wrong"], 0.0, 0.0),
        ("fail:runtime", ["pass", "fail:runtime"], 0.0, 0.5),
        ("fail:timeout", ["pass", "fail:timeout"], 0.0, 0.5),
        ("fail:memory", ["pass", "fail:memory"], 0.0, 0.5),
        ("fail:output", ["pass", "fail:output"], 0.0, 0.0),  # it wrote a protocol of its own, or far too much
        ("fail:exit", ["pass", "fail:exit"], 0.0, 0.0),  # it left before it was asked everything
        ("fail:compile", ["fail:compile"], 0.0, 0.0),
        ("fail:wrong", [], 0.0, 0.0),
    ],
)
def test_what_is_earned(status: str, cases: list[str], whole: float, share: float) -> None:
    assert (reward_of(verdict(status, *cases), "all"), reward_of(verdict(status, *cases), "share")) == (whole, share)


class ScriptedThread:
    """A verifier thread whose verdicts are written in the programs."""

    def submit(self, jobs: Sequence[Job]) -> Future[list[Verdict]]:
        future = Future[list[Verdict]]()
        future.set_result([Verdict(id=j.id, language=j.language, status=j.code.split()[-1]) for j in jobs])  # type: ignore[arg-type]
        return future


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("glotsmith.reward.scoring.get_verifier_thread", lambda isolation, jobs: ScriptedThread())


COMPLETIONS = [f"```lua\nfunction f() end -- {status}\n```" for status in ("pass", "infra:sandbox", "fail:wrong")]


@pytest.mark.parametrize("status", ["infra:sandbox", "infra:toolchain", "infra:refused"])
def test_the_machines_faults_are_no_zeros(scripted: None, status: str, caplog: pytest.LogCaptureFixture) -> None:
    completions = [text.replace("infra:sandbox", status) for text in COMPLETIONS]
    with pytest.raises(InfraError, match=f"completion 1, in lua, has no verdict .{status}"):
        score(completions, [ROW] * 3)
    with caplog.at_level(logging.WARNING):
        assert score(completions, [ROW] * 3, faults="mask") == [1.0, None, 0.0]
    assert [r.message for r in caplog.records if status in r.message]


def test_no_code_earns_nothing_and_no_tests_ask_for_nothing(scripted: None) -> None:
    assert score(["I can't.", "", COMPLETIONS[0]], [ROW, ROW, {"language": "lua"}]) == [0.0, 0.0, None]
    assert score([], []) == []


def test_the_callers_loop_goes_on(scripted: None) -> None:
    assert asyncio.run(score_async(COMPLETIONS, [ROW] * 3, faults="mask")) == [1.0, None, 0.0]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"credit": "half"}, "credit is 'half'; it must be one of all, share"),
        ({"faults": ["mask"]}, "faults is .'mask'.; it must be one of raise, mask"),
        ({"jobs": 0}, "jobs is 0; it must be a whole number of 1 or more, or None"),
        ({"jobs": ["a column"]}, "jobs is .'a column'."),
        ({"limit_floor_s": 0}, "limit_floor_s is 0; it must be a number of at least 0.001"),
        ({"limit_factor": float("nan")}, "limit_factor is nan; it must be a number of at least 1.0"),
        ({"isolation": "docker"}, "there is no isolation 'docker'"),
    ],
)
def test_wrong_options(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        score(COMPLETIONS, [ROW] * 3, **options)


def test_completions_and_rows_are_pairs() -> None:
    with pytest.raises(UsageError, match="3 completions and 2 rows"):
        score(COMPLETIONS, [ROW] * 2)


@pytest.mark.parametrize(
    ("completion", "row", "sentence"),
    [
        (COMPLETIONS[0], {**ROW, "language": "klingon"}, "row 1: no language is named 'klingon'"),
        (COMPLETIONS[0], {**ROW, "tests": [1]}, "row 1: Expected `str`, got `int`"),
        (COMPLETIONS[0], {**ROW, "tests": "assert f(1) == 1"}, "row 1: Expected `array`, got `str`"),
        (COMPLETIONS[0], {"language": "lua", "io": {"stdin": ["1"], "stdout": []}}, "row 1: stdin and stdout of io"),
        (COMPLETIONS[0], None, "row 1 is NoneType; it must be a mapping"),
        (None, ROW, "completion 1 is NoneType; it must be a text or a list of messages"),
        ([3], ROW, "completion 1 is list; it must be a text or a list of messages"),
    ],
)
def test_a_malformed_row_is_masked_and_the_others_are_judged(
    scripted: None, completion: Any, row: Any, sentence: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        assert score([COMPLETIONS[0], completion, COMPLETIONS[2]], [ROW, row, ROW], faults="mask") == [1.0, None, 0.0]
    assert [r.message for r in caplog.records if sentence in r.message and "infra:refused" in r.message]
    with pytest.raises(UsageError, match=sentence):
        score([COMPLETIONS[0], completion, COMPLETIONS[2]], [ROW, row, ROW])


def test_a_defect_costs_its_own_completion(scripted: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def pose(number: int, *_: Any) -> Job:
        return {0: 1}[number] and Job(id="0", language="lua", code="pass")  # type: ignore[return-value]

    monkeypatch.setattr("glotsmith.reward.scoring.build_job", pose)
    assert score(COMPLETIONS[:2], [ROW] * 2, faults="mask") == [1.0, None]
    with pytest.raises(KeyError):
        score(COMPLETIONS[:2], [ROW] * 2)
