"""The teachers of the roles of a run: the fields that they take from other teachers, and the fields that may change."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, NamedTuple, cast

import msgspec

from glotsmith import settings
from glotsmith.errors import UsageError
from glotsmith.languages import resolve_language
from glotsmith.records import Record
from glotsmith.settings import CHANGEABLE, FIXED
from glotsmith.teachers import options_of

#: options that belong to one model of a server and not to the others
_OF_MODEL = ("input_price", "output_price")
_FIELDS = ("name", "model", "base_url", "next")  #: fields for ``--set roles.ROLE.FIELD``; the others are options


class TeacherConfig(Record, frozen=True, kw_only=True):
    """The teacher that receives the requests; keys stay in the environment."""

    name: Annotated[str, FIXED] = "offline"
    model: Annotated[str, FIXED] = ""
    base_url: Annotated[str, CHANGEABLE] = ""  #: the same model may be served at another address later
    #: other fields of the teacher's ``Options``; the annotation of each states whether it determines rows
    options: Annotated[dict[str, Any], FIXED] = {}


class RoleConfig(Record, frozen=True, kw_only=True):
    """The teacher of one role. A field that is not set has the value of the teacher before it."""

    name: Annotated[str, FIXED] = ""
    model: Annotated[str, FIXED] = ""
    base_url: Annotated[str, CHANGEABLE] = ""
    options: Annotated[dict[str, Any], FIXED] = {}
    next: Annotated["RoleConfig | None", FIXED] = None  #: the teacher for the items that this one fails


class RoleTeacher(NamedTuple):
    """One of the teachers of a role, with all its fields."""

    key: str  #: key of its table in a configuration: ``roles.translate.next``
    teacher: TeacherConfig  #: the configuration, with paths that are relative to the working directory
    model: str  #: the model as the user wrote it

    @property
    def identity(self) -> str:
        """A text that is equal for teachers that can share their connections and limits."""
        return json.dumps(msgspec.to_builtins(self.teacher), sort_keys=True, default=str)


def role_configs(roles: Mapping[str, Any]) -> dict[str, RoleConfig]:
    """Return role → its configuration, from the tables ``[roles.ROLE]`` and ``[roles.GROUP.NAME]``.

    Raises:
        UsageError: A table has a field that no role has, or a value of the wrong type.

    """
    return {name: _role_config(name, table) for name, table in _role_tables(roles)}


def with_language_ids(roles: Mapping[str, Any]) -> dict[str, Any]:
    """Return the tables of roles with the ids of the languages of agents, so that another spelling is not a change.

    Raises:
        UsageError: A language does not exist.

    """
    agents = roles.get("agents")
    if not isinstance(agents, Mapping):
        return dict(roles)
    tables = cast("Mapping[str, Any]", agents)
    return {**roles, "agents": {resolve_language(name): table for name, table in tables.items()}}


def _role_tables(roles: Mapping[str, Any], group: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the name and the table of each role."""
    for name, table in roles.items():
        inner = cast("Mapping[str, Any]", table) if isinstance(table, Mapping) else dict[str, Any]()
        is_group = inner and not {*_FIELDS, "options"} & inner.keys()
        if is_group and not group and all(isinstance(value, Mapping) for value in inner.values()):
            yield from _role_tables(inner, f"{name}.")
        else:
            yield f"{group}{name}", table


def _role_config(name: str, table: Any) -> RoleConfig:
    if not isinstance(table, Mapping):
        raise UsageError(f"roles.{name} is {table!r}; it must be a table with model, base_url, name, options or next")
    fields = cast("Mapping[str, Any]", table)
    wrong = settings.unknown_field_message(RoleConfig, fields, f"the table [roles.{name}]")
    if wrong:
        raise UsageError(f"{wrong}. Options of its teacher belong to the table [roles.{name}.options]")
    following = fields.get("next")
    own = {key: value for key, value in fields.items() if key != "next"}
    try:
        config = msgspec.convert(own, RoleConfig, strict=False)
    except msgspec.ValidationError:
        raise UsageError(settings.invalid_value_message(RoleConfig, own, lambda key: f"roles.{name}.{key}")) from None
    inner = None if following is None else _role_config(f"{name}.next", following)
    return msgspec.structs.replace(config, next=inner)


