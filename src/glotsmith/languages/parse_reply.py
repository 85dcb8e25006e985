"""Read a model's reply: its thoughts, fenced blocks and text, and which of them contains which.

A mark counts only where it is one: a fence in a docstring, ``</think>`` in a string and a tag in inline code are text.
A block of a language ends where its text is a whole program to the language's grammar; only where no end makes one do
fences alone decide. ``docs/replies.md`` states the rules.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from glotsmith.languages.card import Card, get_card
from glotsmith.languages.grammar import is_whole_program
from glotsmith.languages.spelling import language_of_label

_MAX_BLOCKS = 64  #: more are not read: a reply of nothing but fences must not take forever
MAX_BLOCK_ENDS = 8  #: fences at which the end of one block is looked for
_MAX_TAGS = 256  #: quoted marks of thoughts and turns that are passed over
MAX_PARSED_CHARS = 20_000  #: characters; a grammar may take minutes for more of what is no program
_QUOTED_WITHIN = 200  #: characters on each side of a mark in which its quotes are looked for

_THOUGHT = r"think|thinking|thought|thoughts|reasoning|scratchpad"
_TAG = re.compile(
    rf"(?P<open><(?:{_THOUGHT})>|\[THINK\]|◁think▷|<\|begin_of_thought\|>|<\|channel\|>analysis<\|message\|>)"
    rf"|(?P<close></(?:{_THOUGHT})>|\[/THINK\]|◁/think▷|<\|end_of_thought\|>|<\|end\|>(?=\s*<\|start\|>))"
    r"|(?P<final><\|start\|>assistant(?:<\|channel\|>(?:final|commentary))?<\|message\|>|</?answer>)"
    r"|(?P<stop><\|(?:im_end|endoftext|eot_id|end_of_text|end|return|EOT)\|>|</s>)",
    re.IGNORECASE,
)
_FENCE = re.compile(
    r"^(?P<indent>[ \t>]*(?:(?:[-*+]|\d+[.)])[ \t]+)?)(?P<mark>`{3,}|~{3,})(?P<info>[^`\n]*)$", re.MULTILINE
)
_MARKUP = frozenset({"markdown", "md"})  #: a block of such text has blocks of its own
_LABEL = re.compile(r"[{.\s]*([\w+#-]+)")
_QUOTED = re.compile(r"(?<!\w)(['\"])(?:\\.|(?!\1)[^\\\n])*\1|(?<!`)`[^`\n]+`(?!`)")


class ReplyPart(NamedTuple):
    """A fenced block, or the text between blocks."""

    raw: str  #: as the reply has it, with the fences of a block
    is_block: bool = False
    label: str = ""  #: the first word after the opening fence, lower case; "" for none
    code: str = ""  #: what the block contains, without the indentation of its fence


class ParsedReply(NamedTuple):
    """What a reply contains beside its thoughts."""

    answer: tuple[ReplyPart, ...]
    draft: tuple[ReplyPart, ...] = ()  #: what came before a closing mark of a thought that the reply did not open

    @property
    def text(self) -> str:
        """The answer as it stands, or the draft where there is no answer."""
        answer, draft = ("".join(part.raw for part in parts) for parts in (self.answer, self.draft))
        return answer if answer.strip() else draft


def parse_reply(reply: str, card: Card | None = None) -> ParsedReply:
    """Return the parts of a reply that are not thoughts, up to the end of the turn.

    Args:
        reply: the text that the model generated.
        card: the language that blocks without a label are in, and a reply that is a program as a whole.

    """
    text = reply.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    if card is not None and _is_bare_program(card, text):
        return ParsedReply((ReplyPart(text),))
    answer, draft = list[ReplyPart](), list[ReplyPart]()
    for part in _parts(text, card):
        if part is None:
            answer, draft = [], answer
        else:
            answer.append(part)
    return ParsedReply(tuple(answer), tuple(draft))


def first_fence(text: str) -> re.Match[str] | None:
    """Return the first fence of a text."""
    return _FENCE.search(text)


def closing_fences(text: str, mark: str = "```") -> Iterator[re.Match[str]]:
    """Yield the fences without a label that can close a block which ``mark`` opened."""
    return (fence for fence in _FENCE.finditer(text) if fence["mark"].startswith(mark) and not fence["info"].strip())


def has_unmatched_fence(text: str) -> bool:
    """Return whether fences are left over: one closes a block that was open before the text, or is never closed."""
    is_open = False
    for fence in _FENCE.finditer(text):
        is_open = bool(fence["info"].strip()) or not is_open
    return is_open


def whole_program_end(card: Card, text: str, ends: Sequence[int], before: str = "") -> int | None:
    """Return the first of ``ends`` at which ``before`` and text are a program with its fences in literals, or None."""
    for end in ends:
        if end > MAX_PARSED_CHARS:
            break
        if not text[:end].strip():
            continue
        code = before + text[:end]
        within = [len(before) + fence.start("mark") for fence in _FENCE.finditer(text, 0, end) if fence.end() <= end]
        if is_whole_program(card, code, within):
            return end
    return None


# ------------------------------------------------------------------------------------------------ the scanner


def _is_bare_program(card: Card, text: str) -> bool:
    """Return whether a reply is a program and nothing else, with each mark of a fence or a thought in a literal."""
    marks = [found.start() for found in islice(_TAG.finditer(text), _MAX_BLOCKS)]
    marks += [found.start("mark") for found in islice(_FENCE.finditer(text), _MAX_BLOCKS)]
    return bool(marks) and len(text) <= MAX_PARSED_CHARS and is_whole_program(card, text, marks)


def _parts(text: str, card: Card | None) -> Iterator[ReplyPart | None]:
    """Yield the parts outside thoughts; None where a mark closes a thought that the reply did not open."""
    at = start = blocks = 0
    while at <= len(text):
        tag, fence = _next_tag(text, at), _FENCE.search(text, at) if blocks < _MAX_BLOCKS else None
        if fence and (tag is None or fence.start() <= tag.start()):
            yield ReplyPart(text[start : fence.start()])
            block, at = _block(text, fence, card)
            start, blocks = at, blocks + 1
            yield from _parts(block.code, card) if block.label in _MARKUP else (block,)
            continue
        yield ReplyPart(text[start : tag.start() if tag else len(text)])
        if tag is None or tag["stop"]:
            return
        end = _end_of_thought(text, tag.end()) if tag["open"] else tag.end()
        text, at, start = text[end:], 0, 0  # what follows a mark begins a line
        if tag["close"]:
            yield None


def _next_tag(text: str, at: int) -> re.Match[str] | None:
    """Return the next mark of a thought or of the end of a turn that is not quoted."""
    tags = islice(_TAG.finditer(text, at), _MAX_TAGS)
    return next((tag for tag in tags if not _is_quoted(text, tag.start())), None)


def _is_quoted(text: str, at: int) -> bool:
    """Return whether a position lies between quotes, or backticks, of its line."""
    start = max(text.rfind("\n", 0, at) + 1, at - _QUOTED_WITHIN)
    line = text[start : at + _QUOTED_WITHIN].split("\n", 1)[0]
    return any(q.start() < at - start < q.end() for q in _QUOTED.finditer(line))


def _end_of_thought(text: str, at: int) -> int:
    tags = (tag for tag in islice(_TAG.finditer(text, at), _MAX_TAGS) if tag["close"])
    closing = next((tag for tag in tags if not _is_quoted(text, tag.start())), None)
    return closing.end() if closing else len(text)


# ------------------------------------------------------------------------------------------------ blocks


class _BlockEnd(NamedTuple):
    code: int  #: where the code ends
    following: int  #: where reading goes on


def _block(text: str, fence: re.Match[str], card: Card | None) -> tuple[ReplyPart, int]:
    """Return the block that a fence opens (CommonMark §4.5; unclosed ones, too) and where the text after it begins."""
    label = _LABEL.match(fence["info"])
    word = label[1].lower() if label else ""
    body = text[fence.end() + 1 :]
    end = _end_of_block(body, fence["mark"], _card_of(word, card))
    code = "\n".join(_dedent(body[: end.code].removesuffix("\n").split("\n"), fence["indent"]))
    following = min(fence.end() + 1 + end.following, len(text))
    return ReplyPart(text[fence.start() : following], True, word, code), following


def _card_of(label: str, card: Card | None) -> Card | None:
    if not label or (card is not None and label in card.fences):
        return card
    return get_card(name) if (name := language_of_label(label)) else None


def _end_of_block(body: str, mark: str, card: Card | None) -> _BlockEnd:
    closing = [
        _BlockEnd(fence.start(), fence.end() + 1) for fence in islice(closing_fences(body, mark), MAX_BLOCK_ENDS)
    ]
    if closing and not body[: closing[0].code].strip():
        return closing[0]
    if card is not None:
        end = whole_program_end(card, body, [found.code for found in closing])
        if end is not None:
            return next(found for found in closing if found.code == end)
    by_fence = _by_fences(body, mark, nested=True) or _by_fences(body, mark, nested=False)
    end = by_fence or _BlockEnd(len(body), len(body))
    stop = next((tag for tag in _TAG.finditer(body, 0, end.code) if _ends_block(body, tag)), None)
    return _BlockEnd(stop.start(), stop.start()) if stop else end


def _ends_block(body: str, tag: re.Match[str]) -> bool:
    """Return whether a mark in a block that was not closed stands for itself: at the end of a turn, or alone."""
    if tag["stop"]:
        return not _is_quoted(body, tag.start())
    line = body[body.rfind("\n", 0, tag.start()) + 1 :].split("\n", 1)[0]
    return bool(tag["close"]) and line.strip() == tag[0]


def _by_fences(body: str, mark: str, *, nested: bool) -> _BlockEnd | None:
    """Find the end of a block by fences alone.

    A fence with a label, inside, opens a block of its own if ``nested``, as in docstrings of Julia; else it ends a
    block that was never closed.
    """
    depth = at = 0
    for line in body.split("\n"):
        fence = _FENCE.match(line)
        if fence and fence["mark"].startswith(mark):
            labelled = bool(fence["info"].strip())
            if labelled and not nested:
                return _BlockEnd(at, at)
            depth += 1 if labelled else -1
            if depth > _MAX_BLOCKS:
                return None
            if depth < 0:
                return _BlockEnd(at, at + len(line) + 1)
        elif depth == 0 and line.rstrip().endswith(mark) and line.count(mark) == 1:
            return _BlockEnd(at + len(line.rstrip().removesuffix(mark)), at + len(line) + 1)
        at += len(line) + 1
    return None


def _dedent(lines: Sequence[str], indent: str) -> list[str]:
    """Remove the indentation of the opening fence, or its ``> ``, from each line."""
    if ">" in indent:
        lines = [re.sub(r"\A[ \t]*>[ \t]?", "", line) for line in lines]
        indent = indent.split(">")[-1].removeprefix(" ")
    width = len(indent.expandtabs(4))
    return [line[min(width, len(line) - len(line.lstrip(" \t"))) :] for line in lines]
