"""The settings of a training, and presets with the settings of the papers.

docs/training.md names the sources of the values. A test compares it with this table.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec

from glotsmith.errors import UsageError, unknown_name
from glotsmith.records import Record
from glotsmith.settings import CHANGEABLE, invalid_value_message

TrainingStyle = Literal["plain", "chat"]
LossScope = Literal["all", "completion"]
Boundary = Literal["both", "newline", "signature"]
Packing = Literal["none", "wrapped", "bfd"]
Schedule = Literal["cosine", "linear", "constant", "constant_with_warmup"]
Optimizer = Literal["adamw_torch", "adamw_torch_fused", "adafactor"]
Dtype = Literal["auto", "float32", "bfloat16"]
TrainingMethod = Literal["sft", "dpo"]

#: settings of one method → the corresponding setting of the other method
ONLY: Mapping[TrainingMethod, Mapping[str, str]] = {
    "sft": {"loss": "", "packing": "", "epochs": "dpo_epochs", "learning_rate": "dpo_learning_rate"},
    "dpo": {"beta": "", "dpo_epochs": "epochs", "dpo_learning_rate": "learning_rate"},
}

_Count = Annotated[int, msgspec.Meta(ge=0)]
_Positive = Annotated[int, msgspec.Meta(ge=1)]
_Above0 = Annotated[float, msgspec.Meta(gt=0)]
_NotNegative = Annotated[float, msgspec.Meta(ge=0)]
_Share = Annotated[float, msgspec.Meta(ge=0, lt=1)]
_PositiveShare = Annotated[float, msgspec.Meta(gt=0, le=1)]
_Seed = Annotated[int, msgspec.Meta(ge=0, lt=2**32)]  #: the range of numpy's seeds


def _option_name(name: str) -> str:
    return f"--set {name}"


class TrainingSettings(Record, frozen=True, kw_only=True):
    """The settings that determine a training, in addition to its data and its base model."""

    style: TrainingStyle = "chat"  #: plain: ``prompt`` and ``completion`` of a row; chat: its conversation
    boundary: Boundary = "both"  #: end of the prompts of plain rows: after the signature's line break or before it
    template: str = ""  #: chat template: ``chatml`` or ``magicoder``; "" for that of the model
    loss: LossScope = "completion"  #: the tokens with a loss: all, or only those of the reply
    packing: Packing = "none"  #: ``wrapped``: one stream, cut at ``max_length``; ``bfd``: whole rows in each sequence
    max_length: _Positive = 2048  #: tokens of a sequence; longer rows are truncated, and the record counts them
    batch: _Positive = 32  #: number of sequences for each optimizer step
    #: number of sequences at once on one device; 0: the largest divisor of ``batch`` up to 8
    micro_batch: Annotated[_Count, CHANGEABLE] = 0
    #: number of epochs of stage 1, 2, ...; the last value is for all further stages
    epochs: Annotated[tuple[_Above0, ...], msgspec.Meta(min_length=1)] = (3.0,)
    learning_rate: _Above0 = 2e-5  #: the highest learning rate
    schedule: Schedule = "cosine"
    warmup: _NotNegative = 0.03  #: number of steps; a value below 1 is a share of all steps
    optimizer: Optimizer = "adamw_torch"
    weight_decay: _NotNegative = 0.0  #: weight decay, except of biases and norms
    max_grad_norm: _NotNegative = 1.0  #: 0 for no clipping

    beta: _Above0 = 0.1  #: the β of DPO; a larger one keeps the model nearer to the reference model
    dpo_learning_rate: _Above0 = 1e-6
    dpo_epochs: _Above0 = 1.0

    lora_rank: _Count = 0  #: 0: all weights are trained
    lora_alpha: _Count = 0  #: 0: twice the rank
    lora_dropout: _Share = 0.0

    seed: _Seed = 0  #: seed of the order of rows, dropout, new adapters and the choice of held-out problems
    held_out: _Share = 0.05  #: share of the problems that choose the checkpoint; 0: the last checkpoint
    checkpoints: _Positive = 1  #: number of checkpoints in each epoch
    max_steps: _Count = 0  #: largest number of steps of a stage; 0: ``epochs`` decides
    #: time limit of a stage, counted from zero after a resume; 0 for no limit
    max_minutes: Annotated[_NotNegative, CHANGEABLE] = 0.0
    #: weights of the result: this share of the trained ones, the rest of those before the training (WiSE-FT)
    trained_share: _PositiveShare = 1.0
    dtype: Dtype = "auto"  #: type of the weights; auto: float32, or bfloat16 for frozen ones on a GPU that supports it
    gradient_checkpointing: Annotated[bool, CHANGEABLE] = False  #: less memory for about a fifth more time

    def __post_init__(self) -> None:
        """Check the settings.

        Raises:
            UsageError: A setting is out of its range.

        """
        if wrong := invalid_value_message(TrainingSettings, msgspec.structs.asdict(self), _option_name):
            raise UsageError(f"invalid setting: {wrong}")
        if self.micro_batch and self.batch % self.micro_batch:
            raise UsageError(f"batch ({self.batch}) must be a multiple of micro_batch ({self.micro_batch})")
        if self.packing == "wrapped" and self.loss == "completion":
            raise UsageError("packing = wrapped cuts rows at any token, also in a prompt: it needs loss = all")
        if not self.lora_rank and (self.lora_alpha or self.lora_dropout):
            raise UsageError("lora_alpha and lora_dropout are settings of adapters: set lora_rank (--lora) too")

    def epochs_of(self, stage: int) -> float:
        """Return the epochs of a stage (``Example.stage``, from 1)."""
        return self.epochs[min(max(stage - 1, 0), len(self.epochs) - 1)]

    @property
    def micro(self) -> int:
        """The number of sequences at once on one device."""
        return self.micro_batch or next(size for size in range(min(self.batch, 8), 0, -1) if self.batch % size == 0)


#: The papers' settings. MultiPL-T: its repository's training scripts (OOPSLA 2024). InverseCoder: §5, and Magicoder's
#: ``train.py``. Those of xCoder are not published. Those of the same team for McEval-Instruct (mCoder) replace them.
PRESETS: Mapping[str, TrainingSettings] = {
    "general": TrainingSettings(packing="bfd"),
    "multipl-t-1b": TrainingSettings(
        style="plain", loss="all", packing="wrapped", max_length=2048, batch=8, epochs=(7,), learning_rate=3e-5,
        schedule="cosine", warmup=10, weight_decay=0.001, max_grad_norm=1.0,
    ),
    "multipl-t-15b": TrainingSettings(
        style="plain", loss="all", packing="wrapped", max_length=2048, batch=32, micro_batch=1, epochs=(10,),
        learning_rate=2e-5, schedule="linear", warmup=10, weight_decay=0.05, gradient_checkpointing=True,
    ),
    "inverse-coder": TrainingSettings(
        template="magicoder", max_length=1024, batch=512, micro_batch=2, epochs=(1, 2), learning_rate=5e-5,
        schedule="linear", warmup=15, optimizer="adafactor", max_grad_norm=0.0,
    ),
    "xcoder": TrainingSettings(
        max_length=5000, batch=512, micro_batch=1, epochs=(2,), learning_rate=2e-5, schedule="cosine", warmup=0.03,
    ),
}  # fmt: skip


def _check_method_uses(method: TrainingMethod, changes: Mapping[str, Any]) -> None:
    for of, names in ONLY.items():
        ignored = [name for name in names if name in changes and of != method]
        if ignored:
            instead = names[ignored[0]]
            raise UsageError(f"{ignored[0]} is not a setting of {method}" + (f": set {instead}" if instead else ""))


def preset_settings(preset: str, changes: Mapping[str, Any], method: TrainingMethod | None = None) -> TrainingSettings:
    """Return a preset with changes. If a method is given, the method must use each of them.

    Raises:
        UsageError: The preset or a setting does not exist, or a value has the wrong type.

    """
    if preset not in PRESETS:
        raise UsageError(unknown_name(f"no preset is named {preset!r}", preset, PRESETS))
    unknown = [name for name in changes if name not in TrainingSettings.__struct_fields__]
    if unknown:
        raise UsageError(
            unknown_name(f"no setting is named {unknown[0]!r}", unknown[0], TrainingSettings.__struct_fields__)
        )
    if method:
        _check_method_uses(method, changes)
    given = msgspec.to_builtins(msgspec.structs.asdict(PRESETS[preset])) | dict(changes)
    if isinstance(given["epochs"], int | float):
        given["epochs"] = [given["epochs"]]
    try:
        return msgspec.convert(given, TrainingSettings, strict=False)
    except msgspec.ValidationError as error:
        wrong = invalid_value_message(TrainingSettings, given, _option_name) or str(error)
        raise UsageError(f"invalid setting: {wrong}") from error
