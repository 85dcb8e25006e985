"""The proof of a language finds what is wrong with it: copies of Lua and OCaml with one thing changed."""

import asyncio
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from glotsmith.languages import get_card
from glotsmith.records import IoCase, Job
from glotsmith.sandbox import open_sandbox
from glotsmith.toolkit import language_check, new_language
from glotsmith.toolkit.language_check import (
    CheckResult,
    ColdStartSandbox,
    LanguageCheck,
    measure_speed,
    measure_speeds,
)
from glotsmith.verification import Verifier

KINDS = ("set", "none", "bool", "int", "float", "str", "list", "tuple", "dict")
REFUSES_ALL = "\n".join(f'{kind} = "no"' for kind in KINDS)


class RecordedProgress:
    def __init__(self) -> None:
        self.begun: list[str] = []
        self.ticks = 0

    def begin(self, what: str, total: int) -> None:
        self.begun.append(what)

    def tick(self) -> None:
        self.ticks += 1


def prove(name: str, *parts: str, quick: bool = False) -> dict[str, CheckResult]:
    async def run() -> dict[str, CheckResult]:
        sandbox = open_sandbox()
        try:
            proof = LanguageCheck(get_card(name), sandbox, RecordedProgress())
            if parts and parts != ("toolchain",):
                return {part: await getattr(proof, part)() for part in parts}
            return {finding.check: finding async for finding in proof.run(quick=quick)}
        finally:
            await sandbox.close()

    return asyncio.run(run())


def keep_rows(folder: Path, count: int) -> None:
    """Keep the first rows of ``hostile.toml``."""
    file = folder / "hostile.toml"
    rows = re.split(r"(?m)^(?=\[)", file.read_text("utf-8"))[: count + 1]
    file.write_text("".join(rows), "utf-8")


@pytest.mark.slow
def test_a_quick_proof_is_the_rows() -> None:
    found = prove("lua", quick=True)
    assert list(found) == ["toolchain", "rows"]
    assert "Lua 5.4" in found["toolchain"].sentence
    assert not any(f.problems for f in found.values())


@pytest.mark.slow
def test_a_whole_proof_has_every_part(changed, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    # ``tests/languages`` judges all hostile rows of each language, so four of them suffice here.
    monkeypatch.setattr(language_check, "measure_speeds", partial(measure_speeds, seconds=0.1))
    folder = changed("moon", "lua", "card.toml", "Lua has no sets", "Lua has no set type")
    keep_rows(folder, 4)
    for file in folder.glob("*.toml"):  # the copy is complete: delete the marks, as each of them says
        file.write_text(re.sub(r"(?m)^# TODO: .*\n", "", file.read_text("utf-8")), "utf-8")
    found = prove("moon")
    assert not any(f.problems for f in found.values()), found
    assert list(found) == [
        *("toolchain", "rows", "cold", "values", "texts", "comments", "stubs", "mutant", "hostile", "speed"),
    ]
    came, distinguished = map(
        int, re.findall(r"(\d+) (?:values came back equal|other values)", found["values"].sentence)
    )
    assert came >= 2000
    assert distinguished >= 2000
    assert re.search(r"\d programs per second on one core, cold", found["speed"].sentence)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "old", "new", "part", "problem"),
    [
        ("driver.lua", 'format("%d", v)', 'format("%d", v % 1000)', "values", "came back as"),
        ("driver.lua", "%.17g", "%.6g", "values", "came back as"),
        ("driver.lua", "event, ...)", 'event, ...) if event == "end" then return end', "values", "did not come back"),
        ("card.toml", "int_is_float = true", "scalar_is_singleton = true", "values", "came back as"),
        ("card.toml", 'set = "Lua has no sets"', REFUSES_ALL, "values", "only 0 values came back"),
        ("driver.lua", 'read("calls.lua")', '(read("calls.lua"):gsub("é", "e"))', "texts", "came back changed"),
        ("card.toml", 'line_comment = "--"', 'line_comment = "- -"', "comments", "did not come back"),
        ("card.toml", "error('stub')", "return 1", "stubs", "the stub does not compile and raise"),
        (
            "driver.lua",
            'emit("value", format("%d", i - 1), value)',
            'emit("value", format("%d", i - 1), "3")',
            "mutant",
            "a function that returned 2 got",
        ),
        ("verdicts.toml", "accepted = ", "renamed = ", "rows", "no row 'accepted'"),
        ("verdicts.toml", 'fail:memory"', 'fail:timeout"', "rows", "no row that expects fail:memory"),
        (
            "verdicts.toml",
            'raises = { expect = "fail:runtime"',
            'raises = { expect = "pass"',
            "rows",
            "row 'raises' of verdicts.toml got fail:runtime instead of pass",
        ),
        (
            "hostile.toml",
            '[exit_at_load]\nexpect = "fail:exit"',
            '[exit_at_load]\nexpect = ["fail:exit", "pass"]',
            "hostile",
            "allows a pass",
        ),
        (
            "card.toml",
            'run = ["lua5.4",',
            'run = ["lua5.4", "-e", "os.exit(0)",',
            "cold",
            "'accepted' of verdicts.toml got",
        ),
        ("card.toml", 'command = "lua5.4"', 'command = "lua-of-nowhere"', "toolchain", "was not found"),
    ],
)
def test_what_is_wrong_is_found_and_named(changed, file: str, old: str, new: str, part: str, problem: str) -> None:  # type: ignore[no-untyped-def]
    folder = changed("moon", "lua", file, old, new)
    if part == "toolchain":  # nor by the second way to have Lua
        card = folder / "card.toml"
        card.write_text(card.read_text("utf-8").replace('module = "lupa"', 'module = "lupa_of_nowhere"'), "utf-8")
    if part == "hostile":  # two rows are enough
        keep_rows(folder, 2)
    found = prove("moon", part, quick=True)[part]
    assert any(problem in p for p in found.problems), found


