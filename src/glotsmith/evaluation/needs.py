"""What a benchmark's own tests load: where it is not installed, that is the machine's fault and no wrong answer."""

import asyncio

from glotsmith.evaluation.questions import Question
from glotsmith.records import Job
from glotsmith.step import Verify


class LibraryProbe:
    """Asks the machine once for each program that a benchmark names; close it when all is asked."""

    def __init__(self, verify: Verify) -> None:
        self._verify = verify
        self._probes: dict[tuple[str, str], asyncio.Task[str]] = {}

    async def missing(self, question: Question) -> str:
        """Return what is missing for a question's tests, as a sentence; empty where they can run."""
        if not question.needs:
            return ""
        key = (question.language, question.needs)
        if key not in self._probes:
            self._probes[key] = asyncio.create_task(self._probe(question))
        return await asyncio.shield(self._probes[key])

    async def _probe(self, question: Question) -> str:
        verdict = await self._verify.verify(Job(id="needs", language=question.language, program=question.needs))
        return "" if verdict.passed else verdict.detail if verdict.is_infra else question.hint

    async def close(self) -> None:
        """Give up what is still being asked."""
        for task in self._probes.values():
            task.cancel()
        await asyncio.gather(*self._probes.values(), return_exceptions=True)
