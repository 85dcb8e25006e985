"""The configuration of a run, from a TOML file and the command line, which overrides the file."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, cast

import msgspec

from glotsmith import credentials, recipes, settings
from glotsmith.api import config_paths, role_config
from glotsmith.api.role_config import RoleTeacher
from glotsmith.api.role_config import TeacherConfig as TeacherConfig
from glotsmith.budget import BudgetLimit, parse_budget
from glotsmith.errors import InputError, UsageError, unknown_name
from glotsmith.languages import resolve_language
from glotsmith.prompts import Prompt
from glotsmith.prompts.check import check_prompt
from glotsmith.recipes.base import option_name
from glotsmith.records import Record, printable
from glotsmith.renames import with_current_names
from glotsmith.settings import CHANGEABLE, FIXED, OUTPUT_PATH
from glotsmith.shard import parse_shard
from glotsmith.teachers import TEACHERS, options_of


class RunConfig(Record, frozen=True, kw_only=True):
    """The configuration of a run, as stored in ``run.toml``."""

    recipe: Annotated[str, FIXED]
    seed: Annotated[int, FIXED] = 0
    isolation: Annotated[str, CHANGEABLE] = "auto"  #: isolation back end; verdicts do not depend on it, rows name it
    formats: Annotated[tuple[str, ...], CHANGEABLE] = ("jsonl", "parquet")
    budget: Annotated[tuple[str, ...], CHANGEABLE] = ()  #: limits: ``20usd``, ``5Mtok``, ``3h``, ``ocaml=500rows``
    #: for the dataset card: number of rows, for each language, whose suites are measured with mutants; 0: none
    strength_sample: Annotated[int, CHANGEABLE, msgspec.Meta(ge=0)] = 0
    preview: Annotated[int, FIXED] = 0  #: number of source items of a preview; 0: no preview
    #: for a forecast: share of the items that a pilot processes; 0: no pilot
    pilot: Annotated[float, FIXED, msgspec.Meta(ge=0, le=1)] = 0.0
    shard: Annotated[str | None, FIXED] = None  #: the part of the sources that the run processes, such as ``2/8``
    output: Annotated[str, CHANGEABLE, OUTPUT_PATH] = ""  #: the run folder; empty for ``runs/RECIPE``
    cache: Annotated[str, CHANGEABLE, OUTPUT_PATH] = ""  #: a cache file to share between runs
    #: dotted key → absolute folder that its relative paths are relative to; set by ``load``
    relative_to: Annotated[dict[str, str], CHANGEABLE] = {}
    teacher: TeacherConfig = TeacherConfig()
    #: role of the recipe → table with the fields of its teacher that differ from ``teacher``
    #: (``role_config.RoleConfig``)
    roles: Annotated[dict[str, Any], FIXED] = {}
    prompts: Annotated[dict[str, str], CHANGEABLE] = {}  #: name of a prompt → file of the user that replaces it
    prompt_versions: Annotated[dict[str, str], FIXED] = {}  #: versions of the files of ``prompts``; set by ``load``
    options: Annotated[dict[str, Any], FIXED] = {}  #: the fields of the recipe

    def build_recipe(self) -> Any:
        """Return the recipe.

        Raises:
            UsageError: The recipe does not exist, or an option is unknown, missing or of the wrong type.

        """
        kind = recipes.get(self.recipe)
        known = kind.__struct_fields__
        for name in self.options:
            if name not in known:
                raise UsageError(unknown_name(f"the recipe {self.recipe} has no option {name!r}", name, known))
        try:
            return msgspec.convert(self._with_resolved_files(kind), kind, strict=False)
        except msgspec.ValidationError as error:
            wrong = settings.invalid_value_message(kind, self.options, option_name)
            raise UsageError(f"invalid option of the recipe {self.recipe}: {wrong or error}") from error

    def _with_resolved_files(self, kind: type[Record]) -> dict[str, Any]:
        options = dict(self.options)
        for name, what in settings.path_kinds(kind).items():
            value = options.get(name, "")
            if what == "file" and isinstance(value, list | tuple):
                options[name] = [self._resolved(f"options.{name}", one) for one in cast("list[object]", value)]
            elif what == "output":
                options[name] = self._resolved(f"options.{name}", value)
        return options

    def _resolved(self, key: str, value: object) -> Any:
        return config_paths.resolve_path(value, self.relative_to.get(key, "")) if isinstance(value, str) else value

    def own_prompts(self) -> dict[str, Prompt]:
        """Return the prompts of the user, by name.

        Raises:
            UsageError: The recipe has no prompt of this name.
            InputError: A file cannot be read, or is not a prompt for this name; the message names the line.

        """
        known: Mapping[str, Prompt] = self.build_recipe().prompts() if self.prompts else {}
        found = dict[str, Prompt]()
        for name, file in self.prompts.items():
            if name not in known:
                raise UsageError(unknown_name(f"the recipe {self.recipe} has no prompt {name!r}", name, known))
            found[name] = known[name].replaced_by(Path(self._resolved(f"prompts.{name}", file)).expanduser())
            check_prompt(name, found[name])
        return found

    def prompts_in_use(self) -> dict[str, Prompt]:
        """Return the prompts of the run by name: the user's prompts, and the recipe's other prompts.

        Raises:
            GlotsmithError: See ``own_prompts``.

        """
        return {**self.build_recipe().prompts(), **self.own_prompts()}

    def output_path(self, key: str) -> Path | None:
        """Return the path of ``output`` or ``cache``, valid in the working directory; None if it is not set."""
        value = getattr(self, key)
        return Path(self._resolved(key, value)).expanduser() if value else None

    def sources_folder(self) -> Path:
        """Return the folder that the relative paths of the sources are relative to."""
        folder = Path(self.relative_to.get("options.sources", ""))
        return Path() if folder == Path.cwd() else folder

    def resolved_sources(self) -> list[str]:
        """Return the sources with paths that are valid in the working directory."""
        folder = self.relative_to.get("options.sources", "")
        return [config_paths.resolve_source(spec, folder) for spec in self.options.get("sources", ())]

    def resolved_teacher(self) -> TeacherConfig:
        """Return the teacher with paths that are valid in the working directory."""
        model, options = role_config.resolve_paths("teacher", self.teacher, self._resolved)
        return msgspec.structs.replace(self.teacher, model=model, options=options)

    def role_teachers(self) -> dict[str, list[RoleTeacher]]:
        """Return the teachers of each role that has its own, in the order in which they receive requests.

        Their paths are valid in the working directory.

        Raises:
            UsageError: The recipe has no such role, or a table is invalid.

        """
        found, known = dict[str, list[RoleTeacher]](), self.build_recipe().roles if self.roles else ()
        before = RoleTeacher("teacher", self.resolved_teacher(), self.teacher.model)
        for role, config in role_config.role_configs(self.roles).items():
            if role not in known:
                raise UsageError(unknown_name(f"the recipe {self.recipe} has no role {role!r}", role, known))
            found[role] = list(role_config.chain(f"roles.{role}", config, before, self._resolved))
        return found


def with_preview_limit(chosen: RunConfig) -> RunConfig:
    """Return the configuration of a preview with the option that limits it; any other configuration unchanged."""
    if not chosen.preview:
        return chosen
    bound = recipes.get(chosen.recipe).limit_option
    return msgspec.structs.replace(chosen, options={**chosen.options, bound: chosen.preview})


def languages(chosen: RunConfig) -> tuple[str, ...]:
    """Return the languages of a run: those that it names, or the default of its recipe."""
    return tuple(getattr(chosen.build_recipe(), "languages", ()))


def budget_limits(chosen: RunConfig) -> tuple[BudgetLimit, ...]:
    """Return the limits of the budget of a run.

    Raises:
        UsageError: A limit is malformed, repeats the amount of another, or names a language that the run does not have.

    """
    known = (*languages(chosen), *getattr(chosen.build_recipe(), "new_languages", ()))

    def language_id(name: str) -> str:
        found = resolve_language(name)
        if known and found not in known:
            noun = "language" if len(known) == 1 else "languages"
            raise UsageError(f"the run has only the {noun} {', '.join(known)}")
        return found

    return parse_budget(chosen.budget, language_id)


def read(recipe: str) -> dict[str, Any]:
    """Return the configuration in ``recipe``, which is the name of a recipe or a TOML file. It is not checked.

    Raises:
        InputError: The file is not valid TOML.
        UsageError: The file does not exist.

    """
    path = Path(recipe)
    if path.suffix != ".toml":
        return {"recipe": recipe}
    if not path.is_file():
        raise UsageError(
            f"{path} is not a file. Give the name of a recipe, or an existing TOML file that names a recipe"
        )
    try:
        return tomllib.loads(path.read_text("utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError.at(path, None, f"not valid TOML: {error}") from error


def changeable_keys_of(stored: Mapping[str, Any]) -> frozenset[str]:
    """Return the dotted keys of a run's configuration that do not determine rows; ``stored`` contains its tables.

    Raises:
        UsageError: The teacher, the recipe or a field of a role does not exist.

    """
    teacher = stored.get("teacher", {}).get("name", "")
    return changeable_keys(teacher, stored["recipe"]) | role_config.changeable_keys(
        stored.get("roles", {}), teacher or "offline"
    )


def changeable_keys(teacher: str, recipe: str = "") -> frozenset[str]:
    """Return the dotted keys that do not determine rows, for a configuration without roles.

    They may change at any time.

    Raises:
        UsageError: The teacher or recipe does not exist.

    """
    found = settings.changeable_fields(RunConfig)
    if teacher and (options := options_of(teacher)):
        found |= settings.changeable_fields(options, "teacher.options.")
    return found | settings.changeable_fields(recipes.get(recipe), "options.") if recipe else found


def assignments(pairs: Sequence[str], where: str = "--set") -> dict[str, Any]:
    """Parse ``NAME=VALUE``: a value is JSON if it is valid JSON, else text.

    Raises:
        UsageError: A pair has no ``=``.

    """
    found = dict[str, Any]()
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals or not name:
            beginning = re.match(r"[A-Za-z_.-]{0,40}", pair)
            raise UsageError(f"{where} {beginning[0] if beginning else ''}… is not of the form NAME=VALUE")
        try:
            found[name.replace("-", "_")] = msgspec.json.decode(text)
        except msgspec.DecodeError:
            found[name.replace("-", "_")] = text
    return found


def merge(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``base`` with ``changes``, merged table by table; None and empty values change nothing."""
    merged = dict(base)
    for name, value in changes.items():
        if isinstance(value, Mapping):
            old_value = merged.get(name)
            old_table = cast(Mapping[str, Any], old_value) if isinstance(old_value, Mapping) else dict[str, Any]()
            merged[name] = merge(old_table, cast(Mapping[str, Any], value))
        elif value not in (None, "", (), []):
            merged[name] = value
    return merged


