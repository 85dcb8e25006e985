"""The selection steps for snippets and for what was made of them."""

from collections.abc import Iterator

from glotsmith.records import Inversion, Snippet
from glotsmith.selection.decontaminate import Decontaminate, Part
from glotsmith.selection.deduplicate import Deduplicate, Text


class DeduplicateSnippets(Deduplicate[Snippet]):
    """Drop programs that were read before, and pairs likewise; ``syntax`` must hold an entry ``""`` for pairs."""

    name = "deduplicate_snippets"
    output = Snippet

    def text(self, item: Snippet) -> Text:
        """Compare programs within their language, and pairs with pairs."""
        if item.kind == "original":
            return Text("", item.id, f"{item.instruction}\n{item.response}")
        return Text(item.language, item.id, item.code)


class DecontaminateSnippets(Decontaminate[Snippet]):
    """Drop programs and pairs that a benchmark holds, before anything is asked about them."""

    name = "decontaminate_snippets"
    output = Snippet

    def parts(self, item: Snippet) -> Iterator[Part]:
        """Look at the program, and at instruction and response of a pair."""
        return _parts(item)


class DecontaminateInversions(Decontaminate[Inversion]):
    """Drop what a benchmark holds once the instruction is known: wording may come back from the model's memory."""

    name = "decontaminate_instructions"
    output = Inversion

    def parts(self, item: Inversion) -> Iterator[Part]:
        """Look at the new instruction; the program was looked at before."""
        for summary in item.summaries:
            yield Part("instruction", summary.text)


def _parts(snippet: Snippet) -> Iterator[Part]:
    if snippet.kind == "original":
        yield Part("instruction", snippet.instruction)
        yield Part("response", snippet.response, snippet.language)
    else:
        yield Part("program", snippet.code, snippet.language)
