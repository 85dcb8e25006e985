"""What the selection steps of all recipes need: the comment syntax of each language, and the index of benchmarks."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from glotsmith import languages
from glotsmith.languages.lexer import CommentSyntax, syntax_of
from glotsmith.selection.overlap import Overlap


def comment_syntax() -> Mapping[str, CommentSyntax]:
    """Return the comment syntax of each language, by name."""
    return {name: syntax_of(languages.get(name)) for name in languages.names()}


def load_overlap(benchmarks: Sequence[str], ngram: int) -> Overlap | None:
    """Return the index of benchmark files; None without files. The index is cached until a file changes.

    Raises:
        InputError: a file cannot be read.

    """
    return _load_overlap(tuple((name, *_file_state(Path(name))) for name in benchmarks), ngram) if benchmarks else None


@lru_cache(maxsize=1)
def _load_overlap(files: tuple[tuple[str, int, int], ...], ngram: int) -> Overlap:
    return Overlap.of_files((Path(name) for name, *_ in files), comment_syntax(), n=ngram)


def _file_state(file: Path) -> tuple[int, int]:
    return (file.stat().st_size, file.stat().st_mtime_ns) if file.is_file() else (0, 0)
