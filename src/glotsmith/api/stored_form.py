"""Keep the order and the spelling of a stored configuration when a run resumes.

The order of sources determines the order of rows, and rows name a source as the user wrote it. A resumed run therefore
uses the stored list if the new list names the same things in another order or by other paths.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, cast

import msgspec

from glotsmith import recipes, settings
from glotsmith.api import config_paths
from glotsmith.api.run_config import RunConfig, path_kinds
from glotsmith.sources.corpus import is_path_spec


class _Value(NamedTuple):
    """A value of a configuration, and the folder that its relative paths are relative to."""

    value: Any
    folder: str
    kind: str  #: kind of path; "" if the value is not a path

    def texts(self) -> list[str]:
        """Return the names in the value as written; empty if it is not a text or a list of texts."""
        items = cast("list[object]", self.value) if isinstance(self.value, list | tuple) else [self.value]
        texts = [one for one in items if isinstance(one, str)]
        return texts if len(texts) == len(items) else []

    def absolute_names(self) -> list[str]:
        """Return the names in the value, with absolute paths."""
        return [self._absolute_name(text) for text in self.texts()]

    def _absolute_name(self, text: str) -> str:
        if not self.kind or (self.kind == "source" and not is_path_spec(text)):
            return text
        if self.kind == "model" and not self.folder and not Path(text).expanduser().is_absolute():
            return text  # a name on a hub
        return str(config_paths.absolute(text, self.folder))


def keep_stored_form(chosen: RunConfig, stored: Mapping[str, Any]) -> RunConfig:
    """Return a configuration with the stored value of each setting that names the same things in another form.

    Args:
        chosen: The configuration that a user gave.
        stored: The tables of the run folder's configuration; empty for a new run.

    """
    kinds, before = path_kinds(chosen), dict(settings.leaves(stored))
    unordered = settings.unordered_fields(recipes.get(chosen.recipe), "options.")
    tables: dict[str, Any] = msgspec.to_builtins(chosen)
    folders = dict(chosen.relative_to)
    for key in (kinds.keys() | unordered) - settings.changeable_fields(RunConfig):
        kind = kinds.get(key, "")
        now = _Value(_value_at(tables, key), folders.get(key, ""), kind)
        then = _Value(before.get(key), before.get(f"relative_to.{key}", ""), kind)
        folder = _folder_of_equal_value(now, then, ordered=key not in unordered)
        if folder is not None:
            _set_value(tables, key, then.value)
            folders[key] = folder
    return msgspec.convert({**tables, "relative_to": {k: f for k, f in folders.items() if f}}, RunConfig)


def _folder_of_equal_value(now: _Value, then: _Value, *, ordered: bool) -> str | None:
    """Return the folder for the stored value if it differs from the new value but names the same things; else None.

    In a setting without an order, a thing that is named twice counts once.
    """
    if not (now.texts() and then.texts()) or now.value == then.value:
        return None
    order = list if ordered else set
    if order(now.texts()) == order(then.texts()):  # the texts are equal; the folder of the project may have moved
        return now.folder
    return then.folder if order(now.absolute_names()) == order(then.absolute_names()) else None


def _value_at(tables: Mapping[str, Any], key: str) -> Any:
    found: Any = tables
    for part in key.split("."):
        found = cast("Mapping[str, Any]", found).get(part) if isinstance(found, Mapping) else None
    return found


def _set_value(tables: dict[str, Any], key: str, value: Any) -> None:
    *parents, last = key.split(".")
    for part in parents:
        tables = tables.setdefault(part, {})
    tables[last] = value
