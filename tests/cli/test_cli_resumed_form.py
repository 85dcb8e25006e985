"""A resumed run may name the same sources, languages and files in another order, or by other paths."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from model_server import SOURCE

from glotsmith.api import run_config
from glotsmith.api.stored_form import keep_stored_form

Command = Callable[..., tuple[int, str, str]]
CODE = {
    "lua": "local function shout(t)\n  return t:upper() .. '!'\nend",
    "python": "def shout(t):\n    return t.upper() + '!'",
}
REPLIES = [
    {"call": "translate", "item": "*", "language": language, "reply": f"```{language}\n{code}\n```"}
    for language, code in CODE.items()
]
OTHER = "def double(x: int) -> int:\n    '''Double.\n\n    >>> double(2)\n    4\n    '''\n    y = x * 2\n    return y\n"
FIRST = ("-s", "one", "-s", "two.py", "-l", "lua", "-l", "python", "--set", 'benchmarks=["a.jsonl", "b.jsonl"]')
SAME = [
    ("-s", "two.py", "-s", "one", *FIRST[4:]),
    ("-s", "./one/", "-s", "./two.py", *FIRST[4:]),
    ("-s", "{here}/two.py", "-s", "{here}/one", *FIRST[4:]),
    ("-s", "one", "-s", "two.py", "-s", "one", *FIRST[4:]),
    (*FIRST[:4], "-l", "python", "-l", "lua", *FIRST[8:]),
    (*FIRST[:8], "--set", 'benchmarks=["./b.jsonl", "{here}/a.jsonl"]'),
]
OTHERS = [
    (("-s", "one", *FIRST[4:]), "options.sources was"),
    (("-s", "one", "-s", "three.py", *FIRST[4:]), "options.sources was"),
    ((*FIRST[:4], "-l", "lua", *FIRST[8:]), "options.languages was"),
    ((*FIRST[:8], "--set", 'benchmarks=["a.jsonl"]'), "options.benchmarks was"),
]
QUICK = ("--set", "suites=0", "--set", "typecheck=false", "--set", "samples=1")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "small.py").write_text(SOURCE)
    for name in ("two.py", "three.py"):
        (tmp_path / name).write_text(OTHER)
    for name in ("a.jsonl", "b.jsonl"):
        (tmp_path / name).write_text('{"task_id": "1", "prompt": "nothing in common"}\n')
    (tmp_path / "replies.jsonl").write_text("".join(json.dumps(reply) + "\n" for reply in REPLIES))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(glotsmith: Command, project: Path, *options: str, model: str = "replies.jsonl") -> tuple[int, str, str]:
    given = [option.replace("{here}", str(project)) for option in options]
    return glotsmith("run", "multipl-t", *given, *QUICK, "--teacher", "scripted", "--model", model, "-o", "run")


def rows(project: Path) -> dict[str, bytes]:
    return {str(file): file.read_bytes() for file in sorted((project / "run/dataset/jsonl").rglob("*.jsonl"))}


@pytest.mark.slow
@pytest.mark.parametrize("again", SAME, ids=[" ".join(options)[:60] for options in SAME])
def test_the_same_things_in_another_form_are_the_same_run(
    glotsmith: Command, project: Path, again: tuple[str, ...]
) -> None:
    code, _, err = run(glotsmith, project, *FIRST)
    assert code == 0, err
    before, config = rows(project), (project / "run/run.toml").read_text()
    assert len(before) == 2
    code, _, err = run(glotsmith, project, *again)
    assert code == 0, err
    assert "Resumes the run" in err
    assert rows(project) == before
    assert (project / "run/run.toml").read_text() == config


@pytest.mark.slow
@pytest.mark.parametrize("model", ["./replies.jsonl", "{here}/replies.jsonl", "one/../replies.jsonl"])
def test_the_same_file_of_a_teacher_is_the_same_run(glotsmith: Command, project: Path, model: str) -> None:
    assert run(glotsmith, project, *FIRST)[0] == 0
    before = rows(project)
    code, _, err = run(glotsmith, project, *FIRST, model=model.format(here=project))
    assert code == 0, err
    assert rows(project) == before


@pytest.mark.slow
@pytest.mark.parametrize(("again", "changed"), OTHERS)
def test_other_things_are_another_run(glotsmith: Command, project: Path, again: tuple[str, ...], changed: str) -> None:
    assert run(glotsmith, project, *FIRST)[0] == 0
    code, _, err = run(glotsmith, project, *again)
    assert code == 2
    assert changed in err


@pytest.mark.parametrize(
    ("stored", "given", "same"),
    [
        ("org/model", "org/model", True),
        ("org/model", "./org/model", False),  # a name on a hub is no path
        ("org/model", "org/../org/model", False),
    ],
)
def test_a_model_on_a_hub_is_no_path(project: Path, stored: str, given: str, same: bool) -> None:
    def config(model: str) -> run_config.RunConfig:
        teacher = {"name": "transformers", "model": model}
        return run_config.load("multipl-t", {"teacher": teacher, "options": {"sources": ["one"]}})

    kept = keep_stored_form(config(given), {"teacher": {"name": "transformers", "model": stored}})
    assert (kept.teacher.model == stored) is same


def test_a_project_that_moved_may_also_change_the_order(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stored = {"options": {"sources": ["b", "a"]}, "relative_to": {"options.sources": "/gone"}}
    chosen = run_config.load("multipl-t", {"options": {"sources": ["a", "b"]}})
    kept = keep_stored_form(chosen, stored)
    assert kept.options["sources"] == ["b", "a"]
    assert kept.sources_folder() == Path()
