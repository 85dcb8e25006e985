"""Locate the corpus of a source specification: its texts, version and licence.

No module of a corpus is imported: ``importlib.util.find_spec`` and ``importlib.metadata`` find packages.
"""

import importlib.metadata
import importlib.util
import platform
import sys
import sysconfig
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import msgspec

from glotsmith.errors import InputError, UsageError
from glotsmith.records import Record, printable
from glotsmith.sources import licences, table_rows
from glotsmith.sources.files import FileSelection, SourceText, find_source_files, printable_path, read_text

SOURCE_EXAMPLES = (
    "package:more_itertools (an installed package), stdlib: or stdlib:textwrap (the standard library), a folder, "
    "a .py, .jsonl, .jsonl.gz or .parquet file, hf:OWNER/DATASET[:CONFIG][:SPLIT] (a Hugging Face dataset)"
)
_STDLIB_SKIPPED = frozenset({"ensurepip", "idlelib", "lib2to3", "pydoc_data", "turtledemo", "__phello__"})


class ReadOptions(Record, frozen=True, kw_only=True):
    """The options for reading sources."""

    helpers: bool = False  #: include the functions and constants of the module that a function needs
    imports: bool = False  #: include imports of standard modules without side effects (``extract.PURE_MODULES``)
    max_helper_lines: int = 100  #: largest number of lines of helpers; if a function needs more, it gets no helpers
    max_bytes: int = 5_000_000  #: largest size of a file in bytes, or of a row in characters
    tests: bool = False  #: also read test folders and test files of packages and folders
    column: str = ""  #: the column with the code; "" for ``content`` or ``code``
    folder: str = ""  #: the folder to which paths are relative; "" for the working directory


class Corpus(msgspec.Struct, frozen=True, kw_only=True):
    """The texts of one source, in a fixed order."""

    spec: str  #: the specification of the user, as printable text
    texts: Callable[[], Iterator[SourceText]]
    version: str = ""
    licence: str = ""


def locate_corpus(spec: str, options: ReadOptions) -> Corpus:
    """Return the corpus of a specification. Its texts are read later.

    Raises:
        UsageError: The specification has no known form, or the file, package or module does not exist.

    """
    scheme, colon, name = spec.partition(":")
    match scheme:
        case "package" if colon:
            return _package_corpus(spec, name, options)
        case "stdlib" if colon:
            return _stdlib_corpus(spec, name, options)
        case "hf" if colon:
            return _dataset_corpus(spec, options)
        case _:
            return _path_corpus(spec, options)


def is_path_spec(spec: str) -> bool:
    """Return whether a specification is the path of a file or a folder."""
    scheme, colon, _ = spec.partition(":")
    return not (colon and scheme in ("package", "stdlib", "hf"))


def _path_corpus(spec: str, options: ReadOptions) -> Corpus:
    path = _existing_path(spec, options.folder)
    if path is None:
        raise UsageError(
            f"there is no file, folder or source {printable(spec)!r}. A source is one of: {SOURCE_EXAMPLES}"
        )
    if path.is_dir():
        texts = partial(_folder_texts, spec, [path], path, FileSelection(tests=options.tests), options.max_bytes)
        return Corpus(spec=printable(spec), texts=texts, licence=licences.licence_of_folder(path))
    if path.name.endswith(table_rows.TABLE_SUFFIXES):
        read = table_rows.parquet_texts if path.suffix == ".parquet" else table_rows.jsonl_texts
        return Corpus(spec=printable(spec), texts=partial(read, path, options.column, options.max_bytes))
    if path.suffix == ".py":
        texts = partial(_folder_texts, spec, [path], path.parent, FileSelection(), options.max_bytes)
        return Corpus(spec=printable(spec), texts=texts, licence=licences.licence_of_folder(path.parent))
    raise UsageError(f"{spec} has an unsupported format. A source is one of: {SOURCE_EXAMPLES}")


def _existing_path(spec: str, folder: str) -> Path | None:
    try:
        path = Path(folder, Path(spec).expanduser())
        return path if spec and path.exists() else None
    except (OSError, RuntimeError):  # too long a name, a folder without permission, an unknown user
        return None


