"""Measure verdicts per second in comparison with plain cold interpreters and with ``bounded-subprocess``.

    python benchmarks/verification.py [LANGUAGE…] [--programs 200] [--repeats 3]

Each language has 200 distinct programs of the size of those of MultiPL-E: half are wrong, and a tenth does not compile.
They are correct and wrong translations of the 24 functions of ``tests/recipes/multipl_t/five`` (12 in
``benchmarks/programs`` for compiled languages). A comment makes each program distinct, so that no verdict comes from a
cache. The kinds are:

- ``glotsmith`` in full isolation.
- ``plain``: the interpreter under ``xargs -P2``, without isolation and limits. The programs contain their tests as
  assertions, as MultiPL-E writes them.
- ``bounded-subprocess``: the same programs, on two threads.

The kinds alternate. The table shows medians, and the ratio of glotsmith to each of the others. The verifier judges one
program before the measurement; the table shows its time as "start".
"""

import argparse
import asyncio
import statistics
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from bounded_subprocess import run as bounded_run
from programs_of_languages import UNDETECTED, folder_of, functions

from glotsmith.errors import ToolchainError
from glotsmith.languages import get_card, toolchain
from glotsmith.languages.render import fill_template, render_comment, render_literal
from glotsmith.languages.typed_calls import apply_signature, parse_suite
from glotsmith.records import Job
from glotsmith.sandbox import open_sandbox
from glotsmith.values import Call
from glotsmith.verification import Verifier

JOBS = 2


class Peer(NamedTuple):
    """How the assertions of a language are written and run without glotsmith."""

    command: tuple[str, ...]  #: the path of the file follows
    test: str  #: @{call}, @{value}
    before: str = ""
    after: str = ""
    argument_separator: str = ", "
    shell: str = ""  #: instead of ``command``: a line of sh with $1, the file
    call: str = "@{name}(@{arguments})"


LUA_EQUAL = """\
local function equal(a, b)
  if type(a) ~= 'table' or type(b) ~= 'table' then return a == b end
  for k, v in pairs(a) do if not equal(v, b[k]) then return false end end
  for k in pairs(b) do if a[k] == nil then return false end end
  return true
end
"""
# The helpers that literals of Java call. In glotsmith they are part of the driver.
JAVA_SUPPORT = """\
class Support {
    @SafeVarargs
    static <T> java.util.ArrayList<T> listOf(T... items) {
        return new java.util.ArrayList<>(java.util.Arrays.asList(items));
    }

    @SuppressWarnings("unchecked")
    static <K, V> java.util.HashMap<K, V> mapOf(Object... entries) {
        java.util.HashMap<K, V> map = new java.util.HashMap<>();
        for (int i = 0; i < entries.length; i += 2) map.put((K) entries[i], (V) entries[i + 1]);
        return map;
    }
}
"""


def in_a_folder(line: str) -> str:
    """Return a line of sh that runs ``line`` with a new folder as ``$d``, and removes the folder."""
    return f'd=$(mktemp -d) || exit; {line}; status=$?; rm -rf "$d"; exit $status'


