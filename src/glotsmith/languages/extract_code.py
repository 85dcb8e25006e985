"""Extract the program from a model's reply: choose among its blocks and text, and join it to a prefix.

Models reply in many forms. A correct program must be found in any form of reply. This module does not judge the
program: wrong code fails its suite. ``docs/replies.md`` states the rules.
"""

import re
from collections.abc import Iterable, Sequence
from itertools import islice

from glotsmith.languages.card import Card
from glotsmith.languages.continuation import cut_after_function
from glotsmith.languages.definitions import defined_names, defines, mentions
from glotsmith.languages.grammar import parses, top_level_nodes
from glotsmith.languages.parse_reply import (
    MAX_BLOCK_ENDS,
    MAX_PARSED_CHARS,
    ReplyPart,
    closing_fences,
    first_fence,
    has_unmatched_fence,
    parse_reply,
    whole_program_end,
)
from glotsmith.languages.spelling import language_of_label

_NOT_CODE = re.compile(
    "bash|console|diff|json|markdown|md|output|plaintext|sh|shell|shellsession|stderr|stdout|text|toml|txt|yaml|zsh"
)
_WORDS = r"[A-Za-z][A-Za-z'’-]*,?"
_PROSE = re.compile(
    rf"\s*(?:(?:[-*>]|#{{2,6}}|\d+[.)])\s+)?\**(?:[A-Z]\S*(?:\s+\S+){{2,}}[.:!?][\s*`)\"]*"  # a sentence
    rf"|(?=[A-Z]){_WORDS}(?:\s+{_WORDS}){{3,}}|(?=[A-Z]){_WORDS}(?:\s+{_WORDS}){{0,2}}:"
    rf"|{_WORDS}(?:\s+{_WORDS}){{3,}}[.!?:]\**|(?:Sure|Certainly|Okay|OK)\b.*)\Z"
)
_MAX_SIZE_RATIO = 6  #: size of the largest block / size of the smallest block that may be the program
_MIN_SIGNATURE_CHARS = 6  #: a line such as ``{`` is not a signature
_CODE_SIGN = re.compile(r"[(){}\[\]=;]|<-|->|\s[+*/%]\s")
_STRING = re.compile(r'"(?:\\.|[^"\\\n])*"' + r"|'(?:\\.|[^'\\\n])'")
_COMMENT = re.compile(r"\s*(?:--|#|;|//|\(\*|/\*|\"\"\"|''')")
_PLACEHOLDER = re.compile(r"\.\.\.|…|\bTODO\b|\b[Yy]our code\b")
_IMPORTS = re.compile(
    r"\s*(?:(?:import|open|use|using|library|require|#include|@import)\b[^;()={}\n]*(?:\([^()\n]*\))?[^()={}\n]*;?"
    r"|from\s+\S+\s+import\b.*|\(require\b.*\)|(?:local|const|let|var)\s+[\w{}, ]+=\s*require\b.*|#lang\b.*)\Z"
)


def extract_code(reply: str, card: Card, *, prefix: str = "", name: str = "") -> str | None:
    """Return the program in ``reply``, or None if it has none.

    Args:
        reply: the text that the model generated.
        card: the language of the program.
        prefix: the prefix that the reply should continue. It is put before the reply's text. If the text contains its
            own copy of the prefix, or is a whole program, it is returned without it.
        name: the function that the program should define. The last block that defines it and parses is chosen, with
            the imports and helpers of other blocks.

    """
    parsed = parse_reply(reply, card)
    for parts in (parsed.answer, parsed.draft):
        code = _program("".join(part.raw for part in parts), parts, card, prefix, name)
        if code is not None:
            return code
    return None


def first_block(text: str) -> ReplyPart | None:
    """Return the first fenced block of a reply that is not blank, or None."""
    return next((part for part in parse_reply(text).answer if part.code.strip()), None)


def looks_like_code(text: str) -> bool:
    """Return whether a text without fences may be a program: it has characters of code, and few sentences."""
    lines = [line for line in text.split("\n") if line.strip()]
    prose = sum(1 for line in lines if _PROSE.match(line) and not _COMMENT.match(line))
    return prose * 3 < len(lines) * 2 and _CODE_SIGN.search(text) is not None


def strip_reasoning(reply: str) -> str:
    """Return a reply without its reasoning, carriage returns, and the text after the end of its turn."""
    return parse_reply(reply).text


def _program(text: str, parts: Sequence[ReplyPart], card: Card, prefix: str, name: str) -> str | None:
    """Return the program in the parts of a reply; ``text`` is their concatenation."""
    if prefix and (body := _continuation(text, card, prefix)) is not None:
        code = join_prefix(prefix, body, card, name)
        return cut_after_function(card, code, len(prefix)) if code and code.startswith(prefix) else code
    if not prefix and (end := _end_of_opened_block(text, card, name)) is not None:
        parts = [ReplyPart("", True, "", text[:end]), *parse_reply(text[end:].partition("\n")[2], card).answer]
    code = _choose_program(parts, card, name)
    if code is not None:
        return join_prefix(prefix, code, card, name) if prefix else _strip_blank_lines(code)
    if any(part.is_block for part in parts):
        return None
    return _strip_blank_lines(_without_prose(text))


