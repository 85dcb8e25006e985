"""How fast and how complete is deduplication? ``python benchmarks/deduplication.py [ITEMS [SAMPLE]]``.

The items are real functions of the standard library and of installed packages, with words exchanged at random: from
none to 60 %, so that similarities lie on both sides of the threshold.

1. Recall on the first SAMPLE items, against the answer of comparing every pair.
2. ITEMS items by the step of glotsmith, by datasketch and by rensa, each in a process of its own. All read the same
   tokens and use 512 permutations in 128 bands. datasketch and rensa keep an item if no kept item shares a band; they
   do not confirm that items are similar, so that they drop others, too. "index" is the time without that for the tokens
   of an item. The time in which an item is made is not counted.
"""

import random
import re
import resource
import subprocess
import sys
import sysconfig
import time
from ast import FunctionDef, get_source_segment, parse
from collections.abc import Callable, Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from glotsmith.records import Function, Origin
from glotsmith.selection.deduplicate import DeduplicateFunctions
from glotsmith.selection.minhash import BANDS, ROWS_PER_BAND, multiset_features
from glotsmith.selection.normalise import CommentSyntax, normalise
from glotsmith.selection.similarity import TokenEncoder, rouge_l_above, rouge_tokens

PYTHON = CommentSyntax(line=("#",), strings=('"""', "'''", '"', "'"), layout=True)
PACKAGES = ("more_itertools", "toolz", "rich", "jinja2")
THRESHOLD = 0.6
MAX_CHANGED = 0.6  #: share of words
WORDS = 20_000  #: different words that replace others
ORIGIN = Origin(source="benchmark", path="")
PERMUTATIONS = BANDS * ROWS_PER_BAND


@cache
def real_functions() -> list[str]:
    """Return the top-level functions of all modules that parse, in a fixed random order."""
    folders = [Path(sysconfig.get_path("stdlib"))]
    folders += [Path(spec.origin).parent for name in PACKAGES if (spec := find_spec(name)) and spec.origin]
    found: list[str] = []
    for folder in folders:
        for file in sorted(folder.rglob("*.py")):
            if not {"site-packages", "test", "tests", "idlelib"} & set(file.relative_to(folder).parts):
                found += functions_of(file)
    random.Random(0).shuffle(found)
    return found


def functions_of(file: Path) -> list[str]:
    try:
        text = file.read_text("utf-8")
        nodes = [node for node in parse(text).body if isinstance(node, FunctionDef)]
    except (SyntaxError, ValueError):
        return []
    return [get_source_segment(text, node) or "" for node in nodes]


def changed(rng: random.Random, code: str) -> str:
    """Exchange a share of the words of a function."""
    share = rng.uniform(0, MAX_CHANGED)
    return re.sub(r"\w+", lambda word: f"w{rng.randrange(WORDS)}" if rng.random() < share else word[0], code)


def codes(count: int) -> Iterator[str]:
    """Yield near-duplicated functions, always the same ones."""
    rng, real = random.Random(1), real_functions()
    yield from (changed(rng, rng.choice(real)) for _ in range(count))


def tokens(code: str) -> list[str]:
    return rouge_tokens(normalise(code, PYTHON))


def by_glotsmith(count: int) -> set[int]:
    """Return the numbers of the items that stay."""

    def items() -> Iterator[tuple[str, Function]]:
        for number, code in enumerate(codes(count)):
            yield str(number), Function(id=str(number), name="f", code=code, origin=ORIGIN)

    step = DeduplicateFunctions({"python": PYTHON}, across=THRESHOLD)
    return {int(key) for key, result in step.run(items) if result.kept}


def by_datasketch(count: int) -> set[int]:
    from datasketch import MinHash, MinHashLSH

    index, kept = MinHashLSH(params=(BANDS, ROWS_PER_BAND), num_perm=PERMUTATIONS), set[int]()
    for number, code in enumerate(codes(count)):
        signature = MinHash(num_perm=PERMUTATIONS)
        signature.update_batch([feature.encode() for feature in multiset_features(tokens(code))])
        if not index.query(signature):
            index.insert(number, signature)
            kept.add(number)
    return kept