PEERS = {
    "java": Peer(
        (),
        "        assert java.util.Objects.equals(@{call}, @{value});",
        before=JAVA_SUPPORT + "class Main {\n    public static void main(String[] arguments) {\n",
        after="    }\n}",
        shell=in_a_folder('javac -encoding UTF8 -d "$d" "$1" && java -ea -cp "$d" Main'),
        call="Problem.@{name}(@{arguments})",
    ),
    "kotlin": Peer(
        (),
        '    if (@{call} != @{value}) throw AssertionError("wrong")',
        before="fun main() {\n",
        after="}",
        shell=in_a_folder('kotlinc "$1" -include-runtime -d "$d/out.jar" && java -ea -jar "$d/out.jar"'),
    ),
    "scala": Peer(
        (),
        "        assert(@{call} == @{value})",
        before="object Main {\n    def main(arguments: Array[String]): Unit = {\n",
        after="    }\n}",
        shell=in_a_folder('scalac -encoding UTF8 -d "$d" "$1" && scala -cp "$d" Main'),
        call="Problem.@{name}(@{arguments})",
    ),
    "typescript": Peer(
        (),
        "assert.deepEqual(@{call}, @{value});",
        before="declare var require: any;\nconst assert = require('node:assert');\n",
        shell=in_a_folder('tsc --target esnext --outDir "$d" "$1" && node "$d"/*.js'),
    ),
    "lua": Peer(("lua5.4",), "assert(equal(@{call}, @{value}))", before=LUA_EQUAL),
    "ocaml": Peer(
        ("ocaml", "-w", "-a"),
        "let () = assert (@{call} = @{value})",
        call="@{name} @{arguments}",
        argument_separator=" ",
    ),
    "r": Peer(("Rscript", "--vanilla"), "if (!isTRUE(all.equal(@{call}, @{value}))) quit('no', 1)"),
    "julia": Peer(("julia",), "    @test(@{call} == @{value})", before="using Test\n@testset begin\n", after="end"),
    "racket": Peer(
        ("racket",),
        "    (check-within @{call} @{value} 0.001)",
        before="(require rackunit)\n(let ()\n",
        after=")",
        call="(@{name} @{arguments})",
        argument_separator=" ",
    ),
    "python": Peer(("python3",), "assert @{call} == @{value}"),
    "javascript": Peer(
        ("node",), "assert.deepStrictEqual(@{call}, @{value});", before="const assert = require('node:assert');\n"
    ),
}


class BenchmarkProgram(NamedTuple):
    """One program, as a job and with its tests as assertions."""

    job: Job
    text: str
    expect: str  #: ``pass``, ``wrong`` or ``broken``


