"""Coordinate the processes of a training that ``accelerate launch`` starts. The first one writes the folder."""

import os
from typing import Any

from glotsmith.training.models import on_gpu
from glotsmith.training.needs import load


def process_count() -> int:
    """Return the number of processes of the training."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def is_first_process() -> bool:
    """Return whether this process is the first, which writes all files except checkpoints."""
    return process_count() == 1 or int(os.environ.get("RANK", "0")) == 0


def use_one_device(arguments: Any) -> Any:
    """Return transformers' arguments with one GPU for each process.

    Without this, transformers uses all visible GPUs in each process and multiplies the batch by their number.
    """
    if arguments.n_gpu > 1:
        arguments._n_gpu = 1
    return arguments


def wait_for_all() -> None:
    """Wait until all processes call this function."""
    if process_count() > 1:
        _partial_state().wait_for_everyone()


def broadcast(value: bool) -> bool:
    """Return the value of the first process. (Clocks differ, and all processes must stop at the same step.)"""
    if process_count() == 1:
        return value
    _partial_state()
    answer = [value]
    load("accelerate.utils").broadcast_object_list(answer)
    return answer[0]


def _partial_state() -> Any:
    return load("accelerate").PartialState(cpu=not on_gpu())
