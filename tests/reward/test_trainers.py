"""The signatures that trainers call, with programs that really run."""

import asyncio
import functools
import inspect
import json
import math
import pickle
from typing import Any

import pytest

from glotsmith.errors import InfraError, UsageError
from glotsmith.records import Verdict
from glotsmith.reward import close, code_reward, code_reward_async, compute_score, compute_score_async, compute_scores

LUA = "```lua\nfunction f(x) return x + 1 end\n```"
PYTHON = "```python\ndef f(x):\n    return x + 1\n```"
HALF = "```lua\nfunction f(x) return 2 end\n```"
TESTS = ["assert f(1) == 2", "assert f(2) == 3"]
COLUMNS: dict[str, Any] = {
    "language": ["lua", "python", "lua", "lua", None],
    "tests": [TESTS, TESTS, TESTS, TESTS, None],
    "signature": ["def f(x: int) -> int", None, "", "def f(x: int) -> int", None],
}
COMPLETIONS = [LUA, PYTHON, HALF, "I can't.", LUA]
REWARDS = [1.0, 1.0, 0.0, 0.0, None]


class Trainer:
    """What TRL hands to a reward function beside the columns."""

    def __init__(self) -> None:
        self.extra: dict[str, list[str]] = {}
        self.metrics: dict[str, float] = {}

    @property
    def keywords(self) -> dict[str, Any]:
        return {
            "completion_ids": [[1]] * 5,
            "trainer_state": object(),
            "log_extra": self.extra.__setitem__,
            "log_metric": self.metrics.__setitem__,
        }


def test_trl() -> None:
    trainer = Trainer()
    assert code_reward(prompts=["p"] * 5, completions=COMPLETIONS, **COLUMNS, **trainer.keywords) == REWARDS
    assert trainer.extra == {"verdict": ["pass", "pass", "fail:wrong", "no code", "not asked"]}
    assert trainer.metrics == {"code_reward/masked": 0.0}
    chats = [[{"role": "assistant", "content": text}] for text in COMPLETIONS]
    prompts = [[{"role": "user", "content": "p"}]] * 5
    assert asyncio.run(code_reward_async(prompts=prompts, completions=chats, **COLUMNS)) == REWARDS
    shared = functools.partial(code_reward, credit="share")
    assert shared(prompts=["p"] * 5, completions=COMPLETIONS, **COLUMNS) == [1.0, 1.0, 0.5, 0.0, None]
    assert pickle.loads(pickle.dumps(shared)).keywords == {"credit": "share"}  # TRL sends it to other processes


@pytest.mark.slow  # the import alone takes seconds
def test_trl_knows_which_are_asynchronous() -> None:
    utils = pytest.importorskip("trl.trainer.utils")
    reward = functools.partial(code_reward_async, faults="raise")
    assert [utils.is_async_callable(f) for f in (code_reward, code_reward_async, reward)] == [False, True, True]
    assert utils.get_callable_name(reward) == "code_reward_async"


@pytest.mark.parametrize(
    ("columns", "has"),
    [({}, "none"), ({"lang": ["lua"], "tests": [TESTS]}, "lang, tests"), ({"language": ["lua"]}, "language")],
)
def test_a_dataset_without_tests(columns: dict[str, Any], has: str) -> None:
    with pytest.raises(UsageError, match=f"needs the columns language and tests .*it has: {has}$"):
        code_reward([LUA], **columns)


@pytest.mark.parametrize("column", [["lua", "lua"], [], "lua", "x"])
def test_a_column_has_an_entry_for_each_completion(column: Any) -> None:
    with pytest.raises(UsageError, match="the column language must be a list with one entry for each of the 1 compl"):
        code_reward([LUA], language=column, tests=[TESTS])


TRUTH = {"language": "lua", "signature": "def f(x: int) -> int", "tests": TESTS}
ECHO = "```python\nprint(input())\n```"
IO = {"inputs": ["a\n", "b\n"], "outputs": ["a\n", "b\n"]}


