"""The table of trainers' formats: which rows, which files beside them, which command.

A format is one row here and its configuration in ``templates/``; a shape of rows that no trainer had before is one
function in ``shapes.py``. Field names and options: each trainer's own documentation, as of 2026.
"""

import shlex
from collections.abc import Mapping
from typing import NamedTuple

from glotsmith.datasets.exporters import shapes
from glotsmith.datasets.exporters.shapes import Shape
from glotsmith.installation import requirement
from glotsmith.languages.render import fill_template


class Part(NamedTuple):
    """One set of rows: a file, and another for the problems that are held out."""

    shape: Shape
    train: str = "train"
    held_out: str = "validation"
    optional: bool = False  #: the format makes sense without it


class Format(NamedTuple):
    """What one trainer reads."""

    trainer: str  #: its name in prose, and what it trains
    parts: tuple[Part, ...]
    command: str  #: to run in the folder
    files: tuple[str, ...] = ()  #: templates, rendered beside the data
    install: str = ""  #: what the command needs; @{glotsmith}: this glotsmith, @{serve}: it with that extra
    more: str = ""  #: another command, where there are the rows of an optional part
    extension: str = "jsonl"
    model: str = ""  #: that the configuration names unless told otherwise; empty where it names none

    @property
    def needs(self) -> str:
        """What to install, as it can be typed here."""
        own = {"glotsmith": requirement(), "serve": requirement("serve")}
        return fill_template(self.install, **{name: shlex.quote(text) for name, text in own.items()})


INSTRUCT = "Qwen/Qwen2.5-Coder-1.5B-Instruct"  #: the model that configurations name, unless told otherwise
_BASE = "Qwen/Qwen2.5-Coder-1.5B"
_RANKED = Part(shapes.RANKED, "preferences", "preferences-validation", optional=True)
_TRL = "pip install trl peft"
_VERL = "python3 -m verl.trainer.main_ppo --config-path $PWD --config-name grpo"
_LOAD = "python -c \"import datasets; print(datasets.load_dataset('.'))\""

FORMATS: Mapping[str, Format] = {
    "trl-sft": Format(
        "TRL's SFTTrainer",
        (Part(shapes.PROMPT_COMPLETION),),
        "trl sft --config sft.yaml",
        ("sft.yaml",),
        _TRL,
        model=INSTRUCT,
    ),
    "trl-dpo": Format(
        "TRL's DPOTrainer",
        (Part(shapes.PREFERENCE),),
        "trl dpo --config dpo.yaml",
        ("dpo.yaml",),
        _TRL,
        model=INSTRUCT,
    ),
    "trl-kto": Format(
        "TRL's KTOTrainer",
        (Part(shapes.UNPAIRED),),
        "trl kto --config kto.yaml",
        ("kto.yaml",),
        _TRL,
        model=INSTRUCT,
    ),
    "trl-grpo": Format(
        "TRL's GRPOTrainer, with our reward",
        (Part(shapes.GRPO),),
        "trl grpo --config grpo.yaml",
        ("grpo.yaml", "reward.py"),
        "pip install trl @{glotsmith}",
        model=INSTRUCT,
    ),
    "axolotl": Format(
        "Axolotl",
        (Part(shapes.CHAT), _RANKED),
        "axolotl train axolotl.yaml",
        ("axolotl.yaml", "axolotl-dpo.yaml"),
        "pip install axolotl",
        "axolotl train axolotl-dpo.yaml",
        model=INSTRUCT,
    ),
    "llamafactory": Format(
        "LLaMA-Factory",
        (Part(shapes.CHAT), _RANKED),
        "llamafactory-cli train llamafactory.yaml",
        ("dataset_info.json", "llamafactory.yaml", "llamafactory-dpo.yaml"),
        "pip install llamafactory",
        "llamafactory-cli train llamafactory-dpo.yaml",
        model=INSTRUCT,
    ),
    "verl": Format(
        "verl, GRPO with our reward",
        (Part(shapes.VERL),),
        _VERL,
        ("grpo.yaml", "reward.py"),
        "pip install verl @{glotsmith}",
        extension="parquet",
        model=INSTRUCT,
    ),
    "openrlhf": Format(
        "OpenRLHF, GRPO with our reward",
        (Part(shapes.OPENRLHF),),
        "sh train.sh",
        ("train.sh", "reward.py"),
        "pip install 'openrlhf[vllm]' @{glotsmith}",
        model=INSTRUCT,
    ),
    "open-instruct": Format(
        "open-instruct's GRPO, with our verifier behind its code endpoint",
        (Part(shapes.OPEN_INSTRUCT),),
        "uvicorn reward:app --port 1234 & sh train.sh",
        ("train.sh", "reward.py"),
        "pip install @{serve} # and open-instruct from its repository",
        model=INSTRUCT,
    ),
    "verifiers": Format(
        "verifiers and prime-rl: an environment package with our reward",
        (Part(shapes.GRPO),),
        "pip install -e . && vf-eval glotsmith-code",
        ("pyproject.toml", "glotsmith_code.py"),
        "pip install verifiers @{glotsmith}",
    ),
    "alpaca": Format("whatever reads Alpaca's fields", (Part(shapes.ALPACA),), _LOAD),
    "sharegpt": Format("whatever reads ShareGPT's fields", (Part(shapes.SHAREGPT),), _LOAD),
    "openai-ft": Format(
        "OpenAI's fine-tuning",
        (Part(shapes.BARE_CHAT),),
        "python fine_tune.py",
        ("fine_tune.py",),
        "pip install openai # and OPENAI_API_KEY in the environment",
        model="gpt-4.1-mini-2025-04-14",
    ),
    "text": Format(
        "continued pretraining on the plain programs",
        (Part(shapes.TEXT),),
        "trl sft --config text.yaml",
        ("text.yaml",),
        _TRL,
        model=_BASE,
    ),
    "parallel": Format("one row a problem, with its programs in all languages", (Part(shapes.PARALLEL),), _LOAD),
}
