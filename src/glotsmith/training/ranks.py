"""The processes of one training, as ``accelerate launch`` starts them: the first keeps the folder, all train."""

import os
from typing import Any

from glotsmith.training.models import on_gpu
from glotsmith.training.needs import load


def process_count() -> int:
    """Return how many processes train together."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def is_first_process() -> bool:
    """Whether this process is the first, which alone writes what is not a checkpoint."""
    return process_count() == 1 or int(os.environ.get("RANK", "0")) == 0


def use_one_device(arguments: Any) -> Any:
    """Return transformers' arguments, bound to one GPU a process.

    With several in sight transformers would spread a process over all of them, and multiply the batch by their number.
    """
    if arguments.n_gpu > 1:
        arguments._n_gpu = 1
    return arguments


def wait_for_all() -> None:
    """Wait until all processes are here."""
    if process_count() > 1:
        _state().wait_for_everyone()


def broadcast(value: bool) -> bool:
    """Return what the first process says: clocks differ, and all must stop at the same step."""
    if process_count() == 1:
        return value
    _state()
    answer = [value]
    load("accelerate.utils").broadcast_object_list(answer)
    return answer[0]


def _state() -> Any:
    return load("accelerate").PartialState(cpu=not on_gpu())
