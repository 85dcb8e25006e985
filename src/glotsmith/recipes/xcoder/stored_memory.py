"""The memory of a stored run of xCoder, as ``glotsmith show`` and ``glotsmith report`` print it."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import msgspec

from glotsmith import recipes
from glotsmith.ledger import Ledger
from glotsmith.recipes.xcoder.history import SOLVE, remembered_sessions
from glotsmith.recipes.xcoder.memory import MemoryLimits, SessionMemory
from glotsmith.recipes.xcoder.recipe import XCoder
from glotsmith.selection.similarity import rouge_l_of_texts


def agents_options(config: Mapping[str, Any]) -> XCoder:
    """Return the options of the recipe that a run of xCoder has stored."""
    return cast("XCoder", msgspec.convert(config.get("options", {}), recipes.get("xcoder"), strict=False))


def stored_memory(ledger: Ledger, options: XCoder) -> SessionMemory:
    """Return what the agents of a run remember."""
    found = remembered_sessions(ledger, options.agreement) if SOLVE in ledger.steps else []
    return SessionMemory(found, rouge_l_of_texts, MemoryLimits(size=options.memory_size, shown=options.memory_shown))


def memory_statistics(memory: SessionMemory, agent: str, agents: Sequence[str]) -> dict[str, str]:
    """Return the statistics of an agent's sessions, and its last reflection: title → text."""
    remembered = memory.sessions_of(agent)
    notes = next((memo.notes[agent] for memo in reversed(remembered) if agent in memo.notes), "")
    failures = ", ".join(f"{status} {count}" for status, count in memory.frequent_failures(agent).items())
    synergy = ", ".join(f"{other} {memory.synergy(agent, other):+.2f}" for other in agents)
    return {
        "Its last reflection": notes or "none",
        "Frequent failures": failures or "none",
        "Share of solved problems (smoothed)": f"{memory.solve_rate(agent):.2f}",
        "How its problems suit each language, against all problems (synergy)": synergy,
    }