@pytest.mark.parametrize(
    ("completion", "truth", "info", "reward"),
    [
        (LUA, json.dumps(TRUTH), None, 1.0),
        (LUA, TRUTH, {}, 1.0),
        (HALF, TRUTH, {"index": 1, "split": "train"}, 0.5),
        ("I can't.", TRUTH, None, 0.0),
        (LUA, {"tests": TESTS}, {"language": "lua", "tests": ["assert f(1) == 0"]}, 1.0),
        (LUA, json.dumps({}), TRUTH, 1.0),
        (ECHO, json.dumps(IO), None, 1.0),  # verl's own forms
        (ECHO, IO | {"outputs": ["a\n", "c\n"]}, {"language": "python"}, 0.5),
        (PYTHON, {"assert_case": TESTS}, {}, 1.0),
    ],
)
def test_verl(completion: str, truth: Any, info: Any, reward: float) -> None:
    arguments = {"data_source": "glotsmith", "solution_str": completion, "ground_truth": truth, "extra_info": info}
    assert compute_score(**arguments, credit="share", reward_router_address="x") == reward
    assert asyncio.run(compute_score_async(**arguments, credit="share")) == reward
    plural = {f"{name}s": [value] for name, value in arguments.items()}
    assert compute_scores(**plural, credit="share") == [reward]  # type: ignore[arg-type]
    assert inspect.iscoroutinefunction(compute_score_async)


@pytest.mark.parametrize(
    ("truth", "sentence"),
    [
        ("{", "the ground truth is not JSON"),
        ("[1]", "the ground truth is of type list; it must be an object with language and tests"),
        (None, "the ground truth is of type NoneType"),
        ({"language": "lua"}, "the ground truth has neither tests nor io"),
        ({"tests": TESTS}, "no language is named None"),
        # as a whole program, whatever it says, it would earn nothing
        (json.dumps({"fn_name": "f", "inputs": ["1"], "outputs": ["2"]}), r"calls 'f' \(fn_name\)"),
    ],
)
def test_a_ground_truth_that_says_nothing(truth: Any, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        compute_score("glotsmith", LUA, truth)


def test_the_machines_faults(monkeypatch: pytest.MonkeyPatch) -> None:
    async def verify(self: object, job: Any) -> Verdict:
        return Verdict(id=job.id, language=job.language, status="infra:toolchain", detail="install it by …")

    close()  # the verifier thread remembers verdicts
    monkeypatch.setattr("glotsmith.verification.Verifier.verify", verify)
    with pytest.raises(InfraError, match=r"in lua, has no verdict .infra:toolchain.: install it by …"):
        compute_score("glotsmith", LUA, TRUTH)
    assert math.isnan(compute_score("glotsmith", LUA, TRUTH, faults="mask"))
    trainer = Trainer()
    assert code_reward([LUA, ""], **{n: v[:2] for n, v in COLUMNS.items()}, **trainer.keywords) == [None, 0.0]
    assert trainer.metrics == {"code_reward/masked": 0.5}


@pytest.mark.parametrize(
    "truth",
    ["{", "[1]", None, {"language": "lua"}, {"tests": TESTS}, {"fn_name": "f", "inputs": ["1"], "outputs": ["2"]}],
)
def test_a_malformed_ground_truth_is_nan_and_the_others_are_judged(truth: Any) -> None:
    good = json.dumps({"language": "lua", "tests": TESTS})
    rewards = compute_scores(["x"] * 3, [LUA, LUA, "I can't."], [good, truth, good], faults="mask")
    assert (rewards[0], math.isnan(rewards[1]), rewards[2]) == (1.0, True, 0.0)
    with pytest.raises(UsageError):
        compute_scores(["x"] * 2, [LUA] * 2, [good, truth])


def test_a_column_may_have_the_name_of_any_parameter() -> None:
    assert code_reward([LUA], language=["lua"], tests=[TESTS], options=["x"]) == [1.0]
