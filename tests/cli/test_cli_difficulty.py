"""``glotsmith difficulty``, and exports of the problems that a target model passes at certain rates."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from model_server import LUA, SOURCE, ModelServer, model_server, translate

import glotsmith as gs
from glotsmith.errors import UsageError

Command = Callable[..., tuple[int, str, str]]
RUN = ("run", "multipl-t", "-s", "src", "-l", "lua", "-o", "run", "--set", "suites=0", "--set", "typecheck=false")
DOCSTRING_WORDS = {
    "shout": "text in capitals",
    "total": "positive ones",
    "clamp": "nearest to x",
}  # words of the docstrings


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with model_server() as made:
        yield made


def rates_of(folder: Path) -> dict[str, float]:
    lines = [json.loads(line) for file in folder.rglob("*.jsonl") for line in file.read_text().splitlines()]
    return {row["name"]: row["target_pass_rate"] for row in lines}


@pytest.fixture(autouse=True)
def folder(glotsmith: Command, server: ModelServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a run in the working folder."""
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "small.py").write_text(SOURCE)
    monkeypatch.chdir(tmp_path)
    code, _, err = glotsmith(*RUN, "--set", "samples=1", *server.options)
    assert code == 0, err


@pytest.mark.slow
def test_pass_rates_are_a_column_and_select_rows(glotsmith: Command, server: ModelServer) -> None:
    assert rates_of(Path("run/dataset/jsonl")) == dict.fromkeys(LUA, -1.0)

    counts = Counter[str]()

    def target(text: str) -> str:
        """Answer ``shout`` always, ``total`` every second time, and ``clamp`` never."""
        name = next(name for name, words in DOCSTRING_WORDS.items() if words in text)
        counts[name] += 1
        right = {"shout": True, "total": counts[name] % 2 == 0, "clamp": False}[name]
        return translate(f"def {name}") if right else "```lua\nreturn nil\n```"

    server.says = target
    command = ("difficulty", "run", *server.options, "-n", 4)
    code, stdout, err = glotsmith(*command)
    assert (code, sum(counts.values())) == (0, 12), err
    assert "--difficulty small --pass-rate 0.1..0.7" in stdout
    assert glotsmith(*command)[0] == 0
    assert sum(counts.values()) == 12  # nothing is asked twice

    gs.export("run", output="all")
    assert rates_of(Path("all")) == {"shout": 1.0, "total": 0.5, "clamp": 0.0}
    code, _, err = glotsmith("export", "run", "--pass-rate", "0.1..0.7", "-o", "band")
    assert (code, rates_of(Path("band"))) == (0, {"total": 0.5}), err
    gs.export("run", "trl-grpo", "grpo", pass_rate="0..0.5", difficulty="small")
    grpo = [json.loads(line) for line in Path("grpo/train.jsonl").read_text().splitlines()]
    assert sorted(row["target_pass_rate"] for row in grpo) == [0.0, 0.5]
    with pytest.raises(
        UsageError, match=r"no row has a target pass rate in 0.6..0.9: 3 problems have rates from 0 to 1"
    ):
        gs.export("run", output="none", pass_rate="0.6..0.9")
    assert not Path("none").exists()


@pytest.mark.slow
def test_pass_rates_are_stored_without_the_samples_that_have_no_verdict(
    glotsmith: Command, server: ModelServer
) -> None:
    missing = {"clamp", "shout", "total"}

    def target(text: str) -> str:
        """Answer all but the problems that are missing: the connection ends."""
        name = next(name for name, words in DOCSTRING_WORDS.items() if words in text)
        if name in missing:
            raise BrokenPipeError
        return translate(f"def {name}")

    server.says = target
    command = ("difficulty", "run", *server.options, "-n", 1, "--set", "teacher.attempts=1")
    file = Path("run/difficulty/small/pass_rates.jsonl")
    code, stdout, err = glotsmith(*command)
    assert (code, file.exists(), "not finished" in stdout) == (3, False, False), err
    for missing, rated in ({"clamp"}, {"shout", "total"}), (set[str](), {"shout", "total", "clamp"}):
        code, stdout, err = glotsmith(*command)
        assert code == (3 if missing else 0), err
        assert ("not finished" in stdout) is bool(missing)
        if missing:
            assert "The table counts 2 of 3 samples: those with a verdict so far." in stdout
            assert "1 of 3 samples has no verdict" in " ".join(err.split())
            assert f"the pass rates in {file} are computed from the others" in " ".join(err.split())
        gs.export("run", output=f"out{len(rated)}")
        assert {name for name, rate in rates_of(Path(f"out{len(rated)}")).items() if rate == 1.0} == rated


@pytest.mark.slow
def test_the_pass_rates_so_far_are_printed_if_a_measurement_stops(glotsmith: Command, server: ModelServer) -> None:
    def target(text: str) -> str:
        """Answer about one problem; the connection ends for the others."""
        if DOCSTRING_WORDS["shout"] not in text:
            raise BrokenPipeError
        return translate("def shout")

    server.says = target
    command = ("difficulty", "run", *server.options, "-n", 2, "--set", "teacher.attempts=1", "--max-failures", 3)
    code, stdout, err = glotsmith(*command)
    assert code == 3 and "3 samples in a row have no verdict" in " ".join(err.split())
    (row,) = [line.replace("│", " ").split() for line in stdout.splitlines() if "lua" in line]
    assert row == ["lua", "1", "100.0%", "0", "1"]
    assert "small: not finished" in stdout
    assert "The table counts 2 of 6 samples: those with a verdict so far." in stdout
    assert not Path("run/difficulty/small/pass_rates.jsonl").exists()
