"""A run's configuration: from a TOML file, the command line, or both; the latter wins."""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import msgspec

from glotsmith import recipes
from glotsmith.errors import InputError, UsageError
from glotsmith.records import Record

#: Dotted keys that do not determine a result: a model may be served elsewhere tomorrow, and where is nobody's business.
FREE = frozenset({"teacher.base_url"})


class TeacherConfig(Record, frozen=True, kw_only=True):
    """Who is asked; keys stay in the environment."""

    name: str = "offline"
    model: str = ""
    base_url: str = ""
    options: dict[str, Any] = {}  #: further fields of the teacher's ``Options``


class RunConfig(Record, frozen=True, kw_only=True):
    """Everything that determines a run's result; what ``run.toml`` holds."""

    recipe: str
    seed: int = 0
    isolation: str = "auto"
    formats: tuple[str, ...] = ("jsonl", "parquet")
    teacher: TeacherConfig = TeacherConfig()
    options: dict[str, Any] = {}  #: the recipe's fields

    def made(self) -> Any:
        """Return the recipe.

        Raises:
            UsageError: there is no such recipe, or an option is unknown, missing or of the wrong type.

        """
        kind = recipes.get(self.recipe)
        known = kind.__struct_fields__
        for name in self.options:
            if name not in known:
                raise UsageError(f"the recipe {self.recipe} has no option {name!r}; its options: {', '.join(known)}")
        try:
            return msgspec.convert(self.options, kind, strict=False)
        except msgspec.ValidationError as error:
            raise UsageError(f"an option of the recipe {self.recipe} is not right: {error}") from error


def read(recipe: str) -> dict[str, Any]:
    """Return the raw configuration that a first argument names: a recipe, or a TOML file.

    Raises:
        InputError: the file is no TOML.
        UsageError: there is no such file.

    """
    path = Path(recipe)
    if path.suffix != ".toml":
        return {"recipe": recipe}
    if not path.is_file():
        raise UsageError(f"{path} is no file. Give a recipe's name or a TOML file that has one")
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError.at(path, None, f"not TOML: {error}") from error


def settings(pairs: Sequence[str], where: str = "--set") -> dict[str, Any]:
    """Parse ``NAME=VALUE``: a value is JSON where it parses as such, else text.

    Raises:
        UsageError: there is no ``=``.

    """
    found = dict[str, Any]()
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals or not name:
            raise UsageError(f"{where} {pair!r} is not of the form NAME=VALUE")
        try:
            found[name.replace("-", "_")] = msgspec.json.decode(text)
        except msgspec.DecodeError:
            found[name.replace("-", "_")] = text
    return found


def merge(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Lay ``changes`` over ``base``, table by table; what is None or empty changes nothing."""
    merged = dict(base)
    for name, value in changes.items():
        if isinstance(value, Mapping):
            below = merged.get(name)
            under = cast(Mapping[str, Any], below) if isinstance(below, Mapping) else dict[str, Any]()
            merged[name] = merge(under, cast(Mapping[str, Any], value))
        elif value not in (None, "", (), []):
            merged[name] = value
    return merged


def load(recipe: str, changes: Mapping[str, Any]) -> RunConfig:
    """Return the checked configuration.

    Raises:
        UsageError: a field is unknown, missing or of the wrong type.

    """
    try:
        return msgspec.convert(merge(read(recipe), changes), RunConfig, strict=False)
    except msgspec.ValidationError as error:
        raise UsageError(f"{recipe}: {error}") from error
