import pytest

from glotsmith.generation.sampling_plan import SamplingPlan, success_chance


def plan(rounds: SamplingPlan, language: str, outcomes: list[bool]) -> list[int]:
    """Return the sizes of the rounds that are asked for when candidate i passes as ``outcomes[i]`` says."""
    sizes, count = list[int](), 0
    while True:
        done = outcomes[:count]
        size = rounds.next_round(language, count, done.count(False), done.count(True))
        if not size:
            return sizes
        sizes.append(size)
        count += size


@pytest.mark.parametrize(
    ("rounds", "language", "outcomes", "sizes"),
    [
        (SamplingPlan(), "lua", [True] * 100, [1, 1, 2]),
        (SamplingPlan(wanted=1), "lua", [True] * 100, [1]),
        (SamplingPlan(hopeless=0), "lua", [False] * 100, [1, 1, 2, 4, 8, 16, 18]),
        (SamplingPlan(hopeless=0, per_language={"ocaml": 100}), "ocaml", [False] * 100, [1, 1, 2, 4, 8, 16, 32, 36]),
        (SamplingPlan(single=True), "lua", [True] * 100, [50]),
        (SamplingPlan(single=True, per_language={"ocaml": 100}), "ocaml", [False] * 100, [100]),
        (SamplingPlan(hopeless=0.5), "lua", [False] * 100, [1, 1, 2, 4]),
        (SamplingPlan(samples=0), "lua", [], []),
    ],
)
def test_rounds_double_until_enough_pass_or_there_is_no_hope(
    rounds: SamplingPlan, language: str, outcomes: list[bool], sizes: list[int]
) -> None:
    assert plan(rounds, language, outcomes) == sizes


def test_hope_fades_with_failures_and_with_fewer_samples_left() -> None:
    assert success_chance(1, 49) > success_chance(10, 49) > success_chance(10, 5) > success_chance(10, 0) == 0
