"""What a trainer does first with an export: run in a process of its own, in the export's folder. Prints JSON."""

import contextlib
import io
import json
import os
import sys
from pathlib import Path


def columns(folder: str) -> dict:
    """Open every config of a folder with ``datasets``."""
    from datasets import get_dataset_config_names, load_dataset

    cache = str(Path(folder).parent / "cache")
    found = {}
    for config in get_dataset_config_names(folder):
        loaded = load_dataset(folder, config, cache_dir=cache)
        found[config] = {split: [rows.features.to_dict(), rows[0], len(rows)] for split, rows in loaded.items()}
    return found


def trained(file: str) -> dict:
    """Parse a configuration with TRL's own parser and run its own script on it, as ``trl sft`` and its like do."""
    from importlib import import_module

    folder, verb = Path(file).parent, {"text": "sft"}.get(Path(file).stem, Path(file).stem)
    os.chdir(folder)
    script = import_module(f"trl.scripts.{verb}")
    options = ["--config", Path(file).name, *STEP, "--output_dir", str(folder.parent / f"out-{folder.name}")]
    if verb == "grpo":
        options += ["--num_generations", "2", "--max_completion_length", "16"]
    arguments = script.make_parser().parse_args_and_config(options, fail_with_unknown_args=True)
    logged = io.StringIO()
    with contextlib.redirect_stdout(logged):
        script.main(*arguments)
    weights = folder.parent / f"out-{folder.name}" / "model.safetensors"
    return {"arguments": type(arguments[1]).__name__, "weights": weights.is_file(), "log": logged.getvalue()}


#: one step on the CPU with the model named in the environment; the rest is as exported
STEP = (
    f"--model_name_or_path {os.environ.get('TINY_MODEL', '')} --max_steps 1 --logging_steps 1 --use_cpu true "
    "--bf16 false --per_device_train_batch_size 2 --gradient_accumulation_steps 1 --activation_checkpointing false "
    "--save_strategy no --eval_strategy no --load_best_model_at_end false --disable_tqdm true"
).split()

if __name__ == "__main__":
    what, *arguments = sys.argv[1:]
    print(json.dumps([{"columns": columns, "trained": trained}[what](a) for a in arguments]))
