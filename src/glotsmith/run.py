"""The run folder: one run's configuration, ledger, cache and datasets, for one process at a time.

run.toml        everything that determines the result; written once
ledger.sqlite   what became of every item
cache.sqlite    teacher replies and verdicts, unless they are shared elsewhere
dataset/        what was exported
lock            held, with the process's number, while a run works in the folder
"""

import json
import math
import os
import tomllib
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, cast

from glotsmith.cache import Cache
from glotsmith.errors import InputError, StorageError, UsageError
from glotsmith.folder import hold
from glotsmith.ledger import Ledger

CONFIG, LEDGER, CACHE, DATASET = "run.toml", "ledger.sqlite", "cache.sqlite", "dataset"

_HEADER = (
    "# Everything that determines this run's result. A run keeps its configuration; it is compared at each start.\n"
)
_SHOWN = 60  #: characters of a value in a message


class RunFolder:
    """An open run folder; close it, or use it in a ``with`` statement."""

    def __init__(self, path: Path, cache: Path | None, lock: int | None, *, resumed: bool) -> None:
        """Open the ledger and the cache; ``create_or_resume`` and ``open`` are the doors."""
        self.path = path
        self.resumed = resumed  #: whether the folder was there before
        self.dataset = path / DATASET
        self._lock = lock
        self.ledger = Ledger(path / LEDGER)
        try:
            self.cache = Cache(cache or path / CACHE)
        except BaseException:
            self.ledger.close()
            raise

    @classmethod
    def create_or_resume(
        cls, path: Path, config: Mapping[str, Any], cache: Path | None = None, free: Collection[str] = ()
    ) -> "RunFolder":
        """Make a run folder for ``config``, or go on in one that was made for it but for the dotted keys in ``free``.

        ``config`` may hold what TOML can, in tables and lists, and None, which is left out; never a secret.
        ``cache`` is a cache file to share between runs.

        Raises:
            UsageError: the folder belongs to a run of another configuration, to a running process, or is no run's.
            StorageError: it can't be written.

        """
        lock = hold(path, "run", CONFIG)
        try:
            resumed = (path / CONFIG).exists()
            if resumed:
                _compare(path / CONFIG, config, free)
            else:
                write_atomically(path / CONFIG, _HEADER + to_toml(config))
            return cls(path, cache, lock, resumed=resumed)
        except BaseException:
            os.close(lock)
            raise

    @classmethod
    def open(cls, path: Path, cache: Path | None = None) -> "RunFolder":
        """Open a run folder to read in it (``show``, ``export``), even while a run works there.

        Raises:
            UsageError: it is no run folder.

        """
        if not (path / CONFIG).is_file():
            raise UsageError(f"{path}: this is no run folder: it holds no {CONFIG}")
        return cls(path, cache, None, resumed=True)

    @property
    def config(self) -> dict[str, Any]:
        """The configuration of the run, as it was stored."""
        return _load(self.path / CONFIG)

    def close(self) -> None:
        """Commit, close the files and give the folder free; idempotent."""
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


def _load(path: Path) -> dict[str, Any]:
    """Read a configuration."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: {error}: mend the file, or delete the folder to start afresh") from error
    except OSError as error:
        raise StorageError(f"{path}: it can't be read ({error.strerror})") from error


def _compare(path: Path, config: Mapping[str, Any], free: Collection[str]) -> None:
    """Compare the stored configuration with the one asked for, but for the keys in ``free``.

    Raises:
        UsageError: they differ; the sentence names each difference.

    """
    stored, wanted = dict(_leaves(_load(path))), dict(_leaves(tomllib.loads(to_toml(config))))
    keys = sorted((stored.keys() | wanted.keys()) - set(free))
    changed = [key for key in keys if stored.get(key) != wanted.get(key)]
    if not changed:
        return
    told = "; ".join(f"{key} was {_shown(stored.get(key))} and is now {_shown(wanted.get(key))}" for key in changed)
    raise UsageError(
        f"{path}: the configuration has changed: {told}. A run keeps its configuration: "
        f"choose another folder, or delete {path.parent} to start afresh"
    )


def _leaves(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, object]]:
    """Yield the dotted key and value of everything in a table that is no table."""
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _leaves(cast("Mapping[str, Any]", value), f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _shown(value: object) -> str:
    if value is None:
        return "not set"
    text = _literal(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def to_toml(table: Mapping[str, Any], prefix: str = "") -> str:
    """Write a table as TOML 1.0: values first, then the tables inside; None is left out.

    Raises:
        TypeError: a value that TOML has no form for.

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
    """Return a key bare where TOML allows it."""
    bare = key.isascii() and key.replace("-", "").replace("_", "").isalnum()
    return key if bare else _quoted_text(key)


def _quoted_text(text: str) -> str:
    """Write a basic string: JSON's escapes are TOML's, but for DEL; a lone surrogate becomes U+FFFD."""
    text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007F")


def write_atomically(path: Path, text: str) -> None:
    """Write a text file so that a reader or a kill sees the old state or the new, and nothing between.

    Raises:
        StorageError: it can't be written.

    """
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        with draft.open("w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise StorageError(f"{path}: it can't be written ({error.strerror}): free some space, and try again") from error