def programs(language: str, count: int) -> list[BenchmarkProgram]:
    """Return ``count`` distinct programs."""
    card = get_card(language)
    folder = folder_of(language)
    assert folder is not None
    known, excluded = functions(), UNDETECTED.get(language, ())
    files = {name: folder / f"{name}{card.extension}" for name in known if name not in excluded}
    known = {name: known[name] for name, file in files.items() if file.exists()}
    made = list[BenchmarkProgram]()
    for number in range(count):
        name, (signature, tests) = list(known.items())[number // 2 % len(known)]
        wrong, broken = number % 2 == 1, number % 10 == 0
        code = (folder / f"{name}{'.wrong' if wrong else ''}{card.extension}").read_text("utf-8")
        code = f"{code}\n{render_comment(card, f'program {number}')}\n{'((' if broken else ''}\n"
        job = Job(id=str(number), language=language, code=code, signature=signature, tests=tuple(tests))
        made.append(BenchmarkProgram(job, assertions(job), "broken" if broken else "wrong" if wrong else "pass"))
    return made


def assertions(job: Job) -> str:
    """Return a job as a program that asserts its tests."""
    card, peer = get_card(job.language), PEERS[job.language]
    calls, signature = apply_signature(card, *parse_suite(job.tests, job.signature))

    def assertion(call: Call) -> str:
        arguments = [render_literal(card, v, p.type) for v, p in zip(call.arguments, signature.parameters, strict=True)]
        text = fill_template(
            peer.call, name=call.function, arguments=peer.argument_separator.join(arguments) or card.driver.no_arguments
        )
        return fill_template(peer.test, call=text, value=render_literal(card, call.expected, signature.returns))

    return f"{job.code}\n{peer.before}" + "\n".join(map(assertion, calls)) + f"\n{peer.after}\n"


def by_xargs(command: list[str], files: list[Path]) -> float:
    listing = "\n".join(map(str, files)).encode()
    start = time.perf_counter()
    subprocess.run(["xargs", f"-P{JOBS}", "-n1", *command], input=listing, capture_output=True, check=False)
    return time.perf_counter() - start


def by_bounded_subprocess(command: list[str], files: list[Path]) -> tuple[float, list[bool]]:
    start = time.perf_counter()
    with ThreadPoolExecutor(JOBS) as pool:
        results = list(pool.map(lambda f: bounded_run([*command, str(f)], timeout_seconds=60), files))
    return time.perf_counter() - start, [r.exit_code == 0 for r in results]


class GlotsmithRunner:
    """A verifier of glotsmith with a sandbox."""

    def __init__(self, first: BenchmarkProgram) -> None:
        self.sandbox = open_sandbox(jobs=JOBS)
        self.verifier = Verifier(self.sandbox)
        start = time.perf_counter()
        asyncio.run(self.verifier.verify(first.job))
        self.start_s = time.perf_counter() - start

    def run(self, made: list[BenchmarkProgram]) -> tuple[float, list[str]]:
        """Judge programs; return the duration in seconds, and the statuses."""

        async def judge() -> list[str]:
            return [v.status for v in await asyncio.gather(*(self.verifier.verify(m.job) for m in made))]

        start = time.perf_counter()
        statuses = asyncio.run(judge())
        return time.perf_counter() - start, statuses


def check(made: list[BenchmarkProgram], statuses: list[str], peers: list[bool]) -> str:
    """Return the numbers of wrong verdicts and of wrong exit codes, as text."""
    kinds = {"pass": ("pass",), "wrong": ("fail:wrong", "fail:runtime", "fail:timeout"), "broken": ("fail:compile",)}
    wrong = sum(s not in kinds[m.expect] for m, s in zip(made, statuses, strict=True))
    wrong_codes = sum(p != (m.expect == "pass") for m, p in zip(made, peers, strict=True))
    return f"wrong verdicts: {wrong}, wrong exit codes: {wrong_codes}"


def measure(language: str, count: int, repeats: int) -> float:
    """Print the figures of a language; return the ratio of glotsmith to the plain interpreter."""
    made, peer = programs(language, count), PEERS[language]
    command = ["sh", "-c", peer.shell, "sh"] if peer.shell else list(peer.command)
    plain, bounded, own = list[float](), list[float](), list[float]()
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder, f"p{i}{get_card(language).extension}") for i in range(count)]
        for file, program in zip(files, made, strict=True):
            file.write_text(program.text, "utf-8")
        runner = GlotsmithRunner(made[2])
        for _ in range(repeats):
            plain.append(by_xargs(command, files))
            seconds, passed = by_bounded_subprocess(command, files)
            bounded.append(seconds)
            seconds, statuses = runner.run(made)
            own.append(seconds)
        asyncio.run(runner.sandbox.close())
    rates = [count / statistics.median(s) for s in (plain, bounded, own)]
    ratio = statistics.median(b / o for b, o in zip(plain, own, strict=True))
    print(
        f"{language:11} plain {rates[0]:7.1f}/s  bounded-subprocess {rates[1]:7.1f}/s  glotsmith {rates[2]:7.1f}/s  "
        f"ratio {ratio:5.1f} and {rates[2] / rates[1]:5.1f}  start {runner.start_s:.1f} s  "
        f"{check(made, statuses, passed)}",
        flush=True,
    )
    return ratio


def main() -> None:
    """Measure the given languages, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("languages", nargs="*", default=list(PEERS))
    parser.add_argument("--programs", type=int, default=200)
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args()
    ratios: dict[str, float] = {}
    for language in given.languages:
        try:
            toolchain.find_toolchain(language)
        except ToolchainError as error:
            print(f"{language:11} not run: {error}")
            continue
        ratios[language] = measure(language, given.programs, given.repeats)
    paper = [ratios[name] for name in ("julia", "lua", "ocaml", "r", "racket") if name in ratios]
    if len(paper) == 5:
        print(f"geometric mean over the paper's five languages: {statistics.geometric_mean(paper):.1f}")


if __name__ == "__main__":
    main()
