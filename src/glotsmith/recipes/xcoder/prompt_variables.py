"""The variables of the recipe's prompts."""

from collections.abc import Mapping

from glotsmith.prompts import PromptInterface, PromptVariable
from glotsmith.recipes.xcoder.proposals import DraftProblem

_DRAFT = DraftProblem(
    instruction="Add the numbers of a list.",
    name="total",
    signature="def total(numbers: list[int]) -> int",
    reference="def total(numbers):\n    return sum(numbers)",
    examples=("assert total([1, 2]) == 3",),
)
_STRUCTURED = {"structured": PromptVariable("whether the reply is a JSON object instead of sections", True)}
_FAILURES = {
    "frequent_failures": PromptVariable(
        "frequent failures of programs in the language: status → number", {"fail:wrong": 3}
    )
}
_AGENT = (
    _STRUCTURED
    | _FAILURES
    | {
        "agent": PromptVariable("name of the agent's language", "Lua"),
        "target": PromptVariable("name of the language that the problem is for", "OCaml"),
        "others": PromptVariable("names of the other agents' languages", ["OCaml", "R"]),
        "previous_problems": PromptVariable(
            "remembered problems, one line each", ["total: Add the numbers of a list. (kept)"]
        ),
        "notes": PromptVariable("the agent's last reflection", "Good: short problems"),
        "inspirations": PromptVariable("tasks to take inspiration from", ["Sort words by their length."]),
    }
)
_SNIPPET = _STRUCTURED | {
    "language": PromptVariable("name of the language of the snippet", "Lua"),
    "fence": PromptVariable("word after the fence of a block of code in the language", "lua"),
    "snippet": PromptVariable("the snippet", "function total(xs) … end"),
    "python": PromptVariable("whether the snippet is in Python", True),
}
_ONE_DRAFT = _AGENT | {"draft": PromptVariable("the draft: instruction, signature, reference, examples", _DRAFT)}
_OBJECTIONS = {"objections": PromptVariable("what the others and the memory object", ["Lua: it is too short."])}
_REFLECT = (
    _STRUCTURED
    | _FAILURES
    | {
        "agent": PromptVariable("name of the agent's language", "Lua"),
        "events": PromptVariable("the agent's last problems with their outcomes", ["total: Add the numbers. kept"]),
    }
)
_RUBRIC = _STRUCTURED | {
    "language": PromptVariable("name of the language of the answer", "Lua"),
    "fence": PromptVariable("word after the fence of a block of code in the language", "lua"),
    "instruction": PromptVariable("the instruction", "Add the numbers of a list."),
    "code": PromptVariable("the answer", "function total(xs) … end"),
    "points": PromptVariable("keys of the JSON object in the reply", "consistency, relevance"),
}

#: call → variables of its prompt
INTERFACES: Mapping[str, PromptInterface] = {
    "ds1": PromptInterface(_SNIPPET, (("snippet",),)),
    "ds2": PromptInterface(_SNIPPET, (("snippet",),)),
    "propose": PromptInterface(_AGENT, (("target", "agent"),)),
    "advise": PromptInterface(_ONE_DRAFT, (("draft",),)),
    "revise": PromptInterface(_ONE_DRAFT | _OBJECTIONS, (("draft",), ("objections",))),
    "vote": PromptInterface(
        _AGENT | {"drafts": PromptVariable("the drafts, each as in revise", [_DRAFT])}, (("drafts",),)
    ),
    "reflect": PromptInterface(_REFLECT, (("events",),)),
    "rubric": PromptInterface(_RUBRIC, (("instruction",), ("code",))),
}
