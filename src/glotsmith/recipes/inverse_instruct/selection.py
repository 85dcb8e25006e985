"""Deduplicate snippets, and decontaminate snippets and the instructions that were made from them."""

from collections.abc import Iterator

from glotsmith.records import Inversion, Snippet
from glotsmith.selection.decontaminate import Decontaminate, Part
from glotsmith.selection.deduplicate import Deduplicate, Text


class DeduplicateSnippets(Deduplicate[Snippet]):
    """Drop repeated programs and repeated pairs; ``syntax`` needs an entry ``""`` for pairs."""

    name = "deduplicate_snippets"
    output = Snippet

    def text(self, item: Snippet) -> Text:
        """Return the text to compare: programs are compared within their language, and pairs with pairs."""
        if item.kind == "original":
            return Text("", item.id, f"{item.instruction}\n{item.response}")
        return Text(item.language, item.id, item.code)


class DecontaminateSnippets(Decontaminate[Snippet]):
    """Drop programs and pairs that overlap a benchmark, before any request about them."""

    name = "decontaminate_snippets"
    output = Snippet

    def parts(self, item: Snippet) -> Iterator[Part]:
        """Yield the program of a snippet, or the instruction and the response of a pair."""
        if item.kind == "original":
            yield Part("instruction", item.instruction)
            yield Part("response", item.response, item.language)
        else:
            yield Part("program", item.code, item.language)


class DecontaminateInversions(Decontaminate[Inversion]):
    """Drop snippets with an instruction that overlaps a benchmark, whose words the model may have memorised."""

    name = "decontaminate_instructions"
    output = Inversion

    def parts(self, item: Inversion) -> Iterator[Part]:
        """Yield the new instructions; ``DecontaminateSnippets`` has compared the program."""
        for summary in item.summaries:
            yield Part("instruction", summary.text)
