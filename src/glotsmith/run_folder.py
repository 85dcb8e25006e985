"""The run folder: configuration, ledger, cache and datasets of a run, for one process at a time.

run.toml             the configuration; settings that determine rows are fixed after the first row or reply
ledger.sqlite        the results of every step for every item
ledger.sqlite-sent   the requests without a reply, while a budget limits money or tokens
cache.sqlite         teacher replies and verdicts, unless another cache is used
dataset/             the exported datasets
lock                 locked while a process uses the folder; holds its process ID
"""

import json
import math
import os
import shlex
import shutil
import tomllib
from collections.abc import Collection, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Any, cast

from glotsmith import credentials
from glotsmith.cache import Cache
from glotsmith.errors import InputError, StorageError, UsageError
from glotsmith.folder_lock import lock_folder
from glotsmith.ledger import Ledger
from glotsmith.renames import with_current_names
from glotsmith.sent_requests import JOURNAL_END
from glotsmith.settings import is_changeable, leaves
from glotsmith.write_aside import write_aside

CONFIG, LEDGER, CACHE, DATASET = "run.toml", "ledger.sqlite", "cache.sqlite", "dataset"
LEDGER_FILES = tuple(f"{LEDGER}{end}" for end in ("", "-wal", "-shm", JOURNAL_END))

#: configuration keys of runs before the full run: a preview of this many items, a pilot of this share of them
PREVIEW, PILOT = "preview", "pilot"
_HEADER = "# The configuration of this run. Settings that determine rows cannot change after the first row or reply.\n"
_SHOWN = 60  #: largest length of a value in a message


class RunFolder:
    """An open run folder; close it, or use it in a ``with`` statement."""

    def __init__(
        self, path: Path, cache: Path | None, lock: int | None, *, resumed: bool, fallback_caches: Sequence[Path] = ()
    ) -> None:
        """Open the ledger and the cache; use ``create_or_resume`` or ``open`` instead."""
        self.path = path
        self.resumed = resumed  #: whether the folder already contained the run
        self.dataset = path / DATASET
        self._lock = lock
        self.ledger = Ledger(path / LEDGER, read_only=lock is None)
        try:
            self.cache = Cache(cache or path / CACHE, fallback_caches, read_only=lock is None)
        except BaseException:
            self.ledger.close()
            raise

    @classmethod
    def create_or_resume(
        cls,
        path: Path,
        config: Mapping[str, Any],
        cache: Path | None = None,
        changeable: Collection[str] = (),
        fallback_caches: Sequence[Path] = (),
    ) -> "RunFolder":
        """Create a run folder for ``config``, or open it to resume the run.

        Args:
            path: the folder.
            config: values that TOML can hold, in tables and lists; None is left out. With the key ``preview`` or
                ``pilot`` the run is a trial, which may replace only an earlier trial of its kind.
            cache: a cache file that runs share.
            changeable: dotted keys of ``config`` that do not determine rows. All others are fixed after the first row
                or reply.
            fallback_caches: caches to copy missing entries from, where they exist.

        Raises:
            UsageError: the folder belongs to a run with another configuration, is in use, or is not a run folder; or
                the configuration holds a credential.
            StorageError: the folder cannot be written.

        """
        credentials.refuse_secrets(config)
        lock = lock_folder(path, "run", CONFIG)
        try:
            resumed = _store_config(path, config, changeable, cache or path / CACHE)
            return cls(path, cache, lock, resumed=resumed, fallback_caches=fallback_caches)
        except BaseException:
            os.close(lock)
            raise

    @classmethod
    def open(cls, path: Path, cache: Path | None = None) -> "RunFolder":
        """Open a run folder for reading (``show``, ``export``), even while a run uses it; nothing is written.

        Raises:
            UsageError: it is not a run folder.

        """
        if not (path / CONFIG).is_file():
            raise UsageError(f"{path}: not a run folder: it has no {CONFIG}")
        return cls(path, cache, None, resumed=True)

    @property
    def config(self) -> dict[str, Any]:
        """The stored configuration of the run."""
        return _load(self.path / CONFIG)

    def close(self) -> None:
        """Commit, close the files and release the lock; idempotent."""
        try:
            self.ledger.close()
        finally:
            self.cache.close()
            if self._lock is not None:
                os.close(self._lock)
                self._lock = None

    def __enter__(self) -> "RunFolder":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def stored_config(path: Path) -> dict[str, Any]:
    """Return the stored configuration of a run folder; {} if there is none."""
    return _load(path / CONFIG) if (path / CONFIG).is_file() else {}


