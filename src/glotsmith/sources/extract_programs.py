"""Extract the program from a response (InverseCoder §4.1, ``extract_code.py``).

The paper keeps the first fenced block with any label, and a response without fences only if it parses as Python. Here
the block must be in a supported language, and a response without fences can be in any supported language that the row
or the instruction names.
"""

import re
from typing import ClassVar

import msgspec

from glotsmith import languages
from glotsmith.drop_reasons import Reason
from glotsmith.languages.extract_code import first_block, looks_like_code, strip_reasoning
from glotsmith.languages.grammar import parses
from glotsmith.languages.spelling import language_of_label
from glotsmith.records import Record, Snippet, content_hash
from glotsmith.step import Dropped, ItemStep, Kept, Result


class ExtractPrograms(ItemStep[Snippet, Snippet]):
    """Keeps each pair of a corpus as an original, and its program as a snippet.

    A pair without a usable program is kept as an original; its program is dropped with a reason.
    """

    name: ClassVar[str] = "extract_programs"
    output: ClassVar[type[Record]] = Snippet
    concurrency: int = 1  # the step only computes

    def __init__(self, wanted: tuple[str, ...] = (), *, originals: bool = True, parsed: bool = False) -> None:
        """Initialise the step.

        Args:
            wanted: The languages to keep; () keeps all.
            originals: Whether pairs are kept as originals.
            parsed: Whether programs are dropped if the grammar of their language finds an error in them.

        """
        self._wanted, self._originals, self._parsed = frozenset(wanted), originals, parsed

    async def run(self, key: str, item: Snippet) -> Result[Snippet]:
        """Split a pair, or keep plain code with its language."""
        item = msgspec.structs.replace(
            item, parallel_id=item.parallel_id or item.id
        )  # a pair and its program have the same parallel_id
        found = self._snippet(item)
        language = found.language if isinstance(found, Snippet) else ""
        original = self._original(item, language) if self._originals and item.instruction and item.response else None
        if original is None:
            return Result(dropped=(found,)) if isinstance(found, Dropped) else Result(kept=(Kept(found.id, found),))
        kept = Kept(original.id, original)
        if isinstance(found, Dropped):
            return Result(kept=(kept,), dropped=(msgspec.structs.replace(found, key=f"{item.id}:code"),))
        return Result(kept=(Kept(found.id, found), kept))

    def _original(self, item: Snippet, language: str) -> Snippet | None:
        if self._wanted and language not in self._wanted:
            return None
        identity = content_hash("original", item.id)
        return msgspec.structs.replace(item, id=identity, kind="original", language=language, code="", tests=())

    def _snippet(self, item: Snippet) -> Snippet | Dropped:
        found = _snippet_of_code(item) if item.code else _snippet_of_response(item)
        if isinstance(found, Dropped):
            return found
        if self._wanted and found.language not in self._wanted:
            return Dropped(Reason.LANGUAGE_NOT_WANTED, found.language)
        if self._parsed and parses(found.language, found.code) is False:
            return Dropped(Reason.UNPARSABLE_CODE, found.code[:200])
        return found


def _snippet_of_code(item: Snippet) -> Snippet | Dropped:
    language = language_of_label(item.language) if item.language else guess_language(item.code, item.instruction)
    if not language:
        return Dropped(Reason.UNKNOWN_LANGUAGE, item.language)
    return msgspec.structs.replace(item, language=language)


def _snippet_of_response(item: Snippet) -> Snippet | Dropped:
    """Return the first fenced block, or a response without fences if it parses."""
    response = strip_reasoning(item.response)
    block = first_block(response)
    stated = language_of_label(item.language)
    if block is None:
        language = stated or guess_language(response, item.instruction)
        if not language or not looks_like_code(response) or parses(language, response) is not True:
            return Dropped(Reason.UNPARSABLE_CODE, response.strip()[:200])
        return msgspec.structs.replace(item, language=language, code=response.strip("\n").rstrip())
    language = language_of_label(block.label) or (
        stated or guess_language(block.code, item.instruction) if not block.label else ""
    )
    if not language:
        return Dropped(Reason.UNKNOWN_LANGUAGE, block.label or block.code.strip()[:200])
    return msgspec.structs.replace(item, language=language, code=block.code.strip("\n").rstrip())


# ------------------------------------------------------------------------------------------ languages


def guess_language(code: str, instruction: str) -> str:
    """Return a language in which a program parses: one that the instruction names, else Python, as in the paper.

    Other languages are not tried, because most grammars are lenient and several accept plain prose.
    """
    named = [name for name in languages.language_names() if _mentions(languages.get_card(name).display, instruction)]
    return next((name for name in [*named, "python"] if parses(name, code)), "")


def _mentions(display: str, text: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(display)}(?![\w+#])", text) is not None