ACCEPTED = 'accepted = { expect = "pass", code = "local function f(x) return x end" }'
WRONG = 'wrong = { expect = "fail:wrong", code = "local function f(x) return -2 end" }'
CALIBRATION = ACCEPTED.replace("accepted", "calibration").replace("{ ", "{ reference_cpu_s = 0.1, ")


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        ((WRONG, CALIBRATION), "verdicts.toml has no row 'accepted', the identity function"),
        ((CALIBRATION,), "verdicts.toml has no row 'accepted', the identity function"),
        ((ACCEPTED, CALIBRATION), "verdicts.toml has no row that expects fail:wrong"),
        ((ACCEPTED, WRONG), "verdicts.toml has 2 rows; the minimum is 15"),
        ((), "verdicts.toml has no row that must pass"),
        (
            (ACCEPTED.replace("{ ", '{ tests = ["assert f(1)[0"], '), WRONG, CALIBRATION),
            "row 'accepted' of verdicts.toml got infra:refused",
        ),
        (
            (ACCEPTED.replace("{ ", '{ signature = "def f() -> int", '), WRONG, CALIBRATION),
            "row 'accepted' of verdicts.toml got infra:refused",
        ),
        (
            (ACCEPTED, WRONG, CALIBRATION.replace("{ ", '{ signature = "def f(x: int", ')),
            "row 'calibration' of verdicts.toml got infra:refused",
        ),
        ((ACCEPTED, WRONG, CALIBRATION.replace("return x", "error('no')")), "row 'calibration' of verdicts.toml got"),
        (
            ('accepted = { expect = "pass", io = [{ stdin = "", stdout = "" }], code = "" }', WRONG, CALIBRATION),
            "verdicts.toml has 3 rows; the minimum is 15",
        ),
    ],
)
def test_rows_that_are_missing_or_malformed_are_named_where_nothing_is_calibrated_yet(
    changed,  # type: ignore[no-untyped-def]
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    rows: tuple[str, ...],
    problem: str,
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folder = changed("moon", "lua", "card.toml", "Moon", "Moon")
    (folder / "verdicts.toml").write_text("\n".join(rows), "utf-8")
    found = prove("moon", quick=True)["rows"]
    assert any(problem in p for p in found.problems), found


@pytest.mark.slow
def test_a_language_of_whole_programs_is_proven_by_the_examples_of_its_template(
    own: Path, fill_by_examples: Callable[[Path], None]
) -> None:
    made = new_language.create_language("shell", own, extension=".sh", level="io")
    fill_by_examples(made)
    found = prove("shell")
    assert list(found) == ["toolchain", "rows", "stub", "hostile", "speed"]
    assert not any(f.problems for f in found.values()), found

    async def verify(code: str) -> str:
        sandbox = open_sandbox()
        try:
            io = (IoCase(stdin="4\n", stdout="16\n"),)
            return (await Verifier(sandbox).verify(Job(id="square", language="shell", code=code, io=io))).status
        finally:
            await sandbox.close()

    assert asyncio.run(verify("read -r n; echo $((n * n))")) == "pass"
    assert asyncio.run(verify("read -r n; echo $((n + n))")) == "fail:wrong"


@pytest.mark.slow
def test_the_examples_of_the_template_earn_their_verdicts(
    own: Path, fill_by_examples: Callable[[Path], None], clear_caches: Callable[[], None]
) -> None:
    made = new_language.create_language("moon", own, "lua")
    made_blank = new_language.create_language("klingon", own)
    fill_by_examples(made_blank)
    (made / "verdicts.toml").write_text((made_blank / "verdicts.toml").read_text("utf-8"), "utf-8")
    clear_caches()
    found = prove("moon", "rows")["rows"]
    assert found.problems == ()


@pytest.mark.parametrize(("options", "least"), [({}, 60), ({"level": "io"}, 40), ({"like": "bash"}, 4)])
def test_todo_marks_are_named_before_anything_else(
    own: Path, options: dict[str, str], least: int, clear_caches: Callable[[], None]
) -> None:
    made = new_language.create_language("klingon", own, **options)
    file = made / "card.toml"
    file.write_text(re.sub("(?m)^command = .*$", 'command = "klingon"', file.read_text("utf-8")), "utf-8")
    clear_caches()
    found = prove("klingon")
    assert list(found) == ["TODO marks", "toolchain"]
    assert found["TODO marks"].all_shown
    assert len(found["TODO marks"].problems) >= least
    assert all(re.match(rf"{made}/[\w.]+:\d+: fill in this place: ", p) for p in found["TODO marks"].problems)


def test_without_isolation_nothing_hostile_runs() -> None:
    async def run() -> CheckResult:
        sandbox = open_sandbox("none")
        try:
            return await LanguageCheck(get_card("lua"), sandbox, RecordedProgress()).hostile()
        finally:
            await sandbox.close()

    found = asyncio.run(run())
    assert found.problems == ()
    assert "did not run: the isolation 'none'" in found.sentence


def test_speed_is_measured_by_medians() -> None:
    async def run() -> None:
        sandbox = open_sandbox(jobs=1)
        try:
            found = await measure_speed(get_card("lua"), ColdStartSandbox(sandbox), seconds=0.1)
        finally:
            await sandbox.close()
        assert found is not None
        assert found.programs >= 5
        assert found.per_second == pytest.approx(1000 / found.wall_ms)
        assert found.cpu_ms > 0

    asyncio.run(run())
