"""Measure how many translated benchmark problems decontamination finds, and how many unrelated programs it drops.

Usage: python benchmarks/cross_language_decontamination.py HUMANEVAL.jsonl.gz [--rows DATASET] [--limit N]

The teacher ``offline`` translates the solutions of HumanEval into Lua, and those that pass the tests of HumanEval are
disguised: names are replaced, comments and line breaks removed, and the parameters reversed. The table gives the share
of the problems that are found, for each disguise. ``--rows`` names a run folder or dataset of verified rows of other
sources; the share of its rows that are dropped is an upper bound of the false alarms, and each is printed.
"""

import argparse
import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from glotsmith.api.run_rows import read_dataset
from glotsmith.api.verify import open_verifier
from glotsmith.languages import get_card
from glotsmith.languages.lexer import comment_syntax_of, split_code
from glotsmith.recipes.benchmark_problems import problems_of
from glotsmith.records import Job
from glotsmith.selection.benchmark_behaviour import BehaviourIndex, BenchmarkCalls, ProgramUnderTest
from glotsmith.selection.benchmark_files import read_benchmark
from glotsmith.selection.normalise import normalise
from glotsmith.step import Verify
from glotsmith.teachers.offline import CannotTranslate, translate
from glotsmith.values import Call, NotLiteral, Signature, infer_signature, parse_signature, render_test

_NAME = re.compile(r"(?<![\w.:\"'])[A-Za-z_]\w*")


class Translation(NamedTuple):
    """A verified Lua translation of a benchmark problem."""

    problem: BenchmarkCalls
    code: str
    signature: Signature


async def translations(problems: list[BenchmarkCalls], verifier: Verify) -> tuple[list[Translation], int]:
    """Return the translations that pass the problem's own tests, and the number of all translations."""
    made = list[Translation]()
    total = 0
    for problem in problems:
        signature = signature_of(problem)
        try:
            code = translate(problem.original, signature.name, str(signature))
        except CannotTranslate:
            continue
        total += 1
        tests = tuple(map(render_test, problem.calls))
        verdict = await verifier.verify(Job(id=problem.name, language="lua", code=code, tests=tests))
        if verdict.passed:
            made.append(Translation(problem, code, signature))
    return made, total


def signature_of(problem: BenchmarkCalls) -> Signature:
    """Return the annotated signature of a problem's original, or the one that its tests imply."""
    name = problem.calls[0].function
    names = [f"x{i}" for i in range(len(problem.calls[0].arguments))]
    inferred = infer_signature(name, names, problem.calls)
    line = next(line for line in reversed(problem.original.splitlines()) if line.startswith(f"def {name}("))
    try:
        declared = parse_signature(line)
    except NotLiteral:
        return inferred
    return declared if "->" in line and len(declared.parameters) == len(names) else inferred


def disguises(made: Translation) -> Iterator[tuple[str, ProgramUnderTest]]:
    """Yield the translation as it is, and in each disguise."""
    name = made.signature.name
    signature = str(made.signature)
    yield "as translated", ProgramUnderTest("lua", made.code, signature)
    flat = normalise(made.code, comment_syntax_of(get_card("lua")))
    yield "reformatted", ProgramUnderTest("lua", flat, signature)
    renamed = rename(flat, name)
    other = str(Signature("compute", made.signature.parameters, made.signature.returns))
    yield "and renamed", ProgramUnderTest("lua", renamed, other)
    yield "and parameters reversed", ProgramUnderTest("lua", *reversed_parameters(renamed, made.signature))


def rename(code: str, name: str) -> str:
    """Replace the function's name and all local names of a Lua program."""
    bound = {n for text in re.findall(r"\blocal ([\w, ]+)|\bfor ([\w, ]+?) (?:=|in)|\(([\w, ]*)\)", code)
             for part in text for n in re.findall(r"[A-Za-z_]\w*", part)}  # fmt: skip
    bound -= set(get_card("lua").syntax.reserved.split()) | {"table", "string", "math", "utf8", "self", name}
    names = {n: f"v{i}" for i, n in enumerate(sorted(bound))}
    names[name] = "compute"
    pieces = split_code(code, comment_syntax_of(get_card("lua")))
    return "".join(
        piece if kind == "string" else _NAME.sub(lambda found: names.get(found[0], found[0]), piece)
        for kind, piece in pieces
    )


