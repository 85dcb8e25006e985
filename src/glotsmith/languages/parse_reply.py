"""Parse a model's reply into fenced blocks and text, without its reasoning.

Marks inside other text are text: a fence in a docstring, ``</think>`` in a string, a tag in inline code. A block ends
at the first closing fence at which its text is a whole program by the grammar of its language; if there is no such
fence, fences alone decide. ``docs/replies.md`` states the rules.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from glotsmith.languages.card import Card, get_card
from glotsmith.languages.grammar import is_whole_program
from glotsmith.languages.spelling import language_of_label

_MAX_BLOCKS = 64  #: blocks of a reply that are read, to limit the time for replies with many fences
MAX_BLOCK_ENDS = 8  #: closing fences that are tried as the end of one block
_MAX_TAGS = 256  #: quoted marks of reasoning and turns that are skipped
MAX_PARSED_CHARS = 20_000  #: a grammar may take minutes for longer texts that are not programs
_QUOTED_WITHIN = 200  #: characters on each side of a mark that are searched for quotes

_REASONING_TAGS = r"think|thinking|thought|thoughts|reasoning|scratchpad"
_TAG = re.compile(
    rf"(?P<open><(?:{_REASONING_TAGS})>|\[THINK\]|◁think▷|<\|begin_of_thought\|>|<\|channel\|>analysis<\|message\|>)"
    rf"|(?P<close></(?:{_REASONING_TAGS})>|\[/THINK\]|◁/think▷|<\|end_of_thought\|>|<\|end\|>(?=\s*<\|start\|>))"
    r"|(?P<final><\|start\|>assistant(?:<\|channel\|>(?:final|commentary))?<\|message\|>|</?answer>)"
    r"|(?P<stop><\|(?:im_end|endoftext|eot_id|end_of_text|end|return|EOT)\|>|</s>)",
    re.IGNORECASE,
)
_FENCE = re.compile(
    r"^(?P<indent>[ \t>]*(?:(?:[-*+]|\d+[.)])[ \t]+)?)(?P<mark>`{3,}|~{3,})(?P<info>[^`\n]*)$", re.MULTILINE
)
_MARKUP = frozenset({"markdown", "md"})  #: labels of blocks that contain blocks
_LABEL = re.compile(r"[{.\s]*([\w+#-]+)")
_QUOTED = re.compile(r"(?<!\w)(['\"])(?:\\.|(?!\1)[^\\\n])*\1|(?<!`)`[^`\n]+`(?!`)")


class ReplyPart(NamedTuple):
    """A fenced block, or the text between blocks."""

    raw: str  #: as in the reply, with the fences of a block
    is_block: bool = False
    label: str = ""  #: the first word after the opening fence, lower case; "" for none
    code: str = ""  #: the contents of the block, without the indentation of its fence


class ParsedReply(NamedTuple):
    """The parts of a reply without its reasoning."""

    answer: tuple[ReplyPart, ...]
    draft: tuple[ReplyPart, ...] = ()  #: the parts before an unmatched closing mark of reasoning

    @property
    def text(self) -> str:
        """The text of the answer, or of the draft if the answer is blank."""
        answer, draft = ("".join(part.raw for part in parts) for parts in (self.answer, self.draft))
        return answer if answer.strip() else draft


def parse_reply(reply: str, card: Card | None = None) -> ParsedReply:
    """Return the parts of a reply that are not reasoning, up to the end of the turn.

    Args:
        reply: the text that the model generated.
        card: the language of blocks without a label, and of a reply that is a program as a whole.

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
    """Yield the fences without a label that can close a block opened by ``mark``."""
    return (fence for fence in _FENCE.finditer(text) if fence["mark"].startswith(mark) and not fence["info"].strip())


def has_unmatched_fence(text: str) -> bool:
    """Return whether a fence has no partner: it closes a block opened before the text, or is never closed."""
    is_open = False
    for fence in _FENCE.finditer(text):
        is_open = bool(fence["info"].strip()) or not is_open
    return is_open


def whole_program_end(card: Card, text: str, ends: Sequence[int], before: str = "") -> int | None:
    """Return the first of ``ends`` at which ``before`` and text are a whole program, or None.

    Fences inside the program must be in strings or comments.
    """
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
    """Return whether a reply is a program only, with each mark of a fence or of reasoning in a literal."""
    marks = [found.start() for found in islice(_TAG.finditer(text), _MAX_BLOCKS)]
    marks += [found.start("mark") for found in islice(_FENCE.finditer(text), _MAX_BLOCKS)]
    return bool(marks) and len(text) <= MAX_PARSED_CHARS and is_whole_program(card, text, marks)


def _parts(text: str, card: Card | None) -> Iterator[ReplyPart | None]:
    """Yield the parts outside reasoning, and None at an unmatched closing mark of reasoning."""
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
        end = _end_of_reasoning(text, tag.end()) if tag["open"] else tag.end()
        text, at, start = text[end:], 0, 0  # the text after a mark begins a line
        if tag["close"]:
            yield None


def _next_tag(text: str, at: int) -> re.Match[str] | None:
    """Return the next mark of reasoning or of the end of a turn that is not quoted."""
    tags = islice(_TAG.finditer(text, at), _MAX_TAGS)
    return next((tag for tag in tags if not _is_quoted(text, tag.start())), None)


def _is_quoted(text: str, at: int) -> bool:
    """Return whether a position is between quotes or backticks in its line."""
    start = max(text.rfind("\n", 0, at) + 1, at - _QUOTED_WITHIN)
    line = text[start : at + _QUOTED_WITHIN].split("\n", 1)[0]
    return any(q.start() < at - start < q.end() for q in _QUOTED.finditer(line))


def _end_of_reasoning(text: str, at: int) -> int:
    tags = (tag for tag in islice(_TAG.finditer(text, at), _MAX_TAGS) if tag["close"])
    closing = next((tag for tag in tags if not _is_quoted(text, tag.start())), None)
    return closing.end() if closing else len(text)


# ------------------------------------------------------------------------------------------------ blocks


class _BlockEnd(NamedTuple):
    code: int  #: offset of the end of the code
    following: int  #: offset of the text after the block


def _block(text: str, fence: re.Match[str], card: Card | None) -> tuple[ReplyPart, int]:
    """Return the block that a fence opens (CommonMark §4.5), closed or not, and the offset of the text after it."""
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
    """Return whether a mark ends an unclosed block: the end of a turn, or a closing mark alone in its line."""
    if tag["stop"]:
        return not _is_quoted(body, tag.start())
    line = body[body.rfind("\n", 0, tag.start()) + 1 :].split("\n", 1)[0]
    return bool(tag["close"]) and line.strip() == tag[0]


def _by_fences(body: str, mark: str, *, nested: bool) -> _BlockEnd | None:
    """Return the end of a block by fences alone.

    If ``nested``, an inner fence with a label opens another block, as in docstrings of Julia; otherwise it ends the
    block, which was not closed.
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
