"""Which language a discussion makes its next problem for.

xCoder speaks of instructions "from knowledge gaps between languages" and gives no rule. Three, each a pure function of
the memory at the beginning of the epoch and of what the epoch's earlier sessions were given:

balance    the language with the fewest kept problems
weakness   languages by their failure rate, in proportion (D'Hondt): what fails more is practised more
transfer   the language that gains most from the chair's problems (``AgentMemory.synergy``), untried pairs first
"""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Literal

from glotsmith.recipes.xcoder.memory import AgentMemory

TargetPolicy = Literal["balance", "weakness", "transfer"]
_Given = Counter[tuple[str, str]]  #: (chair, target) → sessions of this epoch


def choose_target_language(
    policy: TargetPolicy, memory: AgentMemory, chairs: Sequence[str], languages: Sequence[str]
) -> str:
    """Return the target of the last of an epoch's sessions.

    Args:
        policy: the rule.
        memory: at the beginning of the epoch.
        chairs: languages of the chairs of the epoch's sessions up to this one, in order.
        languages: that may be chosen, with or without an agent; ties go to the first.

    """
    given = _Given()
    for chair in chairs[:-1]:
        given[chair, _choose(policy, memory, chair, languages, given)] += 1
    return _choose(policy, memory, chairs[-1], languages, given)


def _choose(policy: TargetPolicy, memory: AgentMemory, chair: str, languages: Sequence[str], given: _Given) -> str:
    score = _SCORES[policy]
    return max(languages, key=lambda language: (score(memory, chair, language, given), -languages.index(language)))


def _balance(memory: AgentMemory, chair: str, language: str, given: _Given) -> float:
    return -(memory.count_kept(language) + _times(language, given))


def _weakness(memory: AgentMemory, chair: str, language: str, given: _Given) -> float:
    return (1 - memory.solve_rate(language)) / (1 + _times(language, given))


def _transfer(memory: AgentMemory, chair: str, language: str, given: _Given) -> float:
    if language == chair:
        return -2.0  # nothing is transferred
    return memory.synergy(chair, language) + 1 / (1 + memory.count_pairings(chair, language) + given[chair, language])


def _times(language: str, given: _Given) -> int:
    return sum(count for (_, target), count in given.items() if target == language)


_SCORES: dict[TargetPolicy, Callable[[AgentMemory, str, str, _Given], float]] = {
    "balance": _balance,
    "weakness": _weakness,
    "transfer": _transfer,
}
