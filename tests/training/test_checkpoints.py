"""A stage resumes from the right checkpoint, and finds the best one wherever the folder is now."""

import json
from pathlib import Path

import pytest

from glotsmith.training.checkpoints import last_complete


def save(folder: Path, step: int, text: str = "{}") -> Path:
    made = folder / f"checkpoint-{step}"
    made.mkdir(parents=True)
    (made / "trainer_state.json").write_text(text)
    return made


def test_the_last_whole_one_is_taken_and_torn_ones_go(tmp_path: Path) -> None:
    assert last_complete(tmp_path / "nowhere") is None
    whole = [save(tmp_path, step) for step in (9, 10)]
    save(tmp_path, 100, '{"global_step": 10')
    (tmp_path / "checkpoint-101").mkdir()
    assert last_complete(tmp_path) == whole[1]
    assert sorted(tmp_path.iterdir()) == sorted(whole)


def test_only_torn_ones_are_none(tmp_path: Path) -> None:
    save(tmp_path, 3, "")
    assert last_complete(tmp_path) is None


@pytest.mark.parametrize("sentence", ["/elsewhere/out/stages/1/checkpoints/checkpoint-5", "out/checkpoint-5"])
def test_the_best_checkpoint_is_found_after_the_folder_has_moved(sentence: str, tmp_path: Path) -> None:
    best = save(tmp_path, 5)
    last = save(tmp_path, 10, json.dumps({"best_model_checkpoint": sentence, "best_metric": 0.5}))
    assert last_complete(tmp_path) == last
    state = json.loads((last / "trainer_state.json").read_text())
    assert state == {"best_model_checkpoint": str(best), "best_metric": 0.5}


def test_a_checkpoint_without_a_best_one_is_left_as_it_is(tmp_path: Path) -> None:
    text = '{"best_model_checkpoint":   null}'
    last = save(tmp_path, 10, text)
    last_complete(tmp_path)
    assert (last / "trainer_state.json").read_text() == text
