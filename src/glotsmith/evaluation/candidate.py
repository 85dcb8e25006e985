"""Make the program to judge from the reply of a model.

A base model continues the prefix. A chat model writes the whole function with its own copy of the prefix. This copy
replaces the prefix of the benchmark, because most programs fail if they contain both. Completions that other tools
truncated or completed are judged as they are stored.
"""

import re
from collections.abc import Sequence

from glotsmith.evaluation.questions import Question, ReplyStyle
from glotsmith.languages import Card, get_card
from glotsmith.languages.extract_code import extract_code, join_prefix, open_braces, restore_braces
from glotsmith.languages.json_calls import exchanges_json


def candidate_program(question: Question, reply: str, style: ReplyStyle) -> str | None:
    """Return the program of a reply, or None if the reply has no code."""
    if style == "whole":
        text = (
            reply if question.prefix else text_before_stop(reply, question.stop)
        )  # DS-1000 marks the end of a solution
        return text if text.strip() else None
    if style != "chat":
        return close_braces(
            question, f"{question.prefix}{text_before_stop(reply, question.stop) if style == 'completion' else reply}"
        )
    card = get_card(question.language)
    code = extract_code(reply, card, name=question.name)
    if code is None or not question.prefix or (question.tests and exchanges_json(question.language)):
        return code
    whole = join_prefix(question.prefix, code, card, question.name)
    return None if whole is None else _adapt_whole_program(question, whole, card)


def text_before_stop(text: str, stop: Sequence[str]) -> str:
    """Return the text before the first stop token."""
    ends = [at for token in stop if token and (at := text.find(token)) >= 0]
    return text[: min(ends)] if ends else text


def close_braces(question: Question, code: str) -> str:
    """Append the closing braces that the stop tokens removed, unless the tests have them."""
    return restore_braces(get_card(question.language), code, question.after) if question.unclosed else code


def _adapt_whole_program(question: Question, code: str, card: Card) -> str:
    """Adapt the whole program of a model so that it replaces the prefix and a continuation."""
    missing = [part for part in preamble(question, card) if part.strip() not in code]
    code = "\n".join([*missing, code])
    closing = -open_braces(question.after) if "{" in question.prefix else 0
    while closing > 0 and open_braces(code) < closing and code.rstrip().endswith("}"):
        code = code.rstrip()[:-1]
    return code


def preamble(question: Question, card: Card) -> list[str]:
    """Return the part of a prefix before its comment and signature: imports, helpers, ``#lang``, an open class."""
    lines = question.prefix.split("\n")
    at = next((i for i, line in enumerate(lines) if defines(line, question.name)), 0)
    head = lines[:at]
    if question.language == "python":  # helpers are separate functions: keep all of them or none
        return ["\n".join(head)] if any(line.strip() for line in head) else []
    marks = tuple(m for m in (card.syntax.line_comment, *card.syntax.block_comment) if m)
    kept = list[str]()
    for line in head:
        if line.strip().startswith(marks) and not line.startswith(("#lang", "#include", "#!")):
            if card.syntax.block_comment and line.strip().startswith(card.syntax.block_comment[0]):
                break  # a comment of several lines: only the signature follows
            continue
        if line.strip() in ('"""', "'''") or line.startswith('"""'):
            break
        kept.append(line)
    return [line for line in kept if line.strip()]


def defines(line: str, name: str) -> bool:
    """Return whether a line that is not a comment names a function, as a signature does."""
    return (
        bool(name)
        and bool(re.search(rf"(?<![\w.]){re.escape(name)}(?!\w)", line))
        and not line.lstrip().startswith(("#", "//", "--", ";", "(*", "*", ">>>", "%", '"'))
    )
