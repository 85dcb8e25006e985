"""The writer ``teacher``: request assertions (MultiPL-T §4.2). Only their arguments are used."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import msgspec

from glotsmith.prompts import Prompt, PromptInterface, PromptVariable
from glotsmith.records import Function
from glotsmith.teachers.base import Reply, Request, RequestStyle, Sampling, Teacher
from glotsmith.values import NotLiteral, Value, parse_test

_LINES_PER_TEST = 20  #: largest number of lines of an assertion
_PROMPTS = Path(__file__).parent / "prompts"
_VARIABLES = {
    "source": PromptVariable("the Python function", "def total(numbers):\n    return sum(numbers)"),
    "name": PromptVariable("name of the function", "total"),
}
_REQUIRED: dict[RequestStyle, tuple[tuple[str, ...], ...]] = {
    "chat": (("source",),),
    "completion": (("source",), ("name",)),  # the reply continues ``assert NAME(``
}


class SuiteRequestOptions(msgspec.Struct, frozen=True, kw_only=True):
    """The options of requests for suites. The defaults are those of the paper (``test_gen.py``)."""

    samples: int = 5  #: number of suites, whose tests are merged ("five independent test suites")
    sampling: Sampling = Sampling(temperature=0.2, top_p=0.95, max_tokens=512)
    style: RequestStyle = "chat"
    seed: int = 0
    prompt: Prompt | None = None  #: the prompt of the user; None for that of glotsmith


def suite_prompt(style: RequestStyle) -> Prompt:
    """Return the prompt of a style. Lineages contain its ``version``."""
    return Prompt(_PROMPTS / f"{style}.jinja", PromptInterface(_VARIABLES, _REQUIRED[style]))


async def request_suites(teacher: Teacher, function: Function, options: SuiteRequestOptions) -> list[Reply]:
    """Request ``samples`` suites of a function, and return the replies in order."""
    return await asyncio.gather(*(teacher.reply(_request(function, options, n)) for n in range(options.samples)))


def _request(function: Function, options: SuiteRequestOptions, sample: int) -> Request:
    prompt = options.prompt or suite_prompt(options.style)
    text = prompt.render(source=function.code.rstrip(), name=function.name)
    return Request.for_style(
        options.style,
        text,
        call="write_tests",
        item=function.id,
        sample=sample,
        sampling=options.sampling,
        seed=options.seed,
        context={"name": function.name, "source": function.program},
    )


def parse_arguments(reply: Reply, name: str, style: RequestStyle) -> Iterator[tuple[Value, ...]]:
    """Yield the arguments of each assertion about ``name`` in a reply. All must be literals, and there must be one.

    A completion continues the prompt, which ends in ``assert f(``, so its first assertion starts in the prompt. If a
    model repeats ``assert``, its first assertion is also found. (The vLLM script of MultiPL-T loses it.)
    """
    if reply.finish_reason not in ("stop", "length"):
        return
    head = f"assert {name}("
    complete = style == "chat" or reply.text.lstrip().startswith("assert ")
    lines = (reply.text if complete else head + reply.text).split("\n")
    for number, line in enumerate(lines):
        if line.lstrip().startswith("assert "):
            call = _parse_assertion(lines[number : number + _LINES_PER_TEST], name)
            if call:
                yield call


def _parse_assertion(lines: list[str], name: str) -> tuple[Value, ...] | None:
    for end in range(1, len(lines) + 1):
        try:
            call = parse_test("\n".join(lines[:end]), name)
        except NotLiteral:
            if end > 1 and lines[end - 1].lstrip().startswith("assert "):
                return None
            continue
        return call.arguments if call.function == name else None
    return None
