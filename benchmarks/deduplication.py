"""Measure deduplication in comparison with datasketch and rensa: recall, time and memory for each item.

    python benchmarks/deduplication.py [--items 1000000] [--peer-items 5000] [--sample 20000]

The items are functions of the standard library and of installed packages, in which 85 % of the words are replaced by
random ones. A fifth of the items are copies of earlier ones, of which up to 40 % of the words are replaced again. All
kinds get the same texts:

- ``glotsmith``: the step of the recipes, with signatures in files and an exact confirmation of each pair.
- ``datasketch`` and ``rensa``: MinHash with 512 permutations, and their LSH tables with 128 bands of 4, which find a
  pair with the same probability as glotsmith's 160 bands of 4 (``selection/minhash.py``). The features are the same.
  They run on ``--peer-items`` items, without normalisation, a confirmation, records and names of the kept items.

With ``--programs N``, only N short Lua programs of ``ledger_bytes.py`` are deduplicated, which share many words: the
share of their pairs that share a band (in the first 1,500), and the CPU time.

The recall is the share of the duplicates of the sample, found by comparing every pair, that the step drops, too. Each
kind is a process of its own. Memory is the peak of the resident anonymous memory, without pages of files.
"""

import argparse
import ast
import json
import random
import re
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from glotsmith.records import Function, Origin, content_hash
from glotsmith.selection.deduplicate import DeduplicateFunctions
from glotsmith.selection.normalise import CommentSyntax, normalise
from glotsmith.selection.similarity import TokenEncoder, rouge_l_above, rouge_tokens

PYTHON = CommentSyntax(line=("#",), strings=('"""', "'''", '"', "'"), layout=True)
PACKAGES = ("more_itertools", "toolz")
THRESHOLD = 0.6
COPIES = 0.2  #: share of the items that are copies of earlier ones
ORIGIN = Origin(source="benchmark", path="")
BANDS, PERMUTATIONS = 128, 512


def real_functions(count: int) -> list[str]:
    """Return top-level functions of all modules that parse, in a fixed random order."""
    files = sorted(Path(sysconfig.get_path("stdlib")).glob("*.py"))
    files += sorted(file for folder in sys.path for name in PACKAGES for file in Path(folder, name).glob("*.py"))
    found = [code for file in files for code in functions_of(file)]
    random.Random(0).shuffle(found)
    return found[:count]


def functions_of(file: Path) -> list[str]:
    try:
        text = file.read_text("utf-8")
        nodes = [node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)]
    except (SyntaxError, ValueError):
        return []
    return [ast.get_source_segment(text, node) or "" for node in nodes]


def near_duplicates(count: int) -> Iterator[str]:
    """Yield real functions with replaced words, and variants of earlier ones; the same in each call."""
    real, rng = [re.split(r"(\w+)", code) for code in real_functions(3000)], random.Random(1)
    for number in range(count):
        copy = number and rng.random() < COPIES
        base = random.Random(rng.randrange(number) if copy else number)
        parts = list(base.choice(real))
        replace_words(base, parts, 0.85)
        if copy:
            replace_words(rng, parts, rng.uniform(0, 0.4))
        yield "".join(parts)


