"""Programs that fight back earn nothing, and honest ones beside them in the same call what is theirs.

The programs are those of each language's ``hostile.toml``, as a policy would say them: in a fence.
"""

from typing import NamedTuple

import pytest

from glotsmith.errors import ToolchainError
from glotsmith.languages import get_card, toolchain
from glotsmith.languages.proof_rows import ProofRow, read_proof_rows
from glotsmith.reward import score
from glotsmith.reward.reward_jobs import build_job

#: They take seconds to be refused.
SLOW_STATUSES = {"fail:timeout", "fail:memory"}
SLOW_KINDS = ("bomb", "fill", "without_end", "endless", "flood")
FENCE = "~~~~~~~~"


class HostileCompletion(NamedTuple):
    """A completion, its row, and what it should earn."""

    title: str
    completion: str
    row: dict[str, object]
    reward: float


def completion_of(language: str, title: str, row: ProofRow, reward: float) -> HostileCompletion:
    wanted = {
        "language": language,
        "signature": "" if row.io else row.signature,
        "tests": [] if row.io else row.tests,
        "io": [{"stdin": c.stdin, "stdout": c.stdout} for c in row.io],
        "time_limit_s": row.time_limit_s,
        "memory_limit_mb": row.memory_limit_mb,
    }
    return HostileCompletion(title, f"{FENCE}{get_card(language).fences[0]}\n{row.code}\n{FENCE}", wanted, reward)


def is_slow(title: str, row: ProofRow) -> bool:
    return bool({*row.expected_statuses} & SLOW_STATUSES) or any(kind in title for kind in SLOW_KINDS)


@pytest.mark.parametrize(
    ("language", "all_rows"),
    [
        ("lua", False),
        ("python", False),
        *(pytest.param(name, False, marks=pytest.mark.slow) for name in ("ocaml", "ruby", "perl")),
        *(pytest.param(name, True, marks=pytest.mark.slow) for name in ("lua", "python")),
    ],
)
def test_hostile_programs_earn_nothing(language: str, all_rows: bool) -> None:
    try:
        toolchain.find_toolchain(language)
    except ToolchainError as error:
        pytest.skip(str(error))
    honest = read_proof_rows(language)
    hostile = {t: r for t, r in read_proof_rows(language, "hostile").items() if all_rows or not is_slow(t, r)}
    assert len(hostile) >= 12
    all_ = [completion_of(language, title, row, 0.0) for title, row in hostile.items()]
    for number in range(0, len(all_), 4):
        all_.insert(number, completion_of(language, "honest", honest["accepted"], 1.0))
        all_.insert(number, completion_of(language, "wrong", honest["wrong"], 0.0))
    for number, (title, completion, row, _) in enumerate(all_):
        posed, code = build_job(number, completion, row), hostile.get(title)
        assert posed is not None and posed.code
        assert code is None or posed.code.split() == code.code.split(), f"{title}: its attack is lost on the way"
    rewards = score([a.completion for a in all_], [a.row for a in all_])
    assert [(a.title, r) for a, r in zip(all_, rewards, strict=True)] == [(a.title, a.reward) for a in all_]
