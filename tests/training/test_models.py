"""The model that is trained, as it is opened and as it is left: what its tokenizer lacks, and where a reply ends."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from training_rows import WORDS, example

import tiny_model
from glotsmith.errors import UsageError
from glotsmith.training import models
from glotsmith.training.needs import load
from glotsmith.training.presets import preset_settings
from glotsmith.training.ranks import use_one_device
from glotsmith.training.training_report import held_out_before
from small_model import random_gguf

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")]
TURNS = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    return tiny_model.make(tmp_path / "tiny", [example(n).completion for n in range(len(WORDS))], vocabulary=300)


def with_turns(folder: Path) -> int:
    """Give a model's tokenizer a template that ends turns with a token of its own, as Qwen's base models have it."""
    tokenizer = load("transformers").AutoTokenizer.from_pretrained(folder)
    tokenizer.add_special_tokens({"additional_special_tokens": ["<|im_start|>", "<|im_end|>"]})
    tokenizer.chat_template = TURNS
    tokenizer.save_pretrained(folder)
    model = load("transformers").AutoModelForCausalLM.from_pretrained(folder)
    model.resize_token_embeddings(len(tokenizer))
    model.save_pretrained(folder)
    return tokenizer.convert_tokens_to_ids("<|im_end|>")


def ends(folder: Path) -> Any:
    return json.loads((folder / "generation_config.json").read_text())["eos_token_id"]


@pytest.mark.parametrize("rank", [0, 4])
def test_generation_ends_where_the_template_ends_a_reply(rank: int, tiny: Path, tmp_path: Path) -> None:
    from glotsmith.training import sft
    from glotsmith.training.loop import TrainingJob

    end = with_turns(tiny)
    how = preset_settings(
        "general", {"max_steps": 1, "batch": 2, "max_length": 128, "lora_rank": rank, "packing": "none"}
    )
    job = TrainingJob(method="sft", model=str(tiny), preset="general", how=how)
    sft.sft(job, lambda: [example(n) for n in range(len(WORDS))], tmp_path / "out", lambda _: None)
    assert set(ends(tmp_path / "out/model")) == {0, end}


@pytest.mark.parametrize(("rank", "share"), [(0, 1.0), (0, 0.75), (0, 0.1), (4, 0.75)])
def test_the_result_has_a_share_of_the_trained_weights(rank: int, share: float, tiny: Path, tmp_path: Path) -> None:
    from glotsmith.training import sft
    from glotsmith.training.loop import TrainingJob

    changes = {"max_steps": 2, "batch": 2, "max_length": 128, "lora_rank": rank, "packing": "none"}

    def train(folder: str, share: float) -> dict[str, Any]:
        how = preset_settings("general", changes | {"learning_rate": 0.01, "trained_share": share})
        job = TrainingJob(method="sft", model=str(tiny), preset="general", how=how)
        sft.sft(job, lambda: [example(n) for n in range(len(WORDS))], tmp_path / folder, lambda _: None)
        return parameters(tmp_path / folder / "model")

    before, trained, mixed = parameters(tiny), train("whole", 1.0), train("mixed", share)
    assert any(not trained[name].equal(before[name]) for name in before)
    for name in before:
        expected = share * trained[name] + (1 - share) * before[name]
        load("torch").testing.assert_close(mixed[name], expected, msg=name)
    files = [{file.name for file in (tmp_path / run / "model").iterdir()} for run in ("whole", "mixed")]
    assert files[0] == files[1]


@pytest.mark.parametrize(("style", "ended"), [("chat", True), ("plain", False)])
@pytest.mark.parametrize("changes", [{"trained_share": 0.5}, {"lora_rank": 4}])
def test_only_a_training_of_conversations_adds_the_end_of_a_turn(
    style: str, ended: bool, changes: dict[str, Any], tiny: Path, tmp_path: Path
) -> None:
    from glotsmith.training import sft
    from glotsmith.training.loop import TrainingJob

    end = with_turns(tiny)
    settings = {"style": style, "max_steps": 1, "batch": 2, "max_length": 128, "packing": "none"} | changes
    job = TrainingJob(method="sft", model=str(tiny), preset="general", how=preset_settings("general", settings))
    sft.sft(job, lambda: [example(n) for n in range(len(WORDS))], tmp_path / "out", lambda _: None)
    found = ends(tmp_path / "out/model")
    assert (end in (found if isinstance(found, list) else [found])) is ended


def parameters(folder: Path) -> dict[str, Any]:
    """Return the parameters of a model, those that are tied once."""
    return dict(load("transformers").AutoModelForCausalLM.from_pretrained(folder).named_parameters())


def test_a_template_that_ends_with_the_text_adds_no_other_end(tiny: Path) -> None:
    how = preset_settings("general", {"max_length": 128})
    model, tokenizer = models.open_model(str(tiny), how), models.tokenizer(str(tiny), how)
    models.end_turns(model, tokenizer)
    assert model.generation_config.eos_token_id == tokenizer.eos_token_id == 0


def break_weights(folder: Path) -> None:
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:100])


def break_config(folder: Path) -> None:
    (folder / "config.json").write_text("{")


def be_another(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"hidden_size": 32}))


def lose_weights(folder: Path) -> None:
    (folder / "model.safetensors").unlink()


@pytest.mark.parametrize("broken", [break_weights, break_config, be_another, lose_weights])
def test_weights_that_can_not_be_read_are_a_sentence(broken: Any, tiny: Path) -> None:
    broken(tiny)
    with pytest.raises(UsageError, match=r"cannot load a model from .*tiny': give a folder with weights.*\(.+\)"):
        models.open_model(str(tiny), preset_settings("general", {"max_length": 128}))


def test_a_tokenizer_that_can_not_be_read_is_a_sentence(tiny: Path) -> None:
    (tiny / "tokenizer.json").write_text('{"version": "1.0"}')
    with pytest.raises(UsageError, match=r"cannot load a model from .*tiny'"):
        models.tokenizer(str(tiny), preset_settings("general", {}))


def test_more_tokens_than_the_model_has_positions_for(tiny: Path) -> None:
    with pytest.raises(UsageError, match=r"accepts up to 1024 tokens, but max_length is 2048: .*max_length=1024"):
        models.open_model(str(tiny), preset_settings("general", {}))


def test_bfloat16_by_emulation_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    cuda = load("torch").cuda
    monkeypatch.setattr(cuda, "is_available", lambda: True)
    for emulated in (True, False):
        monkeypatch.setattr(
            cuda, "is_bf16_supported", lambda including_emulation=True, e=emulated: including_emulation or not e
        )
        assert models.has_bf16() is not emulated


def test_a_process_trains_on_one_gpu_of_many(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(load("torch").cuda, "device_count", lambda: 4)

    def arguments() -> Any:
        return load("trl").SFTConfig(output_dir=str(tmp_path), per_device_train_batch_size=2, bf16=False)

    assert arguments().train_batch_size == 8  # what transformers makes of it
    assert use_one_device(arguments()).train_batch_size == 2


def test_a_record_that_is_not_ours_holds_nothing_out(tmp_path: Path) -> None:
    assert held_out_before("some/hub-id") == held_out_before(str(tmp_path)) == frozenset()
    (tmp_path / "training.json").write_text('{"epochs": 3}')
    assert held_out_before(str(tmp_path)) == frozenset()


@pytest.mark.parametrize(
    ("names", "given", "found"),
    [
        (["a.gguf"], "a.gguf", "a.gguf"),
        (["a.gguf"], "", "a.gguf"),
        (["a.gguf", "b.gguf"], "", None),  # which one?
        (["a.gguf", "config.json"], "", None),  # a folder of another kind that also has one
        (["a.bin"], "a.bin", None),
        ([], "", None),
        ([], "missing.gguf", None),
    ],
)
def test_the_gguf_file_of_a_path(tmp_path: Path, names: list[str], given: str, found: str | None) -> None:
    for name in names:
        (tmp_path / name).touch()
    assert models.gguf_file(str(tmp_path / given)) == (tmp_path / found if found else None)


def test_a_gguf_file_is_trained_stored_and_named_in_the_record(tmp_path: Path) -> None:
    from glotsmith.training import sft
    from glotsmith.training.loop import TrainingJob

    file = random_gguf(tmp_path / "small.gguf", 1)
    how = preset_settings(
        "general", {"max_steps": 2, "batch": 2, "max_length": 256, "packing": "none", "style": "plain"}
    )
    job = TrainingJob(method="sft", model=str(file), preset="general", how=how)
    lines = list[str]()
    report = sft.sft(job, lambda: [example(n) for n in range(len(WORDS))], tmp_path / "out", lines.append)
    assert report.dequantised == str(file)
    trained = load("transformers").AutoModelForCausalLM.from_pretrained(tmp_path / "out" / "model")
    assert trained.dtype == load("torch").float32
    assert not hasattr(trained.config, "quantization_config")
    assert any(re.fullmatch(r"step 1 of 2: loss [\d.]+, \d+ tokens a second, \d+ s left", line) for line in lines)