def _language_id(option: str, name: str) -> str:
    """Return the id of a language.

    Raises:
        UsageError: The language does not exist; the message names the option as a user types it.

    """
    try:
        return resolve_language(name)
    except UsageError as error:
        raise UsageError(f"{option_name(option)} names {printable(name)!r}: {error}") from None


def _with_language_ids(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return options with the ids of the languages that they name, so that another spelling is not a change."""
    return {
        name: [_language_id(name, one) if isinstance(one, str) else one for one in cast("list[object]", value)]
        if name.rpartition("_")[2] == "languages" and isinstance(value, list | tuple)
        else value
        for name, value in options.items()
    }


def load(recipe: str, changes: Mapping[str, Any]) -> RunConfig:
    """Return the checked configuration.

    Raises:
        UsageError: A field is unknown, missing or of the wrong type, or its value looks like an API key; or a path of
            the TOML file does not exist; or the recipe has no prompt with a given name.
        InputError: A prompt of the user is invalid.

    """
    file = with_current_names(read(recipe))
    changes = with_current_names(changes, file.get("recipe"))
    merged = merge(file, changes)
    if isinstance(options := merged.get("options"), Mapping):
        merged["options"] = _with_language_ids(cast(Mapping[str, Any], options))
    if isinstance(roles := merged.get("roles"), Mapping):
        merged["roles"] = role_config.with_language_ids(cast(Mapping[str, Any], roles))
    credentials.refuse_secrets(merged, recipe if recipe.endswith(".toml") else "")
    if wrong := _unknown_field_message(merged):
        raise UsageError(f"{recipe}: {wrong}")
    is_file = recipe.endswith(".toml")
    try:
        chosen = msgspec.convert(merged, RunConfig, strict=False)
    except msgspec.ValidationError as error:
        wrong = settings.invalid_value_message(
            RunConfig, merged, lambda name: f"the field {name}" if is_file else f"--set {name}"
        )
        raise UsageError(f"{recipe}: {wrong or error}") from error
    toml = Path(recipe) if Path(recipe).suffix == ".toml" else None
    shard = parse_shard(chosen.shard or "")
    chosen = msgspec.structs.replace(chosen, shard=str(shard) if shard else None)
    folders = config_paths.folders(path_kinds(chosen), file, changes, toml)
    chosen = msgspec.structs.replace(chosen, relative_to=folders, prompt_versions={})
    chosen.role_teachers()
    versions = {name: prompt.version for name, prompt in chosen.own_prompts().items()}
    return msgspec.structs.replace(chosen, prompt_versions=versions)


def path_kinds(chosen: RunConfig) -> dict[str, str]:
    """Return the kind of path of each dotted key of a configuration that contains paths."""
    options = options_of(chosen.teacher.name)
    own = settings.path_kinds(options) if options else {}
    return {
        **settings.path_kinds(RunConfig),
        **settings.path_kinds(recipes.get(chosen.recipe), "options."),
        **{f"teacher.options.{name}": kind for name, kind in own.items()},
        **role_config.path_kinds(chosen.roles, chosen.teacher.name),
        **{f"prompts.{name}": "file" for name in chosen.prompts},
        **({"teacher.model": own["model"]} if "model" in own else {}),
    }


def _unknown_field_message(given: Mapping[str, Any]) -> str:
    """Return a sentence about an unknown field of a run's configuration, and where it belongs; "" for none."""
    teacher = given.get("teacher")
    teacher_table = cast(Mapping[str, Any], teacher) if isinstance(teacher, Mapping) else dict[str, Any]()
    for table, record, prefix in ((given, RunConfig, ""), (teacher_table, TeacherConfig, "teacher.")):
        named = "the table [teacher]" if prefix else "the configuration of a run"
        wrong = settings.unknown_field_message(record, table, named)
        if wrong:
            name = next(name for name in table if name not in record.__struct_fields__)
            return f"{wrong}{_advice_on_table(f'{prefix}{name}', given)}"
    return ""


def _advice_on_table(name: str, given: Mapping[str, Any]) -> str:
    """Return the end of a sentence that names the correct table of a misplaced field; "" if there is none."""
    recipe = given.get("recipe")
    if isinstance(recipe, str) and recipe in recipes.RECIPES and name in recipes.get(recipe).__struct_fields__:
        return f". Move it to the table [options]: it is an option of the recipe {recipe}"
    teacher = cast("Mapping[str, Any]", given["teacher"]).get("name") if name.startswith("teacher.") else None
    kind = options_of(teacher) if teacher in TEACHERS else None
    if kind and name.removeprefix("teacher.") in kind.__struct_fields__:
        return ". Move it to the table [teacher.options]"
    return ""
