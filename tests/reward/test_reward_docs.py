"""What docs/reward.md says: its example runs, its options are those that there are."""

import doctest
import inspect
import re
from pathlib import Path

import glotsmith.reward
from glotsmith.reward import code_reward, score
from glotsmith.reward.reward_jobs import ROW_FIELDS
from glotsmith.reward.scoring import RewardOptions

PAGE = Path(__file__).parents[2] / "docs" / "reward.md"


def test_its_examples_run() -> None:
    failed, tried = doctest.testfile(str(PAGE), module_relative=False)
    assert (failed, tried) == (0, 3)


def test_its_options_are_those_of_every_signature() -> None:
    documented = re.findall(r"^\| `(\w+)` \|", PAGE.read_text("utf-8"), re.MULTILINE)
    assert documented == [*RewardOptions._fields]
    for name in set(glotsmith.reward.__all__) - {"close"}:
        assert {*documented} <= {*inspect.signature(getattr(glotsmith.reward, name)).parameters}, name
    defaults = {
        name: inspect.signature(f).parameters["faults"].default for name, f in (("s", score), ("c", code_reward))
    }
    assert defaults == {"s": "raise", "c": "mask"}


def test_it_names_every_column_and_function() -> None:
    page = PAGE.read_text("utf-8")
    assert [name for name in (*ROW_FIELDS, "prefix") if f"`{name}`" not in page] == []
    assert [name for name in glotsmith.reward.__all__ if name not in page] == []
