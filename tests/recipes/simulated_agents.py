"""A simulated teacher of xcoder: every reply follows by rule from the prompt and a draw. No model is in it.

It knows the fourteen problems of ``small_corpus`` and has three favourites among them, which it poses again and again
unless the prompt tells it that it did so before.
"""

import ast
import doctest
import re

from small_corpus import LUA, SOURCE

from glotsmith.records import content_hash
from glotsmith.teachers.base import Reply, Request, Teacher

PARAMETERS = {
    "clamp": "x: int, low: int, high: int) -> int",
    "total": "xs: list[int]) -> int",
    "largest": "xs: list[int]) -> int",
    "count_vowels": "text: str) -> int",
    "backwards": "text: str) -> str",
    "factorial": "n: int) -> int",
    "fib": "n: int) -> int",
    "gcd": "a: int, b: int) -> int",
    "digits": "n: int) -> int",
    "evens": "xs: list[int]) -> list[int]",
    "is_prime": "n: int) -> bool",
    "running": "xs: list[int]) -> list[int]",
    "hamming": "a: str, b: str) -> int",
    "grade": "score: int) -> str",
}
FAVOURITES = 3
KNOWN = {n.name: n for n in ast.parse(SOURCE).body if isinstance(n, ast.FunctionDef)}
CALLS = {
    "ds1": "Gain inspiration from it",
    "ds2": "Write the instruction to which it is the answer",
    "revise": "Objections:",
    "propose": "Pose a new problem",
    "advise": "The chair's draft",
    "vote": "Which is best:",
    "reflect": "What was good about these",
    "rubric": "Give 1 (bad)",
    "solve": "Use the standard library only. Reply with the complete program",
}


def call_of(text: str) -> str:
    """Return the call that a prompt belongs to."""
    return next(call for call, mark in CALLS.items() if mark in text)


def reference(name: str) -> str:
    """Return a problem's Python function without its docstring."""
    node = KNOWN[name]
    bare = ast.FunctionDef(**{**vars(node), "body": node.body[1:]})
    return ast.unparse(ast.fix_missing_locations(bare))


def posed(name: str) -> str:
    """Return a problem as a reply poses it."""
    docstring = ast.get_docstring(KNOWN[name]) or ""
    examples = doctest.DocTestParser().get_examples(docstring)
    stated = "\n".join(f"assert {e.source.strip()} == {e.want.strip()}" for e in examples)
    return (
        f"[Instruction]\nWrite a function `{name}`. {docstring.splitlines()[0]}\n"
        f"[Signature]\ndef {name}({PARAMETERS[name]}\n"
        f"[Reference]\n```python\n{reference(name)}\n```\n[Examples]\n{stated}"
    )


def say(text: str, seed: int, sample: int, item: str = "") -> str:
    """Return what the simulated teacher says to a prompt; some of its replies are of no use.

    With an item, the draw depends on the item and the call, and the words of the prompt do not change it.
    """
    chance = int(content_hash(item or text, call_of(text) if item else "", str(seed), str(sample))[:6], 16)
    match call_of(text):
        case "propose" | "revise" if chance % 13 == 0:
            return "I would rather talk about something else."
        case "propose" | "revise":
            return posed(choose(text, chance))
        case "advise":
            return ("I am not sure.", '{"agree": false, "advice": "Another one."}', *['{"agree": true}'] * 4)[
                chance % 6
            ]
        case "vote":
            return f'{{"choice": {chance % 2 + 1}, "advice": ""}}'
        case "reflect":
            return '{"merits": ["Short."], "faults": ["Much the same again."]}'
        case "rubric":
            points = re.findall(r"keys: (.*)\.", text)[0].split(", ")
            return "{" + ", ".join(f'"{p}": {chance % 3 + 3}' for p in points) + "}"
        case "ds2":
            return "[Instruction]\nWrite this: " + content_hash(text)
        case "ds1":
            return "" if chance % 3 == 0 else posed(list(KNOWN)[chance % len(KNOWN)])
        case _:
            return solved(text, sample)


def choose(text: str, chance: int) -> str:
    """Return the problem to pose: a favourite, unless the prompt says that it was made, or is being repeated."""
    remembered = set(re.findall(r"^- (\w+): .*\(\w+\)$", text, re.MULTILINE)) | set(
        re.findall(r"it repeats (\w+),", text)
    )
    names = list(KNOWN)
    favourites, others = names[:FAVOURITES], names[FAVOURITES:]
    turn, further = chance % FAVOURITES, chance % len(others)
    order = favourites[turn:] + favourites[:turn] + others[further:] + others[:further]
    return next((name for name in order if name not in remembered), order[0])


def solved(text: str, sample: int) -> str:
    """Return a solution: in Lua wrong at first, in Python right."""
    [(language, name)] = re.findall(r"Write one (\w+) function named `(\w+)`", text)
    if language == "Python":
        return f"```python\n{reference(name)}\n```" if name in KNOWN else "I can't."
    codes = LUA.get(name, ["I can't."])
    return f"```lua\n{codes[min(sample, len(codes) - 1)]}\n```"


class Simulated(Teacher):
    """The simulated teacher in this process; it counts what it is asked."""

    name = "simulated"
    model = ""
    fingerprint = "simulated"
    structured = False

    def __init__(self) -> None:
        self.requests: list[str] = []

    async def reply(self, request: Request) -> Reply:
        """Answer by rule."""
        text = request.messages[0].content
        self.requests.append(call_of(text))
        return Reply(
            text=say(text, request.seed, request.sample, request.item), input_tokens=len(text), output_tokens=20
        )

    async def close(self) -> None:
        """Release nothing."""
