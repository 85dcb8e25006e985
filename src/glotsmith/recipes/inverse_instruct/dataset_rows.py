"""Make the rows of inverse-instruct: new pairs for the first training stage, original pairs for the second.

InverseCoder §5 trains on the new data first and on the original data last.
"""

import re

import msgspec

from glotsmith.datasets.examples import fenced, row_syntax, split_program
from glotsmith.records import Example, InstructionCandidate, Lineage, Snippet, SnippetWithInstructions
from glotsmith.step import ItemStep, Result, keep

OWN_STAGE, ORIGINAL_STAGE = 1, 2  #: training stages
_NO_LANGUAGE = "other"  #: language of an original pair whose program was not found; exporters use it as a folder name


class MakeInverseExamples(ItemStep[SnippetWithInstructions, Example]):
    """Make a row of each snippet with its instruction, and of each original pair."""

    name = "dataset"
    output = Example

    async def run(self, key: str, item: SnippetWithInstructions) -> Result[Example]:
        """Make one row; this step drops nothing."""
        snippet = item.snippet
        return keep(key, original_example(snippet) if snippet.kind == "original" else inverse_example(item))


def inverse_example(item: SnippetWithInstructions) -> Example:
    """Return the row of a snippet, with its best instruction and its program as the reply."""
    snippet, best = item.snippet, item.summaries[0]
    language, instruction = row_syntax(snippet.language), _instruction_with_name(snippet, best.text)
    prompt, completion = split_program(snippet.code, "", instruction, language)
    passes = [s.round_trip == "pass" for s in item.tried]
    return Example(
        id=best.id,
        parallel_id=snippet.parallel_id or snippet.id,
        language=snippet.language,
        name=snippet.name,
        messages=_conversation(instruction, fenced(snippet.code, language.fence)),
        prompt=prompt,
        completion=completion,
        source="",
        signature=snippet.signature,
        tests=snippet.tests,
        origin=snippet.origin,
        lineage=_lineage(snippet, best),
        line_coverage=snippet.line_coverage,
        branch_coverage=snippet.branch_coverage,
        mutation_score=snippet.mutation_score,
        reference_s=snippet.reference_s,
        pass_rate=round(sum(passes) / len(passes), 4) if passes else 0.0,
        kind="inverse",
        stage=OWN_STAGE,
        score=best.scored.p_yes if best.scored else 0.0,
    )


def _instruction_with_name(snippet: Snippet, instruction: str) -> str:
    """Return the instruction with the name of the function that the tests call, which a passing answer must define."""
    if not snippet.tests or not snippet.name or re.search(rf"\b{re.escape(snippet.name)}\b", instruction):
        return instruction
    return f"{instruction}\n\nName the function `{snippet.name}`."


def _lineage(snippet: Snippet, best: InstructionCandidate) -> Lineage:
    return msgspec.structs.replace(best.lineage, toolchain=snippet.toolchain, isolation=snippet.isolation)


def original_example(snippet: Snippet) -> Example:
    """Return the row of an original pair, unchanged."""
    return Example(
        id=snippet.id,
        parallel_id=snippet.parallel_id or snippet.id,
        language=snippet.language or _NO_LANGUAGE,
        name=snippet.name,
        messages=_conversation(snippet.instruction, snippet.response),
        prompt=f"{snippet.instruction}\n\n",
        completion=snippet.response,
        source="",
        origin=snippet.origin,
        lineage=Lineage(teacher=""),
        kind="original",
        stage=ORIGINAL_STAGE,
    )


def _conversation(request: str, reply: str) -> tuple[dict[str, str], dict[str, str]]:
    return {"role": "user", "content": request}, {"role": "assistant", "content": reply}
