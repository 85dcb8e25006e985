"""``glotsmith show`` of folders that are no runs: a training, an evaluation set, and others."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

Command = Callable[..., tuple[int, str, str]]


def write(folder: Path, files: dict[str, object]) -> Path:
    for name, value in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        rows = value if isinstance(value, list) else [value]
        (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


ORIGIN = {"source": "runs/demo", "name": "own", "languages": "('ocaml',)", "share": "1.0"}
SETTINGS = {"method": "sft", "model": "tiny", "settings": {"epochs": 2}}
STAGE = {"stage": 1, "steps": 40, "chosen_step": 30, "chosen_loss": 1.25, "stopped": ""}
SET = {
    "origin.json": ORIGIN,
    "questions.jsonl": [{"language": "ocaml"}, {"language": "lua"}, {"language": "ocaml"}],
    "impossible.jsonl": [{"reason": "unrepresentable"}],
}


@pytest.mark.parametrize(
    ("files", "parts"),
    [
        (SET, ["an evaluation set", "runs/demo", "ocaml 2, lua 1", "unrepresentable 1"]),
        ({"origin.json": ORIGIN}, ["an evaluation set", "none"]),
        ({"settings.json": SETTINGS}, ["a training", "tiny", "epochs 2", "not finished; stages done: none"]),
        ({"settings.json": SETTINGS, "stages/1/model/x": 1}, ["not finished; stages done: 1"]),
        (
            {"settings.json": SETTINGS, "model/training.json": {"stages": [STAGE], "device": "cpu"}},
            ["finished", "40 steps, weights of step 30, loss 1.25 on the held-out problems", "cpu"],
        ),
    ],
)
def test_a_folder_is_shown(glotsmith: Command, tmp_path: Path, files: dict[str, object], parts: list[str]) -> None:
    folder = write(tmp_path, files)
    code, stdout, err = glotsmith("show", folder)
    assert code == 0, err
    assert [part for part in parts if part not in stdout] == [], stdout
    code, stdout, _ = glotsmith("show", folder, "--json")
    assert (code, "folder" in json.loads(stdout)) == (0, True)


@pytest.mark.parametrize(
    ("files", "place", "sentence"),
    [
        ({}, ".", "it is empty"),
        ({"notes": 1}, ".", "it has no run.toml and no origin.json"),
        ({"notes": 1}, "notes", "it is a file"),
        ({}, "nowhere", "no such folder exists"),
        ({"settings.json": [1, 2]}, ".", "not valid JSON"),
    ],
)
def test_another_folder_is_refused(
    glotsmith: Command, tmp_path: Path, files: dict[str, object], place: str, sentence: str
) -> None:
    code, _, err = glotsmith("show", write(tmp_path, files) / place)
    assert (code, sentence in err) == (2, True), err