def _continuation(text: str, card: Card, prefix: str) -> str | None:
    """Return the text that directly continues a prefix, up to a fence that closes the prompt's block; else None."""
    fence = first_fence(text)
    if fence is None:
        return _trimmed(text)
    ends = [*(closing.start() for closing in islice(closing_fences(text), MAX_BLOCK_ENDS)), len(text)]
    end = whole_program_end(card, text, ends, prefix + _separator(prefix, text))
    if end is not None and _continues(text[:end]):
        return text[:end]
    before = text[: fence.start()]
    return before if _continues(before) and not fence["info"].strip() else None


def _continues(text: str) -> bool:
    return bool(text.strip()) and (_first_line(text)[:1].isspace() or looks_like_code(text))


def _end_of_opened_block(text: str, card: Card, name: str) -> int | None:
    """Return the end of a block that the prompt opened: a closing fence after code; None if there is none."""
    closing = [fence.start() for fence in islice(closing_fences(text), MAX_BLOCK_ENDS)]
    fence = first_fence(text)
    if not closing or fence is None:
        return None
    end = whole_program_end(card, text, closing)
    if end is None and not fence["info"].strip():
        end = closing[0]
    if end is None or not looks_like_code(text[:end]):
        return None
    code, rest = text[:end], text[end:].partition("\n")[2]
    is_complete = defines(card, code, name) if name else _parses(card, code)
    if has_unmatched_fence(text[end:]):
        return end if is_complete or not looks_like_code(rest) else None
    return end if is_complete and name and _parses(card, code) else None


# ------------------------------------------------------------------------------------------------ choice


def _choose_program(parts: Sequence[ReplyPart], card: Card, name: str) -> str | None:
    """Choose among blocks and text, in this order:

    1. those that define ``name``,
    2. those that are labelled with the language,
    3. any other code.

    A definition takes precedence over a label, because usage examples may have a label and the solution none.
    """
    blocks = [part for part in parts if part.is_block and part.code.strip()]
    labelled = [part for part in blocks if part.label in card.fences or language_of_label(part.label) == card.name]
    in_language = [part for part in blocks if part in labelled or not part.label]
    others = [part for part in blocks if not _NOT_CODE.fullmatch(part.label)]
    texts = [part._replace(code=_trimmed(part.raw)) for part in parts if not part.is_block]
    texts = [part for part in texts if looks_like_code(part.code)]
    texts += [part for part in blocks if _NOT_CODE.fullmatch(part.label)]  # programs may be labelled as plain text
    texts = [part for part in texts if _parses(card, part.code)]
    for group in (in_language, texts, labelled, others):
        defining = [part for part in group if defines(card, part.code, name)]
        if defining:
            return _with_helpers(_best(defining, card), in_language, card, name)
        if group is labelled and group:
            break
    group = labelled or [part for part in blocks if not part.label] or others
    return _best_of_all(group, card, name) if group else None


def _best(defining: Sequence[ReplyPart], card: Card) -> ReplyPart:
    """Return the last part that parses, preferably without ellipses and TODO marks."""
    ranks = [(_parses(card, p.code), not _PLACEHOLDER.search(p.code)) for p in defining]
    return max(zip(ranks, range(len(defining)), defining, strict=True))[2]


def _best_of_all(group: Sequence[ReplyPart], card: Card, name: str) -> str:
    """Return a program of parts that do not define ``name``.

    With a name, this is the first part that mentions it. Without a name, it is the last part that parses. Blocks much
    smaller than the largest are ignored.
    """
    group = [part for part in group if name and mentions(part.code, name)] or group
    largest = max(len(part.code) for part in group)
    group = [part for part in group if _MAX_SIZE_RATIO * len(part.code) >= largest]
    return group[0].code if name else _best(group, card).code


def _with_helpers(chosen: ReplyPart, in_language: Sequence[ReplyPart], card: Card, name: str) -> str:
    """Return a program with the imports and the definitions that it uses from other blocks."""
    code, found = chosen.code, [chosen.code]
    imports = any(_IMPORTS.match(line) for line in code.split("\n"))
    for part in reversed([p for p in in_language if p is not chosen and _parses(card, p.code)]):
        is_draft, defined = mentions(part.code, name), defined_names(card, code)
        for piece in reversed(_helpers_of_draft(name, part.code, card) if is_draft else [part.code]):
            new = defined_names(card, piece) - defined
            is_needed = not (is_draft and imports) if _is_imports(piece) else any(mentions(code, word) for word in new)
            if is_needed and piece.strip() not in code:
                code = f"{piece}\n{code}"
                found.append(piece)
    return _in_order(found[::-1])


