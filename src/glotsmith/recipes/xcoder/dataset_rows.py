"""Make the dataset rows of xCoder; ``Example.kind`` distinguishes Ds1, Ds2 and Ds3."""

import msgspec

from glotsmith.datasets.examples import facts, wish_of
from glotsmith.datasets.rows import comment, example, fenced
from glotsmith.languages import get
from glotsmith.languages.docstrings import Wording
from glotsmith.recipes.xcoder.pipeline_item import PipelineItem
from glotsmith.records import Example, content_hash
from glotsmith.step import ItemStep, Result, keep


class MakeXCoderExamples(ItemStep[PipelineItem, Example]):
    """Make a dataset row of each item."""

    name = "dataset"
    output = Example

    def __init__(self, wording: Wording = "target") -> None:
        """Write the examples of instructions in this wording."""
        self._wording: Wording = wording

    async def run(self, key: str, item: PipelineItem) -> Result[Example]:
        """Make one row; this step drops nothing."""
        if item.solution is None:
            row = _row_of_answer(item)
        else:
            instruction = wish_of(item.solution.task, self._wording)
            row = example(item.solution, facts(item.language), instruction)
        return keep(key, msgspec.structs.replace(row, kind=item.proposal.kind, score=item.score))


def _row_of_answer(item: PipelineItem) -> Example:
    """Return the row of an answer without a Python reference; its tests are the snippet's own, if it has any."""
    proposal, language = item.proposal, facts(item.language)
    instruction = proposal.instruction.strip()
    request = f"{instruction}\n\nWrite it in {get(item.language).display}."
    return Example(
        id=content_hash(proposal.id, proposal.answer),
        parallel_id=proposal.id,
        language=item.language,
        name=proposal.name,
        messages=(
            {"role": "user", "content": request},
            {"role": "assistant", "content": fenced(proposal.answer, language.fence)},
        ),
        prompt=comment(instruction, language),
        completion=proposal.answer,
        source="",
        signature=proposal.signature if item.toolchain else "",
        tests=proposal.examples if item.toolchain else (),
        origin=proposal.origin,
        lineage=msgspec.structs.replace(proposal.lineage, toolchain=item.toolchain, isolation=item.isolation),
        pass_rate=1.0 if item.toolchain else 0.0,
    )
