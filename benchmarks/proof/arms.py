"""Make the rows of each arm, and cut them to the same number of tokens."""

import random
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from glotsmith.datasets.examples import instruction_of, make_example, row_syntax
from glotsmith.languages import get_card
from glotsmith.ledger import Ledger
from glotsmith.recipes.base import comment_syntax
from glotsmith.records import Example, Function, Lineage, Origin, Problem, Solution, Suite, Task, content_hash
from glotsmith.selection.deduplicate import DeduplicateSolutions
from glotsmith.teachers.offline import CannotTranslate, translate
from glotsmith.training.presets import TrainingStyle

Count = Callable[[Example], int]  #: returns the number of tokens of a row in a training


def read_rows(file: Path, language: str = "") -> Iterator[Example]:
    """Yield the rows of a JSONL file in one language, or in all."""
    with file.open("rb") as lines:
        for line in lines:
            row = msgspec.json.decode(line, type=Example)
            if language in ("", row.language):
                yield row


def unverified_rows(corpus: Path, held_out: frozenset[str], language: str) -> Iterator[Example]:
    """Yield the programs of the teacher for all functions of the recipe, also if they have no tests or fail them.

    A function with a suite has the types of its tests, as in the recipe; the others have no types. Near-duplicates of
    other programs and of the held-out problems are dropped, as in the recipe.
    """
    ledger = Ledger(corpus / "ledger.sqlite", read_only=True)
    verified = list(ledger.kept_items("deduplicate_solutions", Solution))
    ledger.close()
    known = {key: solution for key, solution in verified if solution.task.problem.id in held_out}
    made = {s.id: s for s in _unverified(corpus, language) if s.task.problem.id not in held_out}
    step = DeduplicateSolutions(comment_syntax())
    for key, result in step.run(lambda: iter([*known.items(), *made.items()])):
        if result.kept and key in made:
            row = make_example(made[key], row_syntax(language), instruction_of(made[key].task, "target"))
            yield msgspec.structs.replace(row, kind="unverified")


def _unverified(corpus: Path, language: str) -> Iterator[Solution]:
    ledger = Ledger(corpus / "ledger.sqlite", read_only=True)
    signatures = {task.problem.id: task.signature for _, task in ledger.kept_items("make_tasks", Task)}
    for _, function in ledger.kept_items("decontaminate_functions", Function):
        signature = signatures.get(function.id, "")
        try:
            code = translate(function.program, function.name, signature, language)
        except CannotTranslate:
            continue
        lineage = Lineage(teacher="offline")
        task = _task(function, language, signature, code)
        yield Solution(id=content_hash(function.id, "unverified"), task=task, code=code, lineage=lineage)
    ledger.close()


def _task(function: Function, language: str, signature: str, code: str) -> Task:
    """Return a task without tests; its prefix is the first line of the function."""
    begins = f"local function {function.name}("
    prefix = next((line + "\n" for line in code.splitlines() if line.startswith(begins)), "")
    suite = Suite(
        signature=signature, tests=(), line_coverage=0, branch_coverage=0, mutation_score=0, mutants=0, writers={}
    )
    problem = Problem(id=function.id, function=function, suite=suite)
    return Task(id=function.id, problem=problem, language=language, signature=signature, tests=(), prefix=prefix)


def raw_rows(folder: Path, language: str) -> Iterator[Example]:
    """Yield each distinct file of a language below a folder as a row without a prompt."""
    known = set[str]()
    for file in sorted(folder.rglob(f"*{get_card(language).extension}")):
        text = file.read_text("utf-8", errors="replace").strip()
        if text and text not in known:
            known.add(text)
            name = str(file.relative_to(folder))
            yield Example(
                id=content_hash(text), parallel_id=content_hash(text), language=language, name=name, messages=(),
                prompt="", completion=text, source="", origin=Origin(source="debian", path=name),
                lineage=Lineage(teacher="none"), kind="original",
            )  # fmt: skip


def held_out_problems(corpus: Path, train: Path) -> frozenset[str]:
    """Return the ids of the problems of the corpus that ``benchmark make`` holds out."""
    files = (corpus / "dataset" / "jsonl" / "data").glob("*/train.jsonl")
    every = {row.parallel_id for file in files for row in read_rows(file)}
    return frozenset(every - {row.parallel_id for row in read_rows(train)})


def cut(rows: Iterable[Example], tokens: int, count: Count, seed: int) -> list[Example]:
    """Return rows in random order until they have a number of tokens; the last row may exceed it."""
    shuffled, total, chosen = list(rows), 0, list[Example]()
    random.Random(seed).shuffle(shuffled)
    for row in shuffled:
        if total >= tokens:
            break
        chosen.append(row)
        total += count(row)
    return chosen


def row_counter(tokenizer: Any, style: TrainingStyle) -> Count:
    """Return a function that counts the tokens of a row as a training of a style reads it, with the end token."""

    def count_conversation(row: Example) -> int:
        return len(tokenizer.apply_chat_template(list(row.messages), tokenize=True, return_dict=False))

    def count_text(row: Example) -> int:
        texts = (row.prompt, row.completion)
        return sum(len(tokenizer(text, add_special_tokens=False)["input_ids"]) for text in texts) + 1

    return count_conversation if style == "chat" else count_text


def write_rows(file: Path, rows: Iterable[Example]) -> None:
    """Write rows as JSONL."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"".join(msgspec.json.encode(row) + b"\n" for row in rows))