def _helpers_of_draft(name: str, code: str, card: Card) -> list[str]:
    """Return the top-level parts of a program that do not mention ``name``, such as helpers of an earlier draft."""
    return [part for part in top_level_nodes(card.name, code) if not mentions(part, name)]


def _parses(card: Card, code: str) -> bool:
    """Return whether the grammar finds no error; a text that is too long for it is accepted."""
    return len(code) > MAX_PARSED_CHARS or parses(card.name, code) is not False


def _is_imports(code: str) -> bool:
    lines = [line for line in code.split("\n") if line.strip() and (_IMPORTS.match(line) or not _COMMENT.match(line))]
    return bool(lines) and all(_IMPORTS.match(line) for line in lines)


def _in_order(parts: Sequence[str]) -> str:
    """Join programs; a line that must be the first (``#lang``, ``<?php``, ``package``) occurs once, at the top."""
    heads, bodies = list[str](), list[str]()
    for part in parts:
        lines = part.strip("\n").split("\n")
        first = lines[0].strip()
        if first.startswith(("#lang", "<?php", "package ", "#!", "{-# LANGUAGE")):
            heads += [] if first in heads else [first]
            lines = lines[1:]
        bodies.append("\n".join(lines))
    return "\n".join([*heads, *bodies])


# ------------------------------------------------------------------------------------------------ prefixes


def join_prefix(prefix: str, text: str, card: Card, name: str) -> str | None:
    """Return the prefix followed by the text, the text alone if it is a whole program, or None for no text."""
    if not text.strip():
        return None
    if _is_whole(prefix, text, card, name):
        return _strip_blank_lines(_without_prose(text) or text)
    return f"{prefix}{_separator(prefix, text)}{text}".rstrip()


def _is_whole(prefix: str, text: str, card: Card, name: str) -> bool:
    """Return whether the text contains the prefix's signature, or defines ``name`` in another way.

    A text with an indented first line is a body, even if the definition is repeated after it.
    """
    if _first_line(text)[:1].isspace():
        return False
    signature = "".join(_signature(prefix, name).split())
    return bool(signature and signature in "".join(text.split())) or defines(card, text, name)


def _signature(prefix: str, name: str) -> str:
    lines = [line for line in prefix.split("\n") if len("".join(line.split())) >= _MIN_SIGNATURE_CHARS]
    named = [line for line in lines if name and mentions(line, name)]
    return (named or lines or [""])[-1]


def _separator(prefix: str, text: str) -> str:
    """Return the separator between prefix and text: a line break, unless one of them has white space there."""
    has_separator = prefix.endswith(("\n", " ", "\t", "(", "[", ",")) or re.match(r"\n| \S", text)
    return "" if has_separator else "\n"


def _first_line(text: str) -> str:
    return next((line for line in text.split("\n") if line.strip()), "")


# ------------------------------------------------------------------------------------------------ prose


def _without_prose(text: str) -> str:
    """Return the text without prose around it; "" if the rest is not code."""
    text = _trimmed(text)
    return text if looks_like_code(text) else ""


def _trimmed(text: str) -> str:
    """Return the lines from the first line of code to the last."""
    lines = text.split("\n")
    kept = [number for number, line in enumerate(lines) if line.strip() and not _PROSE.match(line)]
    if not kept:
        return ""
    only_blank = not any(line.strip() for line in lines[: kept[0]])
    return "\n".join(lines[0 if only_blank else kept[0] : kept[-1] + 1])


def _strip_blank_lines(code: str) -> str | None:
    """Strip blank lines around the code; return None if nothing remains."""
    return code.strip("\n").rstrip() or None


# ------------------------------------------------------------------------------------------------ braces


def stops_at_brace(stop: Iterable[str]) -> bool:
    """Return whether a stop token contains a brace, so that completions lack the brace that closes the function."""
    return any("}" in token for token in stop)


def restore_braces(card: Card, code: str, after: str = "") -> str:
    """Append the closing braces that a stop token has cut off, unless the text ``after`` contains them."""
    syntax = card.syntax
    marks = [rf"{re.escape(syntax.line_comment)}.*"] if syntax.line_comment else []
    if syntax.block_comment:
        begin, end = map(re.escape, syntax.block_comment[:2])
        marks.append(rf"{begin}[\s\S]*?{end}")
    comments = re.compile("|".join(marks) or r"(?!)")
    missing = sum(open_braces(comments.sub("", _STRING.sub("", text))) for text in (code, after))
    return code + "\n}" * max(missing, 0)


def open_braces(text: str) -> int:
    """Return the number of opening braces minus that of closing braces, outside strings."""
    bare = _STRING.sub("", text)
    return bare.count("{") - bare.count("}")
