"""P(Yes) against the whole vocabulary: the same prompt has the same score in-process, over HTTP, and by torch itself.

The model is a llama of some ten thousand random weights that the tests write as a GGUF file. It is served by
``xllamacpp``'s OpenAI-compatible server in a process of its own, and loaded by ``transformers`` in this one.
"""

import asyncio
import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from glotsmith.recipes.inverse_instruct.recipe import prompts_of
from glotsmith.recipes.inverse_instruct.score_instructions import ScoreInstructions
from glotsmith.recipes.inverse_instruct.snippet_requests import SnippetRequest
from glotsmith.records import InstructionCandidate, Lineage, Origin, Snippet, SnippetWithInstructions, YesNoScore
from glotsmith.teachers import open_teacher
from glotsmith.teachers.base import RequestStyle, Sampling, Teacher
from small_model import VOCABULARY, random_gguf, serve_arguments

pytestmark = pytest.mark.slow

SNIPPET = Snippet(
    id="s1",
    language="lua",
    name="add",
    code="local function add(a, b)\n  return a + b\nend",
    origin=Origin(source="test", path="1"),
)
TEXTS = ("Write a Lua function that adds two numbers.", "Write a Lua function that sorts.", "I want a Lua poem.")
ALL = len(VOCABULARY)


class Served(NamedTuple):
    folder: Path
    url: str  #: of the server's root


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("model")
    path = random_gguf(folder / "small.gguf", seed=1)
    with (
        (folder / "stderr").open("w") as err,
        subprocess.Popen(
            [sys.executable, *serve_arguments(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=err,
            text=True,
        ) as process,
    ):
        assert process.stdout
        url = process.stdout.readline().strip()
        assert url, (folder / "stderr").read_text()
        yield Served(folder, url)
        process.communicate(timeout=30)


@pytest.fixture(scope="module", autouse=True)
def quiet() -> Iterator[None]:
    """The library shows bars and warns of what it converts."""
    from transformers.utils import logging as theirs

    theirs.disable_progress_bar()
    logging.getLogger("transformers").setLevel(logging.ERROR)
    yield
    theirs.enable_progress_bar()


@pytest.fixture(scope="module")
def truth(served: Served) -> Any:
    """The same weights in torch: token ids to the probability of every token that may follow."""
    import torch
    from transformers import AutoModelForCausalLM

    model: Any = AutoModelForCausalLM.from_pretrained(served.folder, gguf_file="small.gguf", dtype=torch.float32)

    def follow(ids: list[int]) -> list[float]:
        with torch.inference_mode():
            return torch.softmax(model(torch.tensor([ids])).logits[0, -1].double(), -1).tolist()

    return follow


def teacher(kind: str, served: Served) -> Teacher:
    if kind == "openai":
        return open_teacher("openai", model="small", base_url=f"{served.url}/v1")
    return open_teacher("transformers", model=str(served.folder), options={"gguf": "small.gguf", "device": "cpu"})


def scores(kind: str, served: Served, style: RequestStyle, top: int) -> list[YesNoScore | None]:
    """Score ``TEXTS`` as the recipe does; None where there is no score."""

    async def main() -> list[YesNoScore | None]:
        opened = teacher(kind, served)
        try:
            sampling = Sampling(max_tokens=5, logprobs=top)
            question = SnippetRequest("score", opened, prompts_of("score"), style, sampling)
            found: list[YesNoScore | None] = []
            for n, text in enumerate(TEXTS):
                summary = InstructionCandidate(id=str(n), sample=n, text=text, lineage=Lineage(teacher="test"))
                result = await ScoreInstructions(question, question).run(
                    "s1", SnippetWithInstructions(snippet=SNIPPET, summaries=(summary,))
                )
                found.append(result.kept[0].item.summaries[0].scored if result.kept else None)
            return found
        finally:
            await opened.close()

    return asyncio.run(main())


def tokens(served: Served, text: str, style: RequestStyle) -> list[int]:
    """The prompt as the server reads it, asked of the server."""
    prompt = prompts_of("score")[style == "completion"].render(
        instruction=text, code=SNIPPET.code, language="Lua", fence="lua"
    )
    with httpx.Client(base_url=served.url) as client:
        if style == "chat":
            turns = {"messages": [{"role": "user", "content": prompt}]}
            prompt = client.post("/apply-template", json=turns).raise_for_status().json()["prompt"]
        body = {"content": prompt, "add_special": True, "parse_special": True}
        return client.post("/tokenize", json=body).raise_for_status().json()["tokens"]


def mass(probabilities: list[float], word: str) -> float:
    """Of all tokens that spell a word, by a list written down here, not by the code under test."""
    spelled = {word, word.lower(), word.upper(), f"▁{word}", f"▁{word.lower()}"}
    return sum(p for token, p in zip(VOCABULARY, probabilities, strict=True) if token in spelled)


#: not transformers' chat: it puts a blank before the template's text, and the server doesn't, which is another prompt
@pytest.mark.parametrize(
    ("kind", "style"), [("openai", "chat"), ("openai", "completion"), ("transformers", "completion")]
)
def test_the_score_is_that_of_the_whole_vocabulary(kind: str, style: RequestStyle, served: Served, truth: Any) -> None:
    for text, scored in zip(TEXTS, scores(kind, served, style, ALL), strict=True):
        exact = truth(tokens(served, text, style))
        yes, no = mass(exact, "Yes"), mass(exact, "No")
        assert scored is not None
        assert scored.yes == pytest.approx(yes, abs=1e-3)
        assert scored.no == pytest.approx(no, abs=1e-3)
        assert scored.p_yes == pytest.approx(yes / (yes + no), abs=1e-3)
        assert (scored.method, scored.unseen) == ("logprobs", "")


def test_the_scores_differ(served: Served) -> None:
    """Else the test above would show nothing."""
    found = [s.p_yes for s in scores("openai", served, "completion", ALL) if s]
    assert len(found) == len(TEXTS)
    assert max(found) - min(found) > 0.01


@pytest.mark.parametrize("top", [5, 20, 60])
def test_a_few_top_tokens_bound_the_score(top: int, served: Served, truth: Any) -> None:
    """What the published code calls 1.0 or 0.0 lies where the interval allows, and never at its ends."""
    for kind in ("openai", "transformers"):
        for text, scored in zip(TEXTS, scores(kind, served, "completion", top), strict=True):
            if scored is None:
                continue
            exact = truth(tokens(served, text, "completion"))
            yes, no = mass(exact, "Yes"), mass(exact, "No")
            assert 0 < scored.p_yes < 1
            low = scored.yes / (scored.yes + scored.no + scored.left)
            high = (scored.yes + scored.left) / (scored.yes + scored.no + scored.left)
            assert low - 1e-3 <= yes / (yes + no) <= high + 1e-3
            assert low - 1e-9 <= scored.p_yes <= high + 1e-9
