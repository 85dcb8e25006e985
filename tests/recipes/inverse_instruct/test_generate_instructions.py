import asyncio

import pytest

from glotsmith.recipes.inverse_instruct.generate_instructions import (
    PREFIXES,
    GenerateInstructions,
    contains_program,
    with_opening,
)
from glotsmith.recipes.inverse_instruct.recipe import prompts_of
from glotsmith.recipes.inverse_instruct.snippet_requests import SnippetRequest, StylePrompts
from glotsmith.records import Origin, Snippet, SnippetWithInstructions
from glotsmith.step import Result
from glotsmith.teachers.base import Reply, Request, Sampling, Teacher

CODE = "local function add(a, b)\n  local sum = a + b\n  return sum\nend"


class Recording(Teacher):
    """Says by sample what it was told to say, and notes what it was asked."""

    name, model, fingerprint = "recording", "", "x"
    structured = False

    def __init__(self, texts: list[str]) -> None:
        self.texts, self.requests = texts, list[Request]()

    async def reply(self, request: Request) -> Reply:
        self.requests.append(request)
        await asyncio.sleep(0.01 * (len(self.texts) - request.sample))  # the last question is answered first
        return Reply(text=self.texts[request.sample])

    async def close(self) -> None:
        """Hold nothing."""


def snippet(**fields: str) -> Snippet:
    given = {"id": "s1", "language": "lua", "code": CODE, **fields}
    return Snippet(origin=Origin(source="x", path="1"), **given)  # type: ignore[arg-type]


def generated(teacher: Teacher, item: Snippet, style: str = "chat", count: int = 3) -> Result[SnippetWithInstructions]:
    prompts: StylePrompts = prompts_of("generate")
    question = SnippetRequest("generate", teacher, prompts, style, Sampling(temperature=0.8))  # type: ignore[arg-type]
    return asyncio.run(GenerateInstructions(question, count).run(item.id, item))


def test_summaries_are_joined_to_their_sample_whatever_the_order_of_replies() -> None:
    result = generated(Recording(["Write 0.", "Write 1.", "Write 2."]), snippet())
    (kept,) = result.kept
    assert [(s.sample, s.text) for s in kept.item.summaries] == [(0, "Write 0."), (1, "Write 1."), (2, "Write 2.")]
    assert len({s.id for s in kept.item.summaries}) == 3


def test_openings_differ_by_sample_and_snippet_and_are_the_same_again() -> None:
    def openings(item: Snippet) -> list[str]:
        teacher = Recording(["Write it."] * 10)
        generated(teacher, item, style="completion", count=10)
        return [r.prompt.rsplit("\n", 1)[1] for r in sorted(teacher.requests, key=lambda r: r.sample)]

    first = openings(snippet())
    assert openings(snippet()) == first != openings(snippet(id="s2"))
    assert len(set(first)) > 3
    assert all(o.removesuffix(" Lua") in PREFIXES for o in first)
    assert any(o.endswith("an OCaml") for o in openings(snippet(language="ocaml")))


def test_a_chat_is_asked_with_the_papers_words() -> None:
    teacher = Recording(["Write it."])
    generated(teacher, snippet(), count=1)
    (message,) = teacher.requests[0].messages
    assert message.content.startswith("This is a response code snippet to a programming problem")
    assert f"```lua\n{CODE}\n```" in message.content


def test_an_original_passes_unasked() -> None:
    teacher = Recording([])
    assert generated(teacher, snippet(kind="original")).kept[0].item.summaries == ()
    assert teacher.requests == []


@pytest.mark.parametrize(
    ("text", "continues", "expected"),
    [
        ("Write a Lua function.", False, "Write a Lua function."),
        ("write a lua function.", True, "write a lua function."),
        ("function that adds.", False, "Write a Lua function that adds."),
        (" function that adds.", True, "Write a Lua function that adds."),
        ("Design a function.", False, "Design a function."),
        ("**Problem Description:** Write a Lua function.", False, "Write a Lua function."),
        ("## Problem\n\nWrite a Lua function.", False, "Write a Lua function."),
    ],
)
def test_an_instruction_has_its_opening_once(text: str, continues: bool, expected: str) -> None:
    assert with_opening(text, "Write a Lua", continues=continues) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Write a Lua function that adds two numbers.", False),
        ("Write `local function add(a, b)`, which adds.", False),  # a signature may be told
        (f"Write this:\n```lua\n{CODE}\n```", True),
        ("Write local function add(a,b), with local sum=a+b and then return sum.", True),
        ("Write:\n    local sum = a + b\n    return sum", True),
    ],
)
def test_an_instruction_must_not_hold_the_program(text: str, expected: bool) -> None:
    assert contains_program(text, snippet()) is expected


#: language → program, its documentation, and its code
DOCUMENTED = {
    "python": (
        "def unscale(x, mean, std):\n@\n    return x * std + mean",
        '    """\n    Reverse a normalization.\n    It requires the mean.\n    """\n    # as scikit-learn does',
    ),
    "lua": (
        "@\nlocal function unscale(x, mean, std)\n  return x * std + mean\nend",
        "-- Reverse a normalization.\n-- It requires the mean.\n-- It requires the standard deviation.",
    ),
    "ocaml": (
        "@\nlet unscale x mean std =\n  x *. std +. mean",
        "(* Reverse a normalization.\n   It requires the mean\n   and the standard deviation. *)",
    ),
    "php": (
        "@\nfunction unscale($x, $m, $s) {\n  return $x * $s + $m;\n}",
        "/** Reverse a normalization.\n * It requires the mean.\n * It requires the standard deviation. */",
    ),
}


@pytest.mark.parametrize("language", DOCUMENTED)
def test_documentation_is_no_part_of_the_program(language: str) -> None:
    template, documentation = DOCUMENTED[language]
    program = snippet(language=language, code=template.replace("@", documentation))
    assert contains_program(f"Write this:\n{template.replace('@', '')}", program)
    assert not contains_program(f"Write what this describes:\n{documentation}", program)


def test_one_line_leaks_as_a_whole() -> None:
    assert contains_program("Write f = lambda x: x", snippet(language="python", code="f = lambda x: x"))
    assert not contains_program("Write the identity.", snippet(language="python", code="f = lambda x: x"))


def test_the_documentation_alone_is_not_the_program() -> None:
    assert not contains_program("Write anything.", snippet(code="-- nothing else"))
