"""A training's folder: one process at a time, one training for good, and nothing of others is touched."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from glotsmith.errors import InputError, UsageError
from glotsmith.training.data import Prepared, Split
from glotsmith.training.folder import PREPARED, SETTINGS, claim, held, same_data, stored
from glotsmith.training.loop import Job
from glotsmith.training.presets import settings


def job(**changes: object) -> Job:
    return Job(method="sft", model="some/model", preset="general", how=settings("general", changes))


def prepared(hash_: str = "a", **changes: str) -> Prepared:
    return Prepared(stages=(Split(stage=1, train="stage-1.arrow", rows=1, problems=1, hash=hash_),), **changes)


def test_a_folder_is_held_by_one_process(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "out"
    other = (
        "import sys, pathlib; from glotsmith.training.folder import held\nwith held(pathlib.Path(sys.argv[1])): pass"
    )
    with held(folder):
        done = subprocess.run([sys.executable, "-c", other, folder], capture_output=True, text=True, check=False)
        assert f"UsageError: {folder}: process {os.getpid()} is at work in this folder: wait for its end" in done.stderr
    subprocess.run([sys.executable, "-c", other, folder], check=True)


def test_a_folder_of_something_else_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("")
    with pytest.raises(UsageError, match=r"the folder holds something else \(thesis\.tex\)"), held(tmp_path):
        pass
    with pytest.raises(UsageError, match=r"thesis\.tex: a training needs a folder"), held(tmp_path / "thesis.tex"):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def begin(folder: Path, what: str) -> None:
    (folder / what).mkdir(parents=True)
    (folder / what / "x").write_text("")


BEGUN = ["stages/1/checkpoints/checkpoint-5", "stages/2/model", "model"]


@pytest.mark.parametrize("begun", BEGUN)
def test_what_has_begun_keeps_its_settings_and_its_data(begun: str, tmp_path: Path) -> None:
    with held(tmp_path):
        claim(tmp_path, job(batch=4))
        (tmp_path / "data").mkdir()
        same_data(tmp_path, prepared())
        begin(tmp_path, begun)
    with held(tmp_path):
        claim(tmp_path, job(batch=4))
        with pytest.raises(
            UsageError, match=r"how\.batch was 4 and is now 8\. Set them as they were, or train in another"
        ):
            claim(tmp_path, job(batch=8))
        same_data(tmp_path, prepared())
        for changed in (prepared("b"), prepared(validation_hash="b")):
            with pytest.raises(UsageError, match="the dataset has changed since this training began"):
                same_data(tmp_path, changed)


def test_where_nothing_was_trained_a_mistake_can_be_mended_in_place(tmp_path: Path) -> None:
    with held(tmp_path):
        for batch in (4, 8):
            claim(tmp_path, job(batch=batch))
            (tmp_path / "data").mkdir(exist_ok=True)
            same_data(tmp_path, prepared(str(batch)))
    assert stored(tmp_path / SETTINGS, Job).how.batch == 8
    assert stored(tmp_path / PREPARED, Prepared) == prepared("8")


def test_files_that_someone_broke_are_named(tmp_path: Path) -> None:
    for text in ("{", "[]", "\xff"):
        (tmp_path / SETTINGS).write_bytes(text.encode("latin-1"))
        with pytest.raises(InputError, match=r"settings\.json: not the settings of a training"):
            claim(tmp_path, job())
    (tmp_path / "data").mkdir()
    (tmp_path / PREPARED).write_text("{}")
    with pytest.raises(InputError, match=r"prepared\.json: not the Prepared of a training"):
        same_data(tmp_path, prepared())
