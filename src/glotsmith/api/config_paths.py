"""The folders that the relative paths of a run's configuration are relative to.

A path of the command line is relative to the working directory, a path of a TOML file to the folder of the file.
A configuration keeps each path as the user wrote it: rows and comparisons are the same in every working directory.
"""

from collections.abc import Iterable, Iterator, Mapping
from os.path import normpath
from pathlib import Path
from typing import Any, cast

from glotsmith.errors import UsageError
from glotsmith.records import printable
from glotsmith.sources.corpus import SOURCE_EXAMPLES, is_path_spec


def absolute(path: str, folder: str) -> Path:
    """Return the absolute form of a path that is relative to a folder; "" is the working directory."""
    return Path(normpath(Path.cwd() / folder / _expand_user(path)))


def resolve_path(path: str, folder: str) -> str:
    """Return a path that is relative to the working directory, for a path that is relative to a folder."""
    if not folder or Path(folder) == Path.cwd() or _expand_user(path).is_absolute():
        return path
    return str(absolute(path, folder))


def resolve_source(spec: str, folder: str) -> str:
    """Return a source whose path is relative to the working directory, for a source that is relative to a folder."""
    return resolve_path(spec, folder) if is_path_spec(spec) else spec


def folders(
    kinds: Mapping[str, str], file: Mapping[str, Any], changes: Mapping[str, Any], toml: Path | None
) -> dict[str, str]:
    """Return the folder of each key that contains a relative path: dotted key → absolute folder.

    Args:
        kinds: Dotted key → kind of path (``settings.path_kinds``).
        file: The tables of the TOML file.
        changes: The tables of the command line, which override the file.
        toml: The TOML file, if there is one.

    Raises:
        UsageError: A path of the TOML file does not exist.

    """
    found = dict[str, str]()
    for key, kind in kinds.items():
        given, folder = _texts_at(changes, key), str(Path.cwd())
        if toml and not given:
            given, folder = _texts_at(file, key), _folder_in(file, key, toml)
            _check_paths_exist(given, kind, key, folder, toml)
        if any(_is_relative(path, kind, folder) for path in given):
            found[key] = folder
    return found


def _folder_in(file: Mapping[str, Any], key: str, toml: Path) -> str:
    """Return the folder of a key of a TOML file: the file's folder, or the one that a run stored in ``relative_to``."""
    stored = file.get("relative_to")
    own = cast("Mapping[str, object]", stored).get(key, "") if isinstance(stored, Mapping) else ""
    return str(absolute(str(own), str(toml.parent)))


def _is_relative(path: str, kind: str, folder: str) -> bool:
    if (kind == "source" and not is_path_spec(path)) or _expand_user(path).is_absolute():
        return False
    return kind != "model" or _exists(absolute(path, folder))


def _check_paths_exist(given: Iterable[str], kind: str, key: str, folder: str, toml: Path) -> None:
    """Check that the files and folders that a TOML file names exist.

    Raises:
        UsageError: A file or folder does not exist.

    """
    if kind not in ("source", "file"):
        return
    for path in given:
        target = absolute(path, folder)
        if path and not (kind == "source" and not is_path_spec(path)) and not _exists(target):
            known = f". A source is one of: {SOURCE_EXAMPLES}" if kind == "source" else ""
            raise UsageError(
                f"{toml}: {key} names {printable(path)!r}, but there is no {printable(str(target))}; "
                f"a relative path in a TOML file is relative to the folder of the file{known}"
            )


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # a name that is too long, a folder without permission, a null character
        return False


def _expand_user(path: str) -> Path:
    try:
        return Path(path).expanduser()
    except RuntimeError:  # a user who does not exist
        return Path(path)


def _texts_at(tables: Mapping[str, Any], key: str) -> list[str]:
    """Return the texts at a dotted key of nested tables; an empty list if the key has no text."""
    found: object = tables
    for part in key.split("."):
        found = cast("Mapping[str, object]", found).get(part) if isinstance(found, Mapping) else None
    return list(_strings(found))


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str) and value:
        yield value
    elif isinstance(value, list | tuple):
        yield from (one for one in cast("list[object]", value) if isinstance(one, str))