def _dataset_corpus(spec: str, options: ReadOptions) -> Corpus:
    dataset = table_rows.parse_dataset_spec(spec)
    read = partial(table_rows.dataset_texts, spec, *dataset, options.column, options.max_bytes)
    return Corpus(spec=printable(spec), texts=read)


def _stdlib_corpus(spec: str, name: str, options: ReadOptions) -> Corpus:
    root = Path(sysconfig.get_path("stdlib"))
    roots = [_path_of_module(root, name.split("."))] if name else [root]
    if None in roots:
        known = name.partition(".")[0] in sys.stdlib_module_names
        what = "is not written in Python" if known else "is not a module of the standard library"
        raise UsageError(f"{spec}: {name} {what}. Use for example stdlib:textwrap, or stdlib: for the whole library")
    scope = FileSelection(skip_folders=_STDLIB_SKIPPED, tests=options.tests, outward_links=True)
    texts = partial(_folder_texts, spec, [r for r in roots if r], root, scope, options.max_bytes)
    return Corpus(spec=printable(spec), texts=texts, version=platform.python_version(), licence="PSF-2.0")


def _package_corpus(spec: str, name: str, options: ReadOptions) -> Corpus:
    top, *inner = name.split(".")
    if top in sys.stdlib_module_names:
        raise UsageError(f"{name} is part of the standard library. Use stdlib:{name}")
    modules = [name] if _folders_of_module(top) else _modules_of_distribution(name)
    found = [
        (root, r)
        for module in modules
        for root in _folders_of_module(module)
        if (r := _path_of_module(root, module.split(".")))
    ]
    if not found:
        inside = f" in {top}" if inner and _folders_of_module(top) else ""
        raise UsageError(
            f"{spec}: no package {name!r} is installed{inside}. Install it with pip, or check its spelling"
        )
    scope = FileSelection(tests=options.tests, outward_links=True)
    texts = partial(_folder_texts, spec, [path for _, path in found], found[0][0], scope, options.max_bytes)
    distribution = _distribution(modules[0].partition(".")[0])
    version, licence = (
        (distribution.version, licences.licence_of_distribution(distribution)) if distribution else ("", "")
    )
    return Corpus(spec=printable(spec), texts=texts, version=version, licence=licence)


def _folders_of_module(module: str) -> list[Path]:
    """Return the folders that contain a top-level module, without importing it."""
    top = module.partition(".")[0]
    try:
        spec = importlib.util.find_spec(top) if top.isidentifier() else None
    except (ImportError, ValueError):
        return []
    if spec is None:
        return []
    if spec.submodule_search_locations:
        return [Path(p).parent for p in spec.submodule_search_locations]
    return [Path(spec.origin).parent] if spec.origin and spec.has_location else []


def _path_of_module(root: Path, parts: list[str]) -> Path | None:
    """Return the folder or file of a module below ``root``."""
    if not all(part.isidentifier() for part in parts):
        return None
    folder = root.joinpath(*parts)
    file = folder.with_name(folder.name + ".py")
    try:
        return folder if folder.is_dir() else file if file.is_file() else None
    except OSError:  # a name that is too long
        return None


def _modules_of_distribution(name: str) -> list[str]:
    wanted = name.lower().replace("-", "_").replace(".", "_")
    packages = importlib.metadata.packages_distributions()
    return sorted(m for m, ds in packages.items() if any(d.lower().replace("-", "_") == wanted for d in ds))


def _distribution(module: str) -> importlib.metadata.Distribution | None:
    names = importlib.metadata.packages_distributions().get(module)
    return importlib.metadata.distribution(names[0]) if names else None


def _folder_texts(
    spec: str, roots: list[Path], base: Path, scope: FileSelection, max_bytes: int
) -> Iterator[SourceText]:
    empty = True
    for root in roots:
        files = [(root, None)] if root.is_file() else find_source_files(root, scope)
        for path, dropped in files:
            empty = False
            content = dropped or read_text(path, max_bytes)
            licence = licences.licence_of_source(content) if isinstance(content, str) else ""
            yield SourceText(printable_path(path, base), content, licence)
    if empty:
        left_out = "" if scope.tests else " (test folders and test files are skipped by default)"
        raise InputError(f"{spec}: the folder has no Python file{left_out}")
