"""Split code into snippets with a limited number of tokens: Python into functions, other languages at blank lines.

xCoder uses snippets of up to 1,024 tokens (Qwen2.5-Coder report §4.1) and does not state how they are cut. Python
is cut into its top-level functions, which can be executed alone. Other languages are cut where a line without
indentation follows a blank line, and neighbouring pieces are joined again while they fit.
"""

import re
from collections.abc import Iterator
from typing import ClassVar

import msgspec

from glotsmith.counts import counted
from glotsmith.drop_reasons import Reason
from glotsmith.records import Record, Snippet, content_hash, printable
from glotsmith.sources.extract import SourceModule
from glotsmith.sources.parse import Unparsable
from glotsmith.step import Dropped, ItemStep, Kept, Result

_TOKEN = re.compile(r"\w+|[^\w\s]")
_TOP_LEVEL = re.compile(r"\n(?:[ \t]*\n)+(?=\S)")


def count_tokens(text: str) -> int:
    """Return the number of words and punctuation marks, which is close to the number of tokens of a code model."""
    return sum(1 for _ in _TOKEN.finditer(text))


class SplitSnippets(ItemStep[Snippet, Snippet]):
    """Cuts snippets of plain code; snippets with a suite are not cut."""

    name: ClassVar[str] = "split_snippets"
    output: ClassVar[type[Record]] = Snippet
    concurrency: int = 1  # the step only computes

    def __init__(self, max_tokens: int = 1024) -> None:
        self._max_tokens = max_tokens

    async def run(self, key: str, item: Snippet) -> Result[Snippet]:
        """Cut a snippet, and drop the pieces that are too large."""
        pieces, dropped = ([item], []) if item.tests else _cut_snippet(item, self._max_tokens)
        kept: list[Kept[Snippet]] = []
        for number, piece in enumerate(pieces):
            if (count := count_tokens(piece.code)) > self._max_tokens:
                dropped.append(
                    Dropped(
                        Reason.TOO_LARGE,
                        f"{counted(count, 'token')}, the limit is {self._max_tokens}",
                        f"{key}:{number}",
                    )
                )
            else:
                kept.append(Kept(f"{key}:{number}", piece))
        if not kept:
            dropped.append(Dropped(dropped[0].reason, dropped[0].detail) if dropped else Dropped(Reason.NOT_A_SNIPPET))
        return Result(kept=tuple(kept), dropped=tuple(dropped))


def _cut_snippet(snippet: Snippet, most: int) -> tuple[list[Snippet], list[Dropped]]:
    """Return the pieces of a snippet, and a drop for each function with a decorator."""
    functions, decorated = _split_functions(snippet) if snippet.language == "python" else ([], [])
    return (functions, decorated) if functions else (list(_cut_at_blank_lines(snippet, most)), [])


def _cut_at_blank_lines(snippet: Snippet, most: int) -> Iterator[Snippet]:
    line, texts = snippet.origin.line, list(_join_while_fitting(_TOP_LEVEL.split(snippet.code), most))
    for text in texts:
        yield _make_piece(snippet, text, line, snippet.name if len(texts) == 1 else "")
        line += text.count("\n") + 2


def _split_functions(snippet: Snippet) -> tuple[list[Snippet], list[Dropped]]:
    plain: list[Snippet] = []
    decorated: list[Dropped] = []
    try:
        for found in SourceModule(snippet.code).functions():
            line = snippet.origin.line + found.line - 1
            if found.decorators:
                detail = f"{found.name}, by {', '.join(found.decorators)}"
                decorated.append(Dropped(Reason.DECORATED, detail, f"{snippet.id}:{line}"))
            else:
                plain.append(_make_piece(snippet, found.code, line, found.name))
    except Unparsable:
        return [], []
    return plain, decorated


def _join_while_fitting(parts: list[str], most: int) -> Iterator[str]:
    """Join neighbouring parts while they have at most ``most`` tokens."""
    text = ""
    for part in filter(str.strip, parts):
        both = f"{text}\n\n{part}" if text else part
        if text and count_tokens(both) > most:
            yield text
            both = part
        text = both
    if text:
        yield text


def _make_piece(snippet: Snippet, code: str, line: int, name: str = "") -> Snippet:
    origin = msgspec.structs.replace(snippet.origin, line=line)
    identity = content_hash(snippet.language, code)
    return msgspec.structs.replace(snippet, id=identity, code=printable(code), name=name, origin=origin)
