"""Measure the recall and the speed of deduplication: ``python benchmarks/deduplication.py [FUNCTIONS [ITEMS ...]]``.

1. Recall: real functions of the standard library and of installed packages, in comparison with a comparison of every
   pair.
2. Scale: time and memory per item, on real functions whose words are replaced at random, so that few are similar.
"""

import ast
import random
import re
import resource
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from glotsmith.records import Function, Origin, content_hash
from glotsmith.selection.deduplicate import DeduplicateFunctions
from glotsmith.selection.normalise import CommentSyntax, normalise
from glotsmith.selection.similarity import TokenEncoder, rouge_l_above, rouge_tokens

PYTHON = CommentSyntax(line=("#",), strings=('"""', "'''", '"', "'"), layout=True)
PACKAGES = ("more_itertools", "toolz", "networkx", "sympy")
THRESHOLD = 0.6
ORIGIN = Origin(source="benchmark", path="")


def real_functions(count: int) -> list[str]:
    """Return top-level functions of all modules that parse, in a fixed random order."""
    folders = [Path(sysconfig.get_path("stdlib")), *(Path(sysconfig.get_path("purelib")) / p for p in PACKAGES)]
    found: list[str] = []
    for folder in folders:
        for file in sorted(folder.rglob("*.py")):
            if not {"site-packages", "test", "tests", "idlelib"} & set(file.relative_to(folder).parts):
                found += functions_of(file)
    random.Random(0).shuffle(found)
    return found[:count]


def functions_of(file: Path) -> list[str]:
    try:
        text = file.read_text("utf-8")
        nodes = [node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)]
    except (SyntaxError, ValueError):
        return []
    return [ast.get_source_segment(text, node) or "" for node in nodes]


def replace_words(rng: random.Random, code: str) -> str:
    """Replace most words of a function by random ones."""
    return re.sub(r"\w+", lambda word: f"w{rng.randrange(5000)}" if rng.random() < 0.7 else word[0], code)


def deduplicate(codes: Callable[[], Iterator[str]]) -> set[int]:
    """Return the indices of the functions that deduplication keeps."""

    def items() -> Iterator[tuple[str, Function]]:
        for number, code in enumerate(codes()):
            yield str(number), Function(id=content_hash(code), name="f", code=code, origin=ORIGIN)

    step = DeduplicateFunctions({"python": PYTHON}, across=THRESHOLD)
    return {int(key) for key, result in step.run(items) if result.kept}


def by_every_pair(codes: list[str]) -> set[int]:
    """Return the indices of the functions that remain after a comparison with every kept function."""
    vocabulary = TokenEncoder()
    kept: dict[int, str] = {}
    exact: set[str] = set()
    for number, code in enumerate(codes):
        text = normalise(code, PYTHON)
        sequence = vocabulary.encode(rouge_tokens(text))
        if text not in exact and not any(rouge_l_above(other, sequence, THRESHOLD) for other in kept.values()):
            kept[number] = sequence
            exact.add(text)
    return set(kept)


def timed(select: Callable[[], set[int]]) -> tuple[float, set[int]]:
    """Return the CPU seconds of a selection, and its result."""
    start = time.process_time()
    kept = select()
    return time.process_time() - start, kept


def recall(count: int) -> None:
    codes = real_functions(count)
    pairs_s, expected = timed(lambda: by_every_pair(codes))
    index_s, kept = timed(lambda: deduplicate(lambda: iter(codes)))
    dropped, missed = len(codes) - len(expected), len(kept - expected)
    print(f"{len(codes)} real functions, {dropped} of them duplicates (ROUGE-L > {THRESHOLD})")
    print(f"  every pair {pairs_s:6.1f} s CPU")
    print(f"  MinHash    {index_s:6.1f} s CPU, {missed} missed: recall {1 - missed / dropped:.4f}", flush=True)


def resident_kb() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() // 1024


def scale(count: int) -> None:
    real = real_functions(3000)
    rng = random.Random(1)
    memory = [resident_kb()]

    def codes() -> Iterator[str]:
        yield from (replace_words(rng, rng.choice(real)) for _ in range(count))
        memory.append(resident_kb())

    seconds, kept = timed(lambda: deduplicate(codes))
    grown = (memory[1] - memory[0]) / count
    print(f"{count:8} items: {seconds / count * 1e3:.2f} ms CPU and {grown:.1f} KB per item, {len(kept)} kept")


def main() -> None:
    if sys.argv[1:2] == ["scale"]:
        scale(int(sys.argv[2]))
        return
    sizes = [int(size) for size in sys.argv[1:]] or [4000, 3000, 10_000, 30_000]
    recall(sizes[0])
    for size in sizes[1:]:  # each in a new process, so that memory is measured separately
        subprocess.run([sys.executable, __file__, "scale", str(size)], check=True)


if __name__ == "__main__":
    main()
