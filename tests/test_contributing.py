"""The worked examples of CONTRIBUTING.md are executed as they are written."""

import json
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import glotsmith as gs
from glotsmith import recipes
from glotsmith.datasets.exporters import formats, shapes, trainer_folder
from glotsmith.evaluation.benchmarks import BENCHMARKS
from glotsmith.records import Example, Lineage, Origin

PAGE = (Path(__file__).parents[1] / "CONTRIBUTING.md").read_text("utf-8")
BLOCKS = dict(re.findall(r"```python\n# src/(\S+)\.py\n(.*?)```", PAGE, re.DOTALL))
EXAMPLE = Example(
    id="a",
    parallel_id="a",
    language="lua",
    name="f",
    messages=({"role": "user", "content": "Add 1."}, {"role": "assistant", "content": "return x + 1"}),
    prompt="",
    completion="",
    source="",
    origin=Origin(source="", path=""),
    lineage=Lineage(teacher=""),
)


def module(path: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Import the code of a block as a new module, and return its name."""
    name = path.replace("/", ".")
    made = ModuleType(name)
    monkeypatch.setitem(sys.modules, name, made)
    exec(compile(BLOCKS[path], path, "exec"), made.__dict__)
    return name


def test_the_page_has_a_block_for_each_example() -> None:
    assert len(BLOCKS) == 4


def test_the_language(tmp_path: Path) -> None:
    (command,) = re.findall(r"^glotsmith (languages new tcl .*?) *#", PAGE, re.MULTILINE)
    argv = [sys.executable, "-m", "glotsmith", *command.split(), "--folder", str(tmp_path)]
    subprocess.run(argv, check=True, capture_output=True)
    made = tmp_path / "tcl"
    assert {file.name for file in made.iterdir()} == {"card.toml", "verdicts.toml", "hostile.toml"}
    assert "TODO:" in (made / "card.toml").read_text("utf-8")


def test_the_exporter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats, "FORMATS", dict(formats.FORMATS))
    monkeypatch.setattr(trainer_folder, "FORMATS", formats.FORMATS)
    for owner in (shapes, formats):
        names = dict(owner.__dict__)
        exec(BLOCKS[owner.__name__.replace(".", "/")], names)
        for name in names.keys() - owner.__dict__.keys():
            monkeypatch.setattr(owner, name, names[name], raising=False)
    trainer_folder.export("question-answer", trainer_folder.ExportContent(lambda: [EXAMPLE]), tmp_path)
    assert json.loads((tmp_path / "train.jsonl").read_text("utf-8")) == {"question": "Add 1.", "answer": "return x + 1"}


def test_the_benchmark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = module("glotsmith/evaluation/benchmarks/single_input", monkeypatch)
    assert f'"single-input": "{name}"' in PAGE
    monkeypatch.setitem(BENCHMARKS, "single-input", name)
    row = {"id": "1", "task": "Print the sum.", "input": "1 2", "output": "3"}
    (tmp_path / "problems.jsonl").write_text(json.dumps(row), "utf-8")
    program = "local a, b = io.read('n', 'n') print(a + b)"
    (tmp_path / "completions.jsonl").write_text(json.dumps({"id": "1", "solution": program}), "utf-8")
    result = gs.evaluate(
        [f"single-input={tmp_path / 'problems.jsonl'}"],
        languages=["lua"],
        completions=tmp_path / "completions.jsonl",
        output=tmp_path / "out",
    )
    assert result.evaluation.summary.value(1).mean == 1


def test_the_recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module("glotsmith/recipes/docstrings/recipe", monkeypatch)
    monkeypatch.setattr(recipes, "RECIPES", (*recipes.RECIPES, "docstrings"))
    source = (
        'def add(x: int) -> int:\n    """Return the number after this one."""\n    y = x\n    y += 1\n    return y\n'
    )
    (tmp_path / "source.py").write_text(source, "utf-8")
    result = gs.run("docstrings", sources=[str(tmp_path / "source.py")], output=tmp_path / "run")
    assert [example.name for example in result.examples()] == ["add"]
