"""The names that steps, roles, prompts and calls had in earlier versions, and the current ones.

The ledger and the configuration of a run keep the names of the version that made them. Their readers replace these
names, so that a run of an earlier version resumes, and is shown, exported and compared, under the current names.
"""

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple, cast

from glotsmith.errors import UsageError

_TABLES = ("roles", "prompts", "prompt_versions")  #: tables of a configuration whose keys are names of requests


class FormerNames(NamedTuple):
    """The former names of one recipe: former name → current name."""

    steps: Mapping[str, str] = {}
    requests: Mapping[str, str] = {}  #: roles, prompts and calls
    optional: frozenset[str] = frozenset()  #: former steps that a run may lack
    others: frozenset[str] = frozenset()  #: steps that kept their names, if the former ones do not identify the recipe

    def are_in(self, steps: Collection[str]) -> bool:
        """Return whether these are the steps of a run that an earlier version made."""
        found = set(steps)
        return (self.steps.keys() - self.optional) | self.others <= found and found.isdisjoint(self.steps.values())


#: recipe → its former names
FORMER_NAMES: Mapping[str, FormerNames] = {
    "xcoder": FormerNames(
        steps={
            "preprocess": "extract_programs",
            "cut": "split_snippets",
            "seed": "generate_seeds",
            "convene": "schedule_sessions",
            "ground": "execute_reference",
            "distinct": "deduplicate_problems",
            "prove": "make_tasks",
            "agree": "cross_check_languages",
        },
        requests={"summarise": "generate"},
    ),
    "inverse-instruct": FormerNames(
        steps={
            "preprocess": "extract_programs",
            "check": "verify_snippets",
            "summarise": "generate_instructions",
            "evaluate": "score_instructions",
        },
        requests={"summarise": "generate", "evaluate": "score", "answer": "solve"},
        optional=frozenset({"evaluate"}),
    ),
    "multipl-t": FormerNames(
        steps={"prove": "make_tasks"}, others=frozenset({"filter", "write_tests", "validate", "translate"})
    ),
}


def former_names_of(steps: Collection[str]) -> FormerNames:
    """Return the former names of the recipe that made a ledger with these steps; none if its names are current."""
    return next((names for names in FORMER_NAMES.values() if names.are_in(steps)), FormerNames())


def with_current_names(config: Mapping[str, Any], recipe: object = None) -> dict[str, Any]:
    """Return a configuration of a run with the current names of roles, prompts and calls.

    Args:
        config: The tables of the configuration, or a part of them.
        recipe: The recipe; by default, the one that the configuration names.

    Raises:
        UsageError: A table has a former and the current name of a request.

    """
    found = FORMER_NAMES.get(str(recipe or config.get("recipe", "")))
    if found is None:
        return dict(config)
    return {key: _with_names(key, value, found.requests, top=True) for key, value in config.items()}


def _with_names(key: str, value: Any, names: Mapping[str, str], *, top: bool = False) -> Any:
    if not isinstance(value, Mapping):
        return value
    table = cast("Mapping[str, Any]", value)
    if top and key == "relative_to":
        return {_current_key(one, names): folder for one, folder in table.items()}
    renames = key == "by_call" or (top and key in _TABLES)
    for one in table.keys() & names.keys() if renames else ():
        if names[one] in table:
            raise UsageError(f"the table {key} has {one}, and its current name {names[one]}: remove {one}")
    return {names.get(one, one) if renames else one: _with_names(one, inner, names) for one, inner in table.items()}


def _current_key(key: str, names: Mapping[str, str]) -> str:
    """Return a dotted key such as ``prompts.evaluate`` with the current name."""
    table, *parts = key.split(".")
    return ".".join([table, names.get(parts[0], parts[0]), *parts[1:]]) if table in _TABLES and parts else key
