"""The record of a training: a stage that diverges has one, too."""

import math
from pathlib import Path
from types import SimpleNamespace

import pytest

from glotsmith.training.training_folder import read_record, write_json
from glotsmith.training.training_report import StageReport, stage_report


@pytest.mark.parametrize(("loss", "stored"), [(0.5, 0.5), (math.nan, None), (math.inf, None)])
def test_the_record_of_a_stage_is_read_as_it_was_made(tmp_path: Path, loss: float, stored: float | None) -> None:
    log = [{"step": 5, "loss": loss, "grad_norm": loss}, {"step": 5, "eval_loss": loss}]
    state = SimpleNamespace(
        log_history=log, best_global_step=5, best_metric=loss, global_step=5, num_input_tokens_seen=9
    )
    report = stage_report(state, 1, 2.0, "")
    write_json(tmp_path / "stage.json", report)
    assert read_record(tmp_path / "stage.json", StageReport) == report
    assert [report.training[0].loss, report.held_out[0].loss, report.chosen_loss] == [stored] * 3
