"""Verdicts a second, side by side in one run with bare cold interpreters and with ``bounded-subprocess``.

200 distinct programs a language, of the size of MultiPL-E's: half are wrong, a tenth does not compile. They are the
24 functions of ``tests/recipes/multipl_t/five`` (12 in ``benchmarks/programs`` for compiled languages), right, wrong,
made distinct by a comment, since nothing may be answered from memory. Beside ours, in full isolation, run the same
programs with their tests as assertions, as MultiPL-E writes them: by the interpreter under ``xargs -P2``, with no
isolation and no limit, and by ``bounded-subprocess`` (two threads).

    python benchmarks/verification.py [LANGUAGE…] [--programs 200] [--repeats 3]

Rounds alternate between the three; medians are printed, and the ratio of ours to each. Our workers have judged one
program before the clock runs, which is printed as "start".
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
from programs_of_languages import UNTOLD, folder_of, functions

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
    """How a language's assertions are written and run without us."""

    command: tuple[str, ...]  #: ends with the file's path
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
# What literals of Java call; in our own runs it is a part of the driver.
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
    """Write a line of sh that runs ``line`` with a fresh folder as ``$d``, and removes it."""
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
}


class Made(NamedTuple):
    """One program, for us and for the others."""

    job: Job
    text: str
    expect: str  #: ``pass``, ``wrong`` or ``broken``


def programs(language: str, count: int) -> list[Made]:
    """Return ``count`` distinct programs."""
    card = get_card(language)
    folder = folder_of(language)
    assert folder is not None
    untold = UNTOLD.get(language, ())
    there = {name for name in functions() if (folder / f"{name}{card.extension}").exists() and name not in untold}
    known = {name: rest for name, rest in functions().items() if name in there}
    made = list[Made]()
    for number in range(count):
        name, (signature, tests) = list(known.items())[number // 2 % len(known)]
        wrong, broken = number % 2 == 1, number % 10 == 0
        code = (folder / f"{name}{'.wrong' if wrong else ''}{card.extension}").read_text("utf-8")
        code = f"{code}\n{render_comment(card, f'program {number}')}\n{'((' if broken else ''}\n"
        job = Job(id=str(number), language=language, code=code, signature=signature, tests=tuple(tests))
        made.append(Made(job, assertions(job), "broken" if broken else "wrong" if wrong else "pass"))
    return made


def assertions(job: Job) -> str:
    """Write a job as a program that asserts its tests."""
    card, peer = get_card(job.language), PEERS[job.language]
    calls, signature = apply_signature(card, *parse_suite(job.tests, job.signature))

    def one(call: Call) -> str:
        arguments = [render_literal(card, v, p.type) for v, p in zip(call.arguments, signature.parameters, strict=True)]
        text = fill_template(
            peer.call, name=call.function, arguments=peer.argument_separator.join(arguments) or card.driver.no_arguments
        )
        return fill_template(peer.test, call=text, value=render_literal(card, call.expected, signature.returns))

    return f"{job.code}\n{peer.before}" + "\n".join(map(one, calls)) + f"\n{peer.after}\n"


def by_xargs(command: list[str], files: list[Path]) -> float:
    listing = "\n".join(map(str, files)).encode()
    begun = time.perf_counter()
    subprocess.run(["xargs", f"-P{JOBS}", "-n1", *command], input=listing, capture_output=True, check=False)
    return time.perf_counter() - begun


def by_bounded_subprocess(command: list[str], files: list[Path]) -> tuple[float, list[bool]]:
    begun = time.perf_counter()
    with ThreadPoolExecutor(JOBS) as pool:
        results = list(pool.map(lambda f: bounded_run([*command, str(f)], timeout_seconds=60), files))
    return time.perf_counter() - begun, [r.exit_code == 0 for r in results]


class Ours:
    """Our verifier, with a sandbox of its own."""

    def __init__(self, first: Made) -> None:
        self.sandbox = open_sandbox(jobs=JOBS)
        self.verifier = Verifier(self.sandbox)
        begun = time.perf_counter()
        asyncio.run(self.verifier.verify(first.job))
        self.start_s = time.perf_counter() - begun

    def run(self, made: list[Made]) -> tuple[float, list[str]]:
        """Judge programs; return the seconds that it took, and the verdicts."""

        async def judged() -> list[str]:
            return [v.status for v in await asyncio.gather(*(self.verifier.verify(m.job) for m in made))]

        begun = time.perf_counter()
        statuses = asyncio.run(judged())
        return time.perf_counter() - begun, statuses


def check(made: list[Made], statuses: list[str], peers: list[bool]) -> str:
    """Say how many verdicts are not as the program was made."""
    kinds = {"pass": ("pass",), "wrong": ("fail:wrong", "fail:runtime", "fail:timeout"), "broken": ("fail:compile",)}
    ours = sum(s not in kinds[m.expect] for m, s in zip(made, statuses, strict=True))
    theirs = sum(p != (m.expect == "pass") for m, p in zip(made, peers, strict=True))
    return f"wrong verdicts: ours {ours}, exit codes {theirs}"


def measure(language: str, count: int, repeats: int) -> float:
    """Print one language's figures; return the ratio of ours to the bare interpreter."""
    made, peer = programs(language, count), PEERS[language]
    command = ["sh", "-c", peer.shell, "sh"] if peer.shell else list(peer.command)
    bare, bounded, ours = list[float](), list[float](), list[float]()
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder, f"p{i}{get_card(language).extension}") for i in range(count)]
        for file, one in zip(files, made, strict=True):
            file.write_text(one.text, "utf-8")
        runner = Ours(made[2])
        for _ in range(repeats):
            bare.append(by_xargs(command, files))
            seconds, passed = by_bounded_subprocess(command, files)
            bounded.append(seconds)
            seconds, statuses = runner.run(made)
            ours.append(seconds)
        asyncio.run(runner.sandbox.close())
    rates = [count / statistics.median(s) for s in (bare, bounded, ours)]
    ratio = statistics.median(b / o for b, o in zip(bare, ours, strict=True))
    print(
        f"{language:11} bare {rates[0]:7.1f}/s  bounded-subprocess {rates[1]:7.1f}/s  ours {rates[2]:7.1f}/s  "
        f"ratio {ratio:5.1f} and {rates[2] / rates[1]:5.1f}  start {runner.start_s:.1f} s  "
        f"{check(made, statuses, passed)}",
        flush=True,
    )
    return ratio


def main() -> None:
    """Measure the languages named, or all."""
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
            print(f"{language:11} not here: {error}")
            continue
        ratios[language] = measure(language, given.programs, given.repeats)
    paper = [ratios[name] for name in ("julia", "lua", "ocaml", "r", "racket") if name in ratios]
    if len(paper) == 5:
        print(f"geometric mean over the paper's five languages: {statistics.geometric_mean(paper):.1f}")


if __name__ == "__main__":
    main()
