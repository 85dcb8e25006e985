"""Load the model and the tokenizer of a training, and store the trained weights."""

from pathlib import Path
from typing import Any, cast

from glotsmith.errors import UsageError, unknown_name
from glotsmith.training.needs import load
from glotsmith.training.presets import TrainingSettings

TEMPLATES = Path(__file__).parent / "templates"
FALLBACK = "chatml"  #: template for a model that has no chat template
_REPLY = "the reply"


def on_gpu() -> bool:
    """Return whether a GPU is available."""
    return bool(load("torch").cuda.is_available())


def has_bf16() -> bool:
    """Return whether the GPU supports bfloat16 without emulation."""
    return on_gpu() and bool(load("torch").cuda.is_bf16_supported(including_emulation=False))


def tokenizer(model: str, settings: TrainingSettings) -> Any:
    """Return a model's tokenizer, with the chat template that the settings name.

    Raises:
        UsageError: The model or the template does not exist, or the tokenizer has no token for the end of a text.

    """
    found = _load_pretrained(model, "AutoTokenizer")
    if found.eos_token is None:
        raise UsageError(f"{model}: the tokenizer has no end-of-text token, so the model cannot learn to stop")
    if settings.template or (settings.style == "chat" and not found.chat_template):
        found.chat_template = _read_template(settings.template or FALLBACK)
    return found


def _read_template(name: str) -> str:
    file = TEMPLATES / f"{name}.jinja"
    if not file.is_file():
        known = sorted(f.stem for f in TEMPLATES.glob("*.jinja"))
        raise UsageError(unknown_name(f"no chat template is named {name!r}", name, known))
    return file.read_text("utf-8")


def gguf_file(model: str) -> Path | None:
    """Return the GGUF file that a path names: the file itself, or the only one in a folder without other weights."""
    path = Path(model)
    if path.is_file() and path.suffix == ".gguf":
        return path
    files = sorted(path.glob("*.gguf")) if path.is_dir() and not (path / "config.json").is_file() else []
    return files[0] if len(files) == 1 else None


def _load_pretrained(model: str, kind: str, **options: Any) -> Any:
    found = getattr(load("transformers"), kind)
    file = gguf_file(model)
    source = str(file.parent) if file else model
    options |= {"gguf_file": file.name} if file else {}
    try:
        return found.from_pretrained(source, **options)
    except Exception as error:  # files of any origin, and libraries without common error classes
        first = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise UsageError(
            f"cannot load a model from {model!r}: give a folder with weights, a GGUF file, or a hub id ({first})"
        ) from error


def open_model(model: str, settings: TrainingSettings, adapter: Path | None = None) -> Any:
    """Return the model to train, with the adapters of an earlier stage if they are given.

    Raises:
        UsageError: The model does not exist.

    """
    found = _load_pretrained(model, "AutoModelForCausalLM", dtype=_dtype(settings))
    if gguf_file(model):
        found = _without_quantization(found)
    _check_length(model, found.config, settings)
    if adapter is None:
        return found
    return load("peft").PeftModel.from_pretrained(found, str(adapter), is_trainable=True)


def _without_quantization(model: Any) -> Any:
    """Return a model with dequantised weights, without the quantization setting that prevents its storage."""
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    whole = type(model)(model.config)
    whole.load_state_dict(model.state_dict())
    whole.generation_config = model.generation_config
    return whole.to(model.dtype)


def _check_length(model: str, config: Any, settings: TrainingSettings) -> None:
    limit = getattr(config, "max_position_embeddings", None)
    if isinstance(limit, int) and settings.max_length > limit > 0:
        raise UsageError(
            f"{model} accepts up to {limit} tokens, but max_length is {settings.max_length}: "
            f"train with --set max_length={limit}"
        )


def end_turns(model: Any, tokenizer: Any) -> None:
    """Add the token that ends a reply in the chat template to the tokens that end a generation.

    Qwen's base models end a turn with ``<|im_end|>`` and a text with ``<|endoftext|>``. Without this, such a model does
    not stop after a reply.
    """
    ended = tokenizer.apply_chat_template(
        [{"role": "user", "content": "a request"}, {"role": "assistant", "content": _REPLY}], tokenize=False
    )
    mark = ended.rpartition(_REPLY)[2].strip()
    tokens: list[int] = tokenizer(mark, add_special_tokens=False)["input_ids"] if mark else []
    if not tokens or tokens[0] == tokenizer.eos_token_id or tokens[0] not in tokenizer.get_added_vocab().values():
        return
    known: Any = model.generation_config.eos_token_id
    before = cast(list[Any], known) if isinstance(known, list) else [known]
    ends = dict.fromkeys([tokenizer.eos_token_id, *before, tokens[0]])
    model.generation_config.eos_token_id = [end for end in ends if end is not None]


def _dtype(settings: TrainingSettings) -> Any:
    torch = load("torch")
    if settings.dtype != "auto":
        return getattr(torch, settings.dtype)
    # The small steps of Adam vanish in bfloat16 weights: trained weights stay float32, and autocast uses bfloat16
    return torch.bfloat16 if settings.lora_rank and has_bf16() else torch.float32


def lora(settings: TrainingSettings) -> Any:
    """Return the configuration of new adapters; None if all weights are trained."""
    if not settings.lora_rank:
        return None
    return load("peft").LoraConfig(
        r=settings.lora_rank,
        lora_alpha=settings.lora_alpha or 2 * settings.lora_rank,
        lora_dropout=settings.lora_dropout,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
    )


def save(trainer: Any, folder: Path) -> None:
    """Store the tokenizer and the weights (or only the adapters) in a new folder."""
    trainer.save_model(str(folder))
    (folder / "training_args.bin").unlink(missing_ok=True)  # a pickle; the record has more information


def open_result(model: str, settings: TrainingSettings, trained: Path) -> Any:
    """Return the result of a training: the trained weights, with adapters added, mixed with those of the start model.

    The weights are ``trained_share`` · trained + (1 - ``trained_share``) · start (WiSE-FT, Wortsman et al., CVPR 2022,
    arXiv 2109.01903, §3). If the share is below 1, both models are in memory.

    Args:
        model: the model from which the training started
        settings: the settings of the training
        trained: folder with the trained weights, or only with their adapters

    """
    if settings.lora_rank:
        result = open_model(model, settings, trained).merge_and_unload()
    else:
        result = open_model(str(trained), settings)
    if settings.trained_share < 1:
        start = dict(open_model(model, settings).named_parameters())
        with load("torch").no_grad():
            for name, weights in result.named_parameters():
                weights.lerp_(start[name].to(weights), 1 - settings.trained_share)
    return result


def save_whole(model: Any, tokenizer: Any, folder: Path, settings: TrainingSettings) -> None:
    """Store a model and its tokenizer, so that any library can load it. Trained chats end at the end of a turn."""
    if settings.style == "chat":
        end_turns(model, tokenizer)
    model.save_pretrained(str(folder))
    tokenizer.save_pretrained(str(folder))