def replace_words(rng: random.Random, parts: list[str], share: float) -> None:
    """Replace a share of the words, which have the odd indices."""
    for word in rng.sample(range(1, len(parts), 2), int(share * (len(parts) // 2))):
        parts[word] = f"w{int(rng.random() * 5000)}"


def glotsmith(codes: Callable[[], Iterable[str]]) -> set[int]:
    """Return the indices of the functions that deduplication keeps."""

    def items() -> Iterator[tuple[str, Function]]:
        for number, code in enumerate(codes()):
            yield str(number), Function(id=content_hash(code), name="f", code=code, origin=ORIGIN)

    step = DeduplicateFunctions({"python": PYTHON}, across=THRESHOLD)
    return {int(key) for key, result in step.run(items) if result.kept}


def multiset_features(words: Sequence[str]) -> list[str]:
    """Return a multiset of tokens as a set, in which each occurrence of a token is a feature of its own."""
    seen: dict[str, int] = {}
    found: list[str] = []
    for word in words:
        count = seen[word] = seen.get(word, 0) + 1
        found.append(word if count == 1 else f"{word} {count}")
    return found


def datasketch(codes: Callable[[], Iterable[str]]) -> set[int]:
    """Return the indices of the functions that share no band with an earlier one that was kept."""
    from datasketch import MinHash, MinHashLSH

    table, kept = MinHashLSH(num_perm=PERMUTATIONS, params=(BANDS, PERMUTATIONS // BANDS)), set[int]()
    for number, code in enumerate(codes()):
        signature = MinHash(num_perm=PERMUTATIONS)
        signature.update_batch([feature.encode() for feature in multiset_features(rouge_tokens(code))])
        if not table.query(signature):
            table.insert(number, signature)
            kept.add(number)
    return kept


def rensa(codes: Callable[[], Iterable[str]]) -> set[int]:
    """Return the indices of the functions that share no band with an earlier one that was kept."""
    from rensa import RMinHash, RMinHashLSH

    table, kept = RMinHashLSH(threshold=0.43, num_perm=PERMUTATIONS, num_bands=BANDS), set[int]()
    for number, code in enumerate(codes()):
        signature = RMinHash(num_perm=PERMUTATIONS, seed=42)
        signature.update(multiset_features(rouge_tokens(code)))
        if not table.query(signature):
            table.insert(number, signature)
            kept.add(number)
    return kept


def every_pair(codes: Callable[[], Iterable[str]]) -> set[int]:
    """Return the indices of the functions that remain after a comparison with every kept function."""
    vocabulary = TokenEncoder()
    kept: dict[int, str] = {}
    exact: set[str] = set()
    for number, code in enumerate(codes()):
        text = normalise(code, PYTHON)
        sequence = vocabulary.encode(rouge_tokens(text))
        if text not in exact and not any(rouge_l_above(other, sequence, THRESHOLD) for other in kept.values()):
            kept[number] = sequence
            exact.add(text)
    return set(kept)


KINDS = {each.__name__: each for each in (glotsmith, datasketch, rensa, every_pair)}


class MemoryWatch:
    """Records the highest resident anonymous memory of this process, in MB."""

    def __init__(self) -> None:
        self.peak = 0.0
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        while True:
            status = Path("/proc/self/status").read_text()
            self.peak = max(self.peak, int(status.partition("RssAnon:")[2].split()[0]) / 1024)
            time.sleep(0.1)


def only(kind: str, count: int) -> None:
    """Run one kind, without the time that makes the texts, which are read from a file; print the figures as JSON."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "texts"
        with path.open("w", encoding="utf-8", errors="surrogatepass") as file:
            file.writelines(f"{json.dumps(code)}\n" for code in near_duplicates(count))

        def codes() -> Iterator[str]:
            with path.open(encoding="utf-8", errors="surrogatepass") as file:
                yield from map(json.loads, file)

        watch, start = MemoryWatch(), (time.process_time(), time.perf_counter())
        kept = KINDS[kind](codes)
        cpu, wall = time.process_time() - start[0], time.perf_counter() - start[1]
    print(json.dumps({"cpu": cpu, "wall": wall, "memory": watch.peak, "kept": sorted(kept)}))


def short_programs(count: int) -> None:
    """Print the share of the pairs of short programs that share a band, and the CPU time of their deduplication."""
    from ledger_bytes import program

    from glotsmith.selection.duplicate_search import DuplicateSearch, Thresholds
    from glotsmith.selection.minhash import sketch
    from glotsmith.selection.similarity import token_bytes
    from glotsmith.selection.token_hashes import token_hashes

    programs = [program(number) for number in range(count)]
    marks = sketch(token_hashes([token_bytes(code) for code in programs[:1500]])).marks
    shared = [int((marks[:, :n] == marks[:, n : n + 1]).any(axis=0).sum()) for n in range(marks.shape[1])]
    search, start = DuplicateSearch(Thresholds(THRESHOLD, THRESHOLD)), time.process_time()
    for number, code in enumerate(programs):
        search.add(str(number), "lua", str(number), code)
    kept = sum(dropped is None for dropped in search.decide())
    search.close()
    share = sum(shared) / (len(shared) * (len(shared) - 1) / 2)
    print(f"{count} programs: {share:.3f} of pairs share a band, {time.process_time() - start:.1f} s CPU, {kept} kept")


def measure(kind: str, count: int) -> dict[str, object]:
    command = [sys.executable, __file__, "--only", kind, "--items", str(count)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found = json.loads(done.stdout)
    kept = found["kept"] = set(found["kept"])
    print(
        f"{kind:11}{count:9} items {found['cpu'] / count * 1e3:8.3f} ms CPU {found['wall'] / count * 1e3:8.3f} ms "
        f"{found['memory']:8.0f} MB {len(kept):9} kept",
        flush=True,
    )
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=1_000_000)
    parser.add_argument("--peer-items", type=int, default=5000)
    parser.add_argument("--sample", type=int, default=20_000)
    parser.add_argument("--programs", type=int, help="deduplicate short programs instead")
    parser.add_argument("--only", choices=KINDS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only:
        only(options.only, options.items)
        return
    if options.programs:
        short_programs(options.programs)
        return
    own = {size: measure("glotsmith", size) for size in (options.peer_items, options.sample, options.items) if size}
    for peer in ("datasketch", "rensa") if options.peer_items else ():
        found = measure(peer, options.peer_items)
        per_item = found["cpu"] / options.peer_items  # type: ignore[operator]
        ratios = [f"{per_item / (own[size]['cpu'] / size):.1f}x at {size}" for size in own]  # type: ignore[operator]
        print(f"  in comparison with {peer}: {', '.join(ratios)}")
    if options.sample:
        kept: set[int] = own[options.sample]["kept"]  # type: ignore[assignment]
        expected: set[int] = measure("every_pair", options.sample)["kept"]  # type: ignore[assignment]
        dropped = set(range(options.sample)) - expected
        print(f"recall: {1 - len(kept & dropped) / len(dropped):.4f} of {len(dropped)} duplicates")


if __name__ == "__main__":
    main()
