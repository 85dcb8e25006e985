import pytest

from glotsmith.generation.sampling_plan import SamplingEvidence, SamplingPlan, success_chance
from glotsmith.sampling_end import StopReason


def plan(rounds: SamplingPlan, language: str, outcomes: list[bool]) -> tuple[list[int], StopReason]:
    """Return the sizes of the rounds if candidate i passes as ``outcomes[i]`` says, and why they stop."""
    sizes = list[int]()
    while True:
        done = outcomes[: sum(sizes)]
        passed = done.count(True)
        evidence = SamplingEvidence(len(done), done.count(False), len(done), passed, passed, passed)
        size = rounds.next_round(language, evidence)
        if not isinstance(size, int):
            return sizes, size
        sizes.append(size)


@pytest.mark.parametrize(
    ("rounds", "language", "outcomes", "sizes", "reason"),
    [
        (SamplingPlan(), "lua", [True] * 100, [1, 1, 2], "enough"),
        (SamplingPlan(wanted=1), "lua", [True] * 100, [1], "enough"),
        (SamplingPlan(min_pass_chance=0), "lua", [False] * 100, [1, 1, 2, 4, 8, 16, 18], "limit"),
        (
            SamplingPlan(min_pass_chance=0, per_language={"ocaml": 100}),
            "ocaml",
            [False] * 100,
            [1, 1, 2, 4, 8, 16, 32, 36],
            "limit",
        ),
        (SamplingPlan(single=True), "lua", [True] * 100, [50], "limit"),
        (SamplingPlan(single=True, per_language={"ocaml": 100}), "ocaml", [False] * 100, [100], "limit"),
        (SamplingPlan(min_pass_chance=0.5), "lua", [False] * 100, [1, 1, 2, 4], "low_pass_rate"),
        (SamplingPlan(samples=0), "lua", [], [], "limit"),
    ],
)
def test_rounds_double_until_enough_pass_or_there_is_no_hope(
    rounds: SamplingPlan, language: str, outcomes: list[bool], sizes: list[int], reason: str
) -> None:
    assert plan(rounds, language, outcomes) == (sizes, reason)


def test_hope_fades_with_failures_and_with_fewer_samples_left() -> None:
    assert success_chance(1, 49) > success_chance(10, 49) > success_chance(10, 5) > success_chance(10, 0) == 0
