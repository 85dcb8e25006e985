"""``glotsmith show RUN --memory LANGUAGE``: print the memory of an agent of xCoder."""

import msgspec
import typer
from rich.table import Table

from glotsmith.cli.app import out
from glotsmith.errors import UsageError, unknown_name
from glotsmith.languages.spelling import language_of_label
from glotsmith.recipes.xcoder.memory import RememberedSession, first_sentence
from glotsmith.run_folder import RunFolder


def show_memory(folder: RunFolder, agent: str, limit: int, *, as_json: bool) -> None:
    """Print the memory of an agent: its sessions, the latest last, its last reflection and its frequent failures.

    Raises:
        UsageError: The run is of another recipe, or has no agent of that language.

    """
    from glotsmith.recipes.xcoder.stored_memory import agents_options, memory_statistics, stored_memory

    config = folder.config
    if config["recipe"] != "xcoder":
        raise UsageError(
            f"{folder.path}: only runs of xcoder have agents with a memory; this is a run of {config['recipe']}"
        )
    options = agents_options(config)
    agent = language_of_label(agent) or agent
    if agent not in options.languages:
        raise UsageError(unknown_name(f"the run has no agent {agent!r}", agent, options.languages))
    memory = stored_memory(folder.ledger, options)
    remembered = memory.sessions_of(agent)
    if as_json:
        for memo in remembered:
            typer.echo(msgspec.json.encode(memo))
        return
    out.print(_sessions_table(remembered[-limit:], agent))
    if len(remembered) > limit:
        out.print(f"the latest {limit} of {len(remembered)} shown; --limit N for more")
    for title, text in memory_statistics(memory, agent, options.languages).items():
        out.print(f"{title}: {text}")


def _sessions_table(remembered: list[RememberedSession], agent: str) -> Table:
    table = Table("session", "epoch", "role", "for", "problem", "outcome", "solved in", f"{agent} failed by")
    for memo in remembered:
        role = "chair" if memo.agent == agent else "adviser" if agent in memo.others else "target"
        failed = ", ".join(f"{status} {count}" for status, count in memo.failures.get(agent, {}).items())
        what = f"{memo.name}: {first_sentence(memo.instruction, 60)}" if memo.name else ""
        cells = (role, memo.target, what.replace("[", r"\["), memo.outcome, ", ".join(memo.passed), failed)
        table.add_row(memo.key, str(memo.epoch), *cells)
    return table