def by_rensa(count: int) -> set[int]:
    import rensa

    index, kept = rensa.RMinHashLSH(threshold=0.43, num_perm=PERMUTATIONS, num_bands=BANDS), set[int]()
    for number, code in enumerate(codes(count)):
        signature = rensa.RMinHash(num_perm=PERMUTATIONS, seed=42)
        signature.update(multiset_features(tokens(code)))
        if not index.query(signature):
            index.insert(number, signature)
            kept.add(number)
    return kept


def by_every_pair(count: int) -> set[int]:
    """Return the numbers of the items that stay, comparing each with all that stay."""
    vocabulary = TokenEncoder()
    kept: dict[int, str] = {}
    exact: set[str] = set()
    for number, code in enumerate(codes(count)):
        text = normalise(code, PYTHON)
        sequence = vocabulary.encode(rouge_tokens(text))
        if text not in exact and not any(rouge_l_above(other, sequence, THRESHOLD) for other in kept.values()):
            kept[number] = sequence
            exact.add(text)
    return set(kept)


def only_reading(count: int) -> set[int]:
    """Make the items and their tokens."""
    return {number for number, code in enumerate(codes(count)) if not tokens(code)}


METHODS: dict[str, Callable[[int], set[int]]] = {
    "reading": only_reading,
    "glotsmith": by_glotsmith,
    "datasketch": by_datasketch,
    "rensa": by_rensa,
}


def timed(select: Callable[[int], set[int]], count: int) -> tuple[float, set[int]]:
    real_functions()
    start = time.process_time()
    kept = select(count)
    return time.process_time() - start, kept


def recall(count: int) -> None:
    pairs_s, expected = timed(by_every_pair, count)
    index_s, kept = timed(by_glotsmith, count)
    dropped, missed = count - len(expected), len(kept - expected)
    print(f"{count:,} items, {dropped:,} of them duplicates (ROUGE-L > {THRESHOLD})")
    print(f"  every pair {pairs_s:8.1f} s CPU")
    print(f"  glotsmith  {index_s:8.1f} s CPU, {missed} missed: recall {1 - missed / dropped:.4f}", flush=True)


def measure(name: str, count: int) -> None:
    """Print CPU seconds, peak memory in MB above that of the imports and the real functions, and the items kept."""
    real_functions()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seconds, kept = timed(METHODS[name], count)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(seconds, (peak - before) / 1024, peak / 1024, len(kept))


def compare(count: int) -> None:
    rows: dict[str, list[float]] = {}
    for name in METHODS:
        print(f"  … {name}", file=sys.stderr, flush=True)
        done = subprocess.run(
            [sys.executable, __file__, "measure", name, str(count)], check=True, capture_output=True, text=True
        )
        rows[name] = [float(value) for value in done.stdout.split()]
    made = sum(1 for _ in codes(1000))
    start = time.process_time()
    for _ in codes(1000):
        pass
    making = (time.process_time() - start) / made * count
    reading = rows["reading"][0]
    index = {name: row[0] - reading - (making if name == "glotsmith" else 0) for name, row in rows.items()}
    whole = {name: row[0] - making * (2 if name == "glotsmith" else 1) for name, row in rows.items()}
    print(f"{count:,} items; making an item takes {making / count * 1e6:.0f} µs and is not counted")
    for name, (_, grown, peak, kept) in rows.items():
        print(
            f"  {name:10} whole {whole[name] / count * 1e6:6.0f} µs, index {index[name] / count * 1e6:6.0f} µs CPU an "
            f"item; {grown:6.0f} MB more, peak {peak:6.0f} MB; {int(kept):,} kept"
        )
    for name in ("datasketch", "rensa"):
        ratio = index[name] / index["glotsmith"], whole[name] / whole["glotsmith"]
        print(f"  {name} / glotsmith: index {ratio[0]:.2f}×, whole {ratio[1]:.2f}×", flush=True)


def main() -> None:
    if sys.argv[1:2] == ["measure"]:
        measure(sys.argv[2], int(sys.argv[3]))
        return
    items, sample = [*map(int, sys.argv[1:]), *(100_000, 5_000)[len(sys.argv) - 1 :]]
    recall(sample)
    compare(items)


if __name__ == "__main__":
    main()
