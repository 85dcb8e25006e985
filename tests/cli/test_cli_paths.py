"""Relative paths: of a TOML file to its folder, of the command line to the working directory."""

import json
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from model_server import SOURCE

from glotsmith.api import run_config
from glotsmith.errors import UsageError

Command = Callable[..., tuple[int, str, str]]
QUICK = "suites = 0\ntypecheck = false\nsamples = 1\n"
OPTIONS = f'[options]\nsources = ["src"]\nlanguages = ["lua"]\nbenchmarks = ["bench.jsonl"]\n{QUICK}'
REPLY = {
    "call": "translate",
    "item": "*",
    "reply": '```lua\nlocal function shout(t)\n  return t:upper() .. "!"\nend\n```',
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder ``above/project`` with a TOML file and all that it names, and a folder ``elsewhere``."""
    folder = tmp_path / "above" / "project"
    for place in (folder / "src", tmp_path / "elsewhere"):
        place.mkdir(parents=True)
    (folder / "src" / "small.py").write_text(SOURCE)
    (folder / "replies.jsonl").write_text(json.dumps(REPLY) + "\n")
    (folder / "bench.jsonl").write_text('{"task_id": "1", "prompt": "nothing in common"}\n')
    write(folder)
    return folder


def write(folder: Path, options: str = OPTIONS, teacher: str = 'model = "replies.jsonl"', top: str = "") -> None:
    (folder / "mine.toml").write_text(
        f'recipe = "multipl-t"\n{top}\n[teacher]\nname = "scripted"\n{teacher}\n{options}'
    )


def rows(run: Path) -> bytes:
    return (run / "dataset/jsonl/data/lua/train.jsonl").read_bytes()


PLACES = [
    ("above/project", "mine.toml"),
    ("above", "project/mine.toml"),
    ("elsewhere", "../above/project/mine.toml"),
    ("elsewhere", "{project}/mine.toml"),
]


@pytest.mark.parametrize(("cwd", "file"), PLACES)
@pytest.mark.parametrize("teacher", ['model = "replies.jsonl"', '[teacher.options]\nreplies = "replies.jsonl"'])
def test_paths_of_a_file_are_relative_to_its_folder(
    monkeypatch: pytest.MonkeyPatch, project: Path, cwd: str, file: str, teacher: str
) -> None:
    write(project, teacher=teacher, top='output = "out"\ncache = "shared.sqlite"')
    monkeypatch.chdir(project.parents[1] / cwd)
    chosen = run_config.load(file.format(project=project), {})
    who = chosen.resolved_teacher()
    assert Path(who.model or who.options["replies"]).resolve() == project / "replies.jsonl"
    assert [Path(s).resolve() for s in chosen.resolved_sources()] == [project / "src"]
    assert (chosen.sources_folder() / "src").resolve() == project / "src"
    assert [Path(b).resolve() for b in chosen.build_recipe().benchmarks] == [project / "bench.jsonl"]
    targets = [chosen.output_path("output"), chosen.output_path("cache")]
    assert [t and t.resolve() for t in targets] == [project / "out", project / "shared.sqlite"]
    assert chosen.options["sources"] == ["src"]  # as written, whatever the working directory is


@pytest.mark.slow
def test_rows_are_the_same_from_every_folder_and_a_run_goes_on_from_each(
    glotsmith: Command, monkeypatch: pytest.MonkeyPatch, project: Path, tmp_path: Path
) -> None:
    write(project, top='output = "out"')
    for cwd, file in PLACES:
        monkeypatch.chdir(tmp_path / cwd)
        code, _, err = glotsmith("run", file.format(project=project))
        assert code == 0, err
    assert not (tmp_path / "elsewhere" / "runs").exists()
    found = rows(project / "out")
    assert json.loads(found.splitlines()[0])["origin"]["source"] == "src"
    assert str(tmp_path).encode() not in found
    for number, (cwd, file) in enumerate(PLACES[1:3]):
        monkeypatch.chdir(tmp_path / cwd)
        code, _, err = glotsmith("run", file, "-o", tmp_path / str(number))
        assert (code, rows(tmp_path / str(number)) == found) == (0, True), err
    card = (tmp_path / "1/dataset/jsonl/README.md").read_text()
    assert str(tmp_path) not in card


@pytest.mark.slow
def test_a_run_s_own_file_means_the_same_elsewhere(
    glotsmith: Command, monkeypatch: pytest.MonkeyPatch, project: Path, tmp_path: Path
) -> None:
    monkeypatch.chdir(project)
    code, _, err = glotsmith(
        *("run", "multipl-t", "-s", "src", "-l", "lua", "--teacher", "scripted", "--model", "replies.jsonl"),
        *("-o", "out", "--set", "suites=0", "--set", "typecheck=false", "--set", "samples=1"),
    )
    assert code == 0, err
    monkeypatch.chdir(tmp_path / "elsewhere")
    code, _, err = glotsmith("run", project / "out/run.toml", "-o", project / "out")
    assert code == 0, err
    code, _, err = glotsmith("run", project / "out/run.toml", "-o", "again")
    assert (code, rows(Path("again")) == rows(project / "out")) == (0, True), err


@pytest.mark.parametrize(
    ("changes", "key", "want"),
    [
        ({"options": {"sources": ("other",)}}, "options.sources", "elsewhere"),
        ({"options": {"sources": ("package:toolz",)}}, "options.sources", None),
        ({"options": {"benchmarks": ["b.jsonl"]}}, "options.benchmarks", "elsewhere"),
        ({"teacher": {"model": "r.jsonl"}}, "teacher.model", "elsewhere"),
        ({"teacher": {"name": "openai", "model": "replies.jsonl"}}, "teacher.model", None),
        ({"options": {"seed": 1}}, "options.sources", "above/project"),
    ],
)
def test_the_command_line_s_paths_are_relative_to_the_working_directory(
    monkeypatch: pytest.MonkeyPatch,
    project: Path,
    tmp_path: Path,
    changes: dict[str, dict[str, object]],
    key: str,
    want: str | None,
) -> None:
    monkeypatch.chdir(tmp_path / "elsewhere")
    found = run_config.load("../above/project/mine.toml", changes).relative_to
    assert found.get(key) == (want and str(tmp_path / want))
    others = {"options.sources", "options.benchmarks", "teacher.model"} - {key}
    assert {found[k] for k in others if k in found} == {str(project)}


@pytest.mark.slow
def test_a_file_runs_with_a_source_of_the_command_line(
    glotsmith: Command, monkeypatch: pytest.MonkeyPatch, project: Path, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path / "elsewhere")
    (project / "src").rename("other")
    code, _, err = glotsmith("run", "../above/project/mine.toml", "-s", "other", "-o", "out")
    assert code == 0, err
    assert json.loads(rows(Path("out")).splitlines()[0])["origin"]["source"] == "other"
    stored = tomllib.loads(Path("out/run.toml").read_text())["relative_to"]
    assert stored["options.sources"] == str(tmp_path / "elsewhere")
    assert stored["options.benchmarks"] == str(project)


@pytest.mark.parametrize(("model", "folder"), [("here", True), ("owner/model", False)])
def test_a_model_s_folder_is_looked_for_beside_the_file(
    monkeypatch: pytest.MonkeyPatch, project: Path, tmp_path: Path, model: str, folder: bool
) -> None:
    (project / "here").mkdir()
    write(project, teacher=f'model = "{model}"')
    monkeypatch.chdir(tmp_path / "elsewhere")
    chosen = run_config.load("../above/project/mine.toml", {"teacher": {"name": "transformers"}})
    assert chosen.resolved_teacher().model == (str(project / model) if folder else model)


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ('["src"]', '["gone"]', "options.sources"),
        ('["src"]', '["src", "~nobody-here/x"]', "options.sources"),
        ('["src"]', '["/nowhere/gone"]', "options.sources"),
        ("bench.jsonl", "gone", "options.benchmarks"),
        ("replies.jsonl", "gone", "teacher.model"),
    ],
)
def test_a_missing_path_names_the_file_and_the_place(
    glotsmith: Command, monkeypatch: pytest.MonkeyPatch, project: Path, tmp_path: Path, old: str, new: str, key: str
) -> None:
    file = project / "mine.toml"
    file.write_text(file.read_text().replace(old, new))
    monkeypatch.chdir(tmp_path / "elsewhere")
    code, _, err = glotsmith("run", "../above/project/mine.toml", "-o", "out")
    text = " ".join(err.split())
    place = json.loads(new)[-1] if new.startswith("[") else new
    assert (code, f"../above/project/mine.toml: {key} names" in text) == (2, True), err
    assert str(project / place) in text.replace(" ", "") or place in text
    assert not Path("out").exists()


def test_a_file_of_the_working_directory_is_not_taken_for_one_of_the_file(
    monkeypatch: pytest.MonkeyPatch, project: Path, tmp_path: Path
) -> None:
    (project / "src").rename(tmp_path / "elsewhere" / "src")
    monkeypatch.chdir(tmp_path / "elsewhere")
    with pytest.raises(UsageError, match=rf"there is no {project}/src"):
        run_config.load(str(project / "mine.toml"), {})
