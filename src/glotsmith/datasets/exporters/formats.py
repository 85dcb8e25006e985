"""The registry of export formats. It is the source of help, errors and the table of ``docs/exports.md``.

A format of a trainer is one row of ``FORMATS`` and its configuration in ``templates/``. A new shape of rows is one
function in ``shapes.py``. Field names and options are those of the documentation of each trainer in 2026.
"""

import shlex
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from glotsmith.datasets.exporters import shapes
from glotsmith.datasets.exporters.row_files import ROW_WRITERS
from glotsmith.datasets.exporters.shapes import RowShape
from glotsmith.errors import UsageError, unknown_name
from glotsmith.installation import requirement
from glotsmith.languages.render import fill_template


class FormatPart(NamedTuple):
    """A set of rows in two files: one to train on, and one with the held-out problems."""

    shape: RowShape
    train: str = "train"
    held_out: str = "validation"
    optional: bool = False  #: whether the format can be written without this part


class TrainerFormat(NamedTuple):
    """The files and fields that one trainer reads."""

    trainer: str  #: name of the trainer in prose, with its method
    parts: tuple[FormatPart, ...]
    command: str  #: command that trains, to run in the folder
    files: tuple[str, ...] = ()  #: templates of further files
    install: str = ""  #: packages that the command needs; @{glotsmith}: this glotsmith, @{serve}: with the extra serve
    more: str = ""  #: second command, for the rows of an optional part
    extension: str = "jsonl"
    model: str = ""  #: default model of the configuration; "" if the configuration names no model

    @property
    def needs(self) -> str:
        """The packages to install, as arguments of pip on this machine."""
        own = {"glotsmith": requirement(), "serve": requirement("serve")}
        return fill_template(self.install, **{name: shlex.quote(text) for name, text in own.items()})


INSTRUCT = "Qwen/Qwen2.5-Coder-1.5B-Instruct"  #: default model of most configurations
_BASE = "Qwen/Qwen2.5-Coder-1.5B"
_RANKED = FormatPart(shapes.RANKED, "preferences", "preferences-validation", optional=True)
_TRL = "pip install trl peft"
_VERL = "python3 -m verl.trainer.main_ppo --config-path $PWD --config-name grpo"
_LOAD = "python -c \"import datasets; print(datasets.load_dataset('.'))\""

FORMATS: Mapping[str, TrainerFormat] = {
    "trl-sft": TrainerFormat(
        "TRL's SFTTrainer",
        (FormatPart(shapes.PROMPT_COMPLETION),),
        "trl sft --config sft.yaml",
        ("sft.yaml",),
        _TRL,
        model=INSTRUCT,
    ),
    "trl-dpo": TrainerFormat(
        "TRL's DPOTrainer",
        (FormatPart(shapes.PREFERENCE),),
        "trl dpo --config dpo.yaml",
        ("dpo.yaml",),
        _TRL,
        model=INSTRUCT,
    ),
    "trl-kto": TrainerFormat(
        "TRL's KTOTrainer",
        (FormatPart(shapes.UNPAIRED),),
        "trl kto --config kto.yaml",
        ("kto.yaml",),
        _TRL,
        model=INSTRUCT,
    ),
    "trl-grpo": TrainerFormat(
        "TRL's GRPOTrainer, with our reward",
        (FormatPart(shapes.GRPO),),
        "trl grpo --config grpo.yaml",
        ("grpo.yaml", "reward.py"),
        "pip install trl @{glotsmith}",
        model=INSTRUCT,
    ),
    "axolotl": TrainerFormat(
        "Axolotl",
        (FormatPart(shapes.CHAT), _RANKED),
        "axolotl train axolotl.yaml",
        ("axolotl.yaml", "axolotl-dpo.yaml"),
        "pip install axolotl",
        "axolotl train axolotl-dpo.yaml",
        model=INSTRUCT,
    ),
    "llamafactory": TrainerFormat(
        "LLaMA-Factory",
        (FormatPart(shapes.CHAT), _RANKED),
        "llamafactory-cli train llamafactory.yaml",
        ("dataset_info.json", "llamafactory.yaml", "llamafactory-dpo.yaml"),
        "pip install llamafactory",
        "llamafactory-cli train llamafactory-dpo.yaml",
        model=INSTRUCT,
    ),
    "verl": TrainerFormat(
        "verl, GRPO with our reward",
        (FormatPart(shapes.VERL),),
        _VERL,
        ("grpo.yaml", "reward.py"),
        "pip install verl @{glotsmith}",
        extension="parquet",
        model=INSTRUCT,
    ),
    "openrlhf": TrainerFormat(
        "OpenRLHF, GRPO with our reward",
        (FormatPart(shapes.OPENRLHF),),
        "sh train.sh",
        ("train.sh", "reward.py"),
        "pip install 'openrlhf[vllm]' @{glotsmith}",
        model=INSTRUCT,
    ),
    "open-instruct": TrainerFormat(
        "open-instruct's GRPO, with our verifier behind its code endpoint",
        (FormatPart(shapes.OPEN_INSTRUCT),),
        "uvicorn reward:app --port 1234 & sh train.sh",
        ("train.sh", "reward.py"),
        "pip install @{serve} # and open-instruct from its repository",
        model=INSTRUCT,
    ),
    "verifiers": TrainerFormat(
        "verifiers and prime-rl: an environment package with our reward",
        (FormatPart(shapes.GRPO),),
        "pip install -e . && vf-eval glotsmith-code",
        ("pyproject.toml", "glotsmith_code.py"),
        "pip install verifiers @{glotsmith}",
    ),
    "alpaca": TrainerFormat("any trainer that reads the fields of Alpaca", (FormatPart(shapes.ALPACA),), _LOAD),
    "sharegpt": TrainerFormat("any trainer that reads the fields of ShareGPT", (FormatPart(shapes.SHAREGPT),), _LOAD),
    "openai-ft": TrainerFormat(
        "OpenAI's fine-tuning",
        (FormatPart(shapes.BARE_CHAT),),
        "python fine_tune.py",
        ("fine_tune.py",),
        "pip install openai # and OPENAI_API_KEY in the environment",
        model="gpt-4.1-mini-2025-04-14",
    ),
    "text": TrainerFormat(
        "continued pretraining on the plain programs",
        (FormatPart(shapes.TEXT),),
        "trl sft --config text.yaml",
        ("text.yaml",),
        _TRL,
        model=_BASE,
    ),
    "parallel": TrainerFormat(
        "one row a problem, with its programs in all languages", (FormatPart(shapes.PARALLEL),), _LOAD
    ),
}

#: names of the formats with all columns of a row and one file for each language (``row_files.ROW_WRITERS``)
DATASET_FORMATS = tuple(ROW_WRITERS)


def format_names() -> tuple[str, ...]:
    """Return the names of all formats."""
    return (*DATASET_FORMATS, *FORMATS)


def check_format(name: str, known: Sequence[str] = ()) -> None:
    """Check that a format exists among the ``known`` formats, or among all.

    Raises:
        UsageError: No format has this name.

    """
    known = known or format_names()
    if name not in known:
        raise UsageError(unknown_name(f"no format is named {name!r}", name, known))
