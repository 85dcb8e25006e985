"""The variables of the prompts that request translations, solutions and repairs (``translate.prompt_variables``)."""

from glotsmith.prompts import PromptInterface, PromptVariable
from glotsmith.records import IoCase

_SOURCE = 'def total(numbers: list[int]) -> int:\n    """Add the numbers."""\n    return sum(numbers)'
_COMMON = {
    "language": PromptVariable("name of the target language", "Lua"),
    "fence": PromptVariable("word after the fence of a block of code in the language", "lua"),
    "name": PromptVariable("name of the function", "total"),
    "docstring": PromptVariable("docstring of the function", "Add the numbers."),
    "docstring_comment": PromptVariable("the docstring in words of the language, as a comment", "-- Add the numbers."),
    "signature": PromptVariable("typed Python signature", "def total(numbers: list[int]) -> int"),
    "prefix": PromptVariable("begin of the program in the language", "local function total(numbers)"),
    "prelude": PromptVariable("lines with which each program of the language begins", "#lang racket"),
    "tests": PromptVariable("the first tests, as Python asserts", "assert total([1, 2]) == 3"),
    "forms": PromptVariable("how the language writes the values of the signature", "- a list: {1, 2}"),
    "calls": PromptVariable("the first tests as calls in the language", "total({1, 2})  -- 3"),
    "request": PromptVariable("sentences on what the program reads and writes", "Read the arguments from stdin."),
    "runs": PromptVariable("the first tests as pairs of stdin and stdout", [IoCase(stdin="[1, 2]\n", stdout="3\n")]),
    "whole_program": PromptVariable("whether the language has whole programs instead of functions", True),
}
_WITH_SOURCE = _COMMON | {
    "source": PromptVariable("the Python function; empty with source_in_prompt=false", _SOURCE),
    "source_comment": PromptVariable("the Python function as a comment of the language", "-- def total(numbers): …"),
    "heading": PromptVariable("heading above the function, as a comment", "-- ## Canonical Python Solution ##"),
}
_FAILED = {
    "code": PromptVariable("the failing program", "local function total(numbers) return 0 end"),
    "failure": PromptVariable("why it fails", "total([1, 2]) gives 0 instead of 3"),
}
_DESCRIPTIONS = ("docstring", "docstring_comment")
_SOURCES = ("source", "source_comment", *_DESCRIPTIONS)
_LANGUAGES = ("language", "prefix")

TRANSLATE = PromptInterface(_WITH_SOURCE, (_SOURCES, _LANGUAGES))
TRANSLATE_COMPLETION = PromptInterface(_WITH_SOURCE, (_SOURCES, ("prefix",)))  # the reply continues it
REPAIR = PromptInterface(_WITH_SOURCE | _FAILED, (("code",),))
SOLVE = PromptInterface(_COMMON, (_DESCRIPTIONS, _LANGUAGES))  # solvers must not see the reference
SOLVE_COMPLETION = PromptInterface(_COMMON, (_DESCRIPTIONS, ("prefix",)))
REPAIR_SOLUTION = PromptInterface(_COMMON | _FAILED, (("code",),))
