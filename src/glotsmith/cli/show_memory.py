"""``glotsmith show RUN --memory LANGUAGE``: print the memory of an agent of xCoder."""

import msgspec
import typer
from rich.table import Table

from glotsmith import recipes
from glotsmith.cli.app import out
from glotsmith.errors import UsageError, unknown_name
from glotsmith.languages.spelling import language_of_label
from glotsmith.recipes.xcoder.memory import AgentMemory, MemoryLimits, RememberedSession, first_sentence
from glotsmith.run_folder import RunFolder


def show_memory(folder: RunFolder, agent: str, limit: int, *, as_json: bool) -> None:
    """Print the memory of an agent: its sessions, the latest last, its last reflection and its frequent failures.

    Raises:
        UsageError: the run is of another recipe, or has no agent of that language.

    """
    from glotsmith.recipes.xcoder.history import remembered_sessions
    from glotsmith.selection.similarity import rouge_l_of_texts

    config = folder.config
    if config["recipe"] != "xcoder":
        raise UsageError(
            f"{folder.path}: only runs of xcoder have agents with a memory; this is a run of {config['recipe']}"
        )
    options = msgspec.convert(config.get("options", {}), recipes.get("xcoder"), strict=False)
    agent = language_of_label(agent) or agent
    if agent not in options.languages:
        raise UsageError(unknown_name(f"the run has no agent {agent!r}", agent, options.languages))
    found = remembered_sessions(folder.ledger, options.agreement) if "solve" in folder.ledger.steps else []
    memory = AgentMemory(found, rouge_l_of_texts, MemoryLimits(size=options.memory_size, shown=options.memory_shown))
    remembered = memory.sessions_of(agent)
    if as_json:
        for memo in remembered:
            typer.echo(msgspec.json.encode(memo))
        return
    out.print(_table(remembered[-limit:], agent))
    if len(remembered) > limit:
        out.print(f"the latest {limit} of {len(remembered)} shown; --limit N for more")
    for line in _conclusions(memory, remembered, agent, options.languages):
        out.print(line)


def _table(remembered: list[RememberedSession], agent: str) -> Table:
    table = Table("session", "epoch", "role", "for", "problem", "outcome", "solved in", f"{agent} failed by")
    for memo in remembered:
        role = "chair" if memo.agent == agent else "adviser" if agent in memo.others else "target"
        failed = ", ".join(f"{status} {count}" for status, count in memo.failures.get(agent, {}).items())
        what = f"{memo.name}: {first_sentence(memo.instruction, 60)}" if memo.name else ""
        cells = (role, memo.target, what.replace("[", r"\["), memo.outcome, ", ".join(memo.passed), failed)
        table.add_row(memo.key, str(memo.epoch), *cells)
    return table


def _conclusions(
    memory: AgentMemory, remembered: list[RememberedSession], agent: str, agents: tuple[str, ...]
) -> list[str]:
    notes = next((memo.notes[agent] for memo in reversed(remembered) if agent in memo.notes), "")
    hard = ", ".join(f"{status} {count}" for status, count in memory.frequent_failures(agent).items())
    synergy = ", ".join(f"{other} {memory.synergy(agent, other):+.2f}" for other in agents)
    return [
        f"Its last reflection: {notes or 'none'}",
        f"What it finds hard: {hard or 'nothing yet'}",
        f"Solved of what was tried (smoothed): {memory.solve_rate(agent):.2f}",
        f"How its problems suit each language, against all problems (synergy): {synergy}",
    ]