def _load(path: Path) -> dict[str, Any]:
    """Return the configuration in a file, with the current names of roles, prompts and calls."""
    try:
        return with_current_names(tomllib.loads(path.read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(
            f"{path}: {error}: correct the file, or {_new_folder_advice(path.with_name(CACHE))}"
        ) from error
    except OSError as error:
        raise StorageError(f"{path}: it cannot be read ({error.strerror})") from error


def _new_folder_advice(cache: Path) -> str:
    """Return advice to start in another folder that reuses the replies."""
    return f"start in another folder that reuses the replies: -o NEWFOLDER --cache {shlex.quote(str(cache))}"


def _store_config(path: Path, config: Mapping[str, Any], changeable: Collection[str], cache: Path) -> bool:
    """Store the configuration, unless the folder belongs to another run; return whether the run is resumed.

    Raises:
        UsageError: a setting that determines rows has changed, and there are rows or replies; the message lists them.

    """
    file = path / CONFIG
    if not file.exists():
        write_config(file, config)
        return False
    stored, wanted = _load(file), tomllib.loads(to_toml(config))
    preview = bool(wanted.get(PREVIEW))
    trial = next((kind for kind in (PREVIEW, PILOT) if wanted.get(kind)), "")
    if trial and not stored.get(trial):
        raise UsageError(f"{path} contains a run, and a {trial} must not replace it: choose another folder with -o")
    changed = _changes(stored, wanted, changeable)
    if changed and not trial and _has_results(path):
        raise UsageError(
            f"{file}: the configuration has changed: {changed}. These settings determine rows and cannot change: "
            f"restore them, or {_new_folder_advice(cache)}"
        )
    if preview or changed:
        _remove_ledger(path)
    if preview or (trial and changed):
        _remove(path / DATASET)
    if stored != wanted:
        write_config(file, config)
    return not (preview or changed)


def _has_results(path: Path) -> bool:
    """Return whether the folder holds dataset rows or replies."""
    if (path / CACHE).exists():
        with closing(Cache(path / CACHE)) as cache:
            if cache.has_entries("reply"):
                return True
    if not (path / LEDGER).exists():
        return False
    with closing(Ledger(path / LEDGER)) as ledger:
        funnel = ledger.funnel()
    return bool(funnel) and (funnel[-1].taken > 0 or any(row.tokens for row in funnel))


def _remove_ledger(path: Path) -> None:
    """Remove the ledger of a run without rows, of a preview or of a pilot, but not the cache."""
    for name in LEDGER_FILES:
        _remove(path / name)


def _remove(path: Path) -> None:
    """Remove a file or a folder, if it exists.

    Raises:
        StorageError: it cannot be removed.

    """
    try:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise StorageError(f"{path}: it cannot be removed ({error.strerror})") from error


def _changes(stored: Mapping[str, Any], wanted: Mapping[str, Any], changeable: Collection[str]) -> str:
    """Return the differences between two configurations in settings that determine rows; "" if there are none."""
    changed = different_settings(stored, wanted, changeable)
    return "; ".join(f"{key} was {before} and is now {now}" for key, (before, now) in changed.items())


def different_settings(
    first: Mapping[str, Any], second: Mapping[str, Any], changeable: Collection[str]
) -> dict[str, tuple[str, str]]:
    """Return the settings that determine rows and differ in two configurations: dotted key → both values as text.

    Args:
        first: the tables of a configuration.
        second: the tables of the other.
        changeable: dotted keys of the settings that do not determine rows.

    """
    before, now = dict(leaves(first)), dict(leaves(second))
    keys = sorted(key for key in before.keys() | now.keys() if not is_changeable(key, changeable))
    return {
        key: (_shown(key, before.get(key)), _shown(key, now.get(key)))
        for key in keys
        if before.get(key) != now.get(key)
    }


def _shown(key: str, value: object) -> str:
    if value is None:
        return "not set"
    if credentials.is_secret_setting(key, value):  # another program may have written the file
        return credentials.HIDDEN
    text = credentials.redact(_literal(value))
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def to_toml(table: Mapping[str, Any], prefix: str = "") -> str:
    """Return a table as TOML 1.0: values first, then nested tables; None is left out.

    Raises:
        TypeError: TOML cannot represent a value.

    """
    tables = {key: cast("Mapping[str, Any]", value) for key, value in table.items() if isinstance(value, Mapping)}
    plain = {key: value for key, value in table.items() if key not in tables and value is not None}
    text = "".join(f"{_quoted(key)} = {_literal(value)}\n" for key, value in plain.items())
    for key, inner in tables.items():
        name = f"{prefix}{_quoted(key)}"
        text += f"\n[{name}]\n" + to_toml(inner, f"{name}.")
    return text


def _literal(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case float() if not math.isfinite(value):
            return str(value)
        case int() | float():
            return repr(value)
        case str() | Path():
            return _quoted_text(str(value))
        case Mapping():
            pairs = cast("Mapping[str, object]", value).items()
            return "{" + ", ".join(f"{_quoted(key)} = {_literal(v)}" for key, v in pairs if v is not None) + "}"
        case Sequence():
            return "[" + ", ".join(map(_literal, cast("Sequence[object]", value))) + "]"
        case _:
            raise TypeError(f"TOML has no form for {value!r}")


def _quoted(key: str) -> str:
    """Return a key, quoted unless TOML allows a bare one."""
    bare = key.isascii() and key.replace("-", "").replace("_", "").isalnum()
    return key if bare else _quoted_text(key)


def _quoted_text(text: str) -> str:
    """Return a basic string: TOML has the escapes of JSON, except for DEL. Lone surrogates become U+FFFD."""
    text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007F")


def write_config(file: Path, config: Mapping[str, Any]) -> None:
    """Write the configuration to its file, which has either the old or the new content at any time.

    Raises:
        StorageError: it cannot be written.

    """
    try:
        with write_aside(file, sync=True) as draft:
            draft.write_text(_HEADER + to_toml(config), "utf-8")
    except OSError as error:
        raise StorageError(
            f"{file}: it cannot be written ({error.strerror}): free some space, and try again"
        ) from error