def assigned(pairs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the nested tables of assignments such as ``roles.translate.model``. Names of other fields are options.

    Raises:
        UsageError: An assignment does not name a field of a role.

    """
    tables = dict[str, Any]()
    for key, value in pairs.items():
        _, *path, last = key.split(".")
        if not path:
            raise UsageError(f"--set {key} does not set a field of a role. Example: --set roles.translate.model=NAME")
        at = tables
        for part in path if last in _FIELDS or path[-1] == "options" else [*path, "options"]:
            at = at.setdefault(part, {})
        at[last] = value
    return tables


def resolve_paths(
    key: str, teacher: RoleConfig | TeacherConfig, resolve: Callable[[str, str], str]
) -> tuple[str, dict[str, Any]]:
    """Return the model and options of a table; ``resolve`` takes a dotted key and a path, and returns a usable path."""
    options = {
        name: resolve(f"{key}.options.{name}", value) if isinstance(value, str) else value
        for name, value in teacher.options.items()
    }
    return resolve(f"{key}.model", teacher.model), options


def chain(
    key: str, role: RoleConfig, before: RoleTeacher, resolve: Callable[[str, str], str] = lambda _, path: path
) -> Iterator[RoleTeacher]:
    """Yield the teachers of a role in the order in which they receive requests.

    Args:
        key: The key of the table of the role.
        role: The configuration of the role.
        before: The teacher whose fields the role takes if it does not set them. Each later teacher follows the last.
        resolve: The function that ``resolve_paths`` takes.

    """
    model, options = resolve_paths(key, role, resolve)
    placed = msgspec.structs.replace(role, model=model, options=options)
    teacher = _with_inherited_fields(placed, before.teacher)
    written = role.model or (before.model if teacher.model == before.teacher.model else "")
    yield (last := RoleTeacher(key, teacher, written))
    if role.next is not None:
        yield from chain(f"{key}.next", role.next, last, resolve)


def _with_inherited_fields(role: RoleConfig, before: TeacherConfig) -> TeacherConfig:
    """Return a teacher with the fields of a role, and the other fields from the teacher before it.

    Options of another teacher or server are not taken, and the key of a server is never sent to another server.
    """
    name = role.name or before.name
    moved = name != before.name or role.base_url not in ("", before.base_url)
    inherited = {} if moved else dict(before.options)
    if role.model not in ("", before.model):
        inherited = {field: value for field, value in inherited.items() if field not in _OF_MODEL}
    options = {**inherited, **role.options}
    fields = getattr(options_of(name), "__struct_fields__", ())
    if role.base_url not in ("", before.base_url) and "default_key" in fields and "api_key_env" not in options:
        options.setdefault("default_key", False)
    return TeacherConfig(
        name=name,
        model=role.model or ("" if name != before.name else before.model),
        base_url=role.base_url or ("" if name != before.name else before.base_url),
        options=options,
    )


def changeable_keys(roles: Mapping[str, Any], before: str) -> frozenset[str]:
    """Return the dotted keys of the settings of roles that do not determine rows.

    Args:
        roles: The tables of roles.
        before: The name of the teacher of the run.

    """
    found = set[str]()
    for role, config in role_configs(roles).items():
        for one in chain(f"roles.{role}", config, RoleTeacher("teacher", TeacherConfig(name=before), "")):
            found.add(f"{one.key}.base_url")
            if options := options_of(one.teacher.name):
                found |= settings.changeable_fields(options, f"{one.key}.options.")
    return frozenset(found)


def path_kinds(roles: Mapping[str, Any], before: str) -> dict[str, str]:
    """Return the kind of path of each dotted key of roles with a path. The arguments are as for ``changeable_keys``."""
    found = dict[str, str]()
    for role, config in role_configs(roles).items():
        for one in chain(f"roles.{role}", config, RoleTeacher("teacher", TeacherConfig(name=before), "")):
            kinds = settings.path_kinds(options) if (options := options_of(one.teacher.name)) else {}
            found |= {f"{one.key}.options.{name}": kind for name, kind in kinds.items()}
            found |= {f"{one.key}.model": kinds["model"]} if "model" in kinds else {}
    return found