def reversed_parameters(code: str, signature: Signature) -> tuple[str, str]:
    """Return a program whose parameters have the reversed order, and its signature."""
    count = len(signature.parameters)
    given = ", ".join(f"p{i}" for i in reversed(range(count)))
    wrapped = f"{code}\nlocal inner = compute\nfunction compute({given}) "
    wrapped += f"return inner({', '.join(f'p{i}' for i in range(count))}) end"
    return wrapped, str(Signature("compute", tuple(reversed(signature.parameters)), signature.returns))


async def passes(made: Translation, program: ProgramUnderTest, verifier: Verify) -> bool:
    """Return whether a disguised translation passes the tests of its problem."""
    name, count = parse_signature(program.signature).name, len(made.signature.parameters)
    is_reversed = "function compute(p" in program.code
    order = range(count - 1, -1, -1) if is_reversed else range(count)
    calls = (Call(name, tuple(c.arguments[i] for i in order), c.expected) for c in made.problem.calls)
    job = Job(id="", language="lua", code=program.code, signature="", tests=tuple(map(render_test, calls)))
    return (await verifier.verify(job)).passed


async def measure_found(index: BehaviourIndex, made: list[Translation], verifier: Verify) -> None:
    """Print the share of the translations that are found, by disguise; a disguise must still pass the tests."""
    found = dict[str, list[bool]]()
    programs = [(t, disguise, program) for t in made for disguise, program in disguises(t)]
    passed = await asyncio.gather(*(passes(t, program, verifier) for t, _, program in programs))
    print(f"{len(programs)} disguises, {len(programs) - sum(passed)} of them fail the tests and are left out")
    programs = [program for program, is_right in zip(programs, passed, strict=True) if is_right]
    matches = await asyncio.gather(*(index.find_match(program, verifier) for _, _, program in programs))
    for (translation, disguise, _), match in zip(programs, matches, strict=True):
        found.setdefault(disguise, []).append(bool(match))
        if not match:
            print(f"  not found, {disguise}: {translation.problem.name} {translation.signature}")
    for disguise, hits in found.items():
        print(f"{disguise:<26} {sum(hits):>4} of {len(hits)} found: {sum(hits) / len(hits):.1%}")


async def measure_alarms(index: BehaviourIndex, rows: Path, limit: int, verifier: Verify) -> None:
    """Print the share of verified rows that match a problem, and each match."""
    chosen = [row.data for row in read_dataset(rows)][: limit or None]
    programs = [
        ProgramUnderTest(row["language"], row["prompt"] + row["completion"], row["signature"]) for row in chosen
    ]
    matches = await asyncio.gather(*(index.find_match(program, verifier) for program in programs))
    for row, match in zip(chosen, matches, strict=True):
        if match:
            print(f"  {row['origin']['source']} {row['origin']['path']} {row['name']}: {match}")
    alarms = sum(map(bool, matches))
    print(f"{'unrelated rows':<26} {alarms:>4} of {len(chosen)} match: {alarms / len(chosen):.1%}")


async def measure(humaneval: Path, rows: Path | None, limit: int) -> None:
    """Print both measurements."""
    problems = list(problems_of(read_benchmark(humaneval)))[: limit or None]
    index = BehaviourIndex(problems)
    async with open_verifier() as verifier:
        made, total = await translations(problems, verifier)
        print(f"{len(problems)} problems, {total} translated, {len(made)} of them pass their tests")
        await measure_found(index, made, verifier)
        if rows is not None:
            await measure_alarms(index, rows, limit, verifier)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("humaneval", type=Path)
    parser.add_argument("--rows", type=Path)
    parser.add_argument("--limit", type=int, default=0, help="problems and rows; 0: all")
    given = parser.parse_args()
    asyncio.run(measure(given.humaneval, given.rows, given.limit))
