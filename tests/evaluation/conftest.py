import asyncio
import json
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Any

import pytest

from glotsmith.evaluation.benchmarks import get
from glotsmith.evaluation.benchmarks.base import BenchmarkRequest, LoadedBenchmark
from glotsmith.evaluation.benchmarks.row_files import read_rows
from glotsmith.evaluation.evaluate import Evaluation, EvaluationPlan, StoredReplies, evaluate
from glotsmith.evaluation.questions import Question, ReplyStyle, StoredCompletion
from glotsmith.sandbox import open_sandbox
from glotsmith.sandbox.base import Sandbox
from glotsmith.verification import Verifier


class Bench:
    """A sandbox with a verifier in one event loop."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.sandbox: Sandbox = open_sandbox("auto", 2)
        self.verifier = Verifier(self.sandbox)

    def run(self, task: Any) -> Any:
        return self.loop.run_until_complete(task)

    def close(self) -> None:
        self.run(self.sandbox.close())
        self.loop.close()

    def load(self, name: str, rows: Sequence[dict[str, Any]], folder: Path, *languages: str) -> LoadedBenchmark:
        """Write rows to a file in the benchmark's own form, and read them as the benchmark."""
        file = folder / f"{name}.jsonl"
        file.write_text("".join(json.dumps(row) + "\n" for row in rows))
        wanted = BenchmarkRequest(name=name, languages=languages, sandbox=self.sandbox, verify=self.verifier)
        return self.run(get(name).read(read_rows(file), wanted))

    def judge(
        self, questions: Sequence[Question], texts: dict[str, list[str]], style: ReplyStyle = "completion"
    ) -> Evaluation:
        """Evaluate completions by the problem's name, the same in each language."""
        stored = StoredReplies({q.id: [StoredCompletion(text, style) for text in texts[q.problem]] for q in questions})
        return self.run(evaluate(questions, stored, self.verifier, EvaluationPlan(ks=(1,))))


@pytest.fixture(scope="module")
def bench() -> Generator[Bench]:
    made = Bench()
    yield made
    made.close()


Load = Callable[..., LoadedBenchmark]
