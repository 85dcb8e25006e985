"""Code out of what a model said: fences, prose, thoughts, and continuations of a prefix.

Models answer in forms of their own, and a right program in an unexpected form is a loss that nobody notices. What is
taken out is not judged here: wrong code fails its suite.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

_THOUGHT = re.compile(
    r"\A\s*(?:<(think|thinking|reasoning)>.*?(?:</\1>|\Z)|\[THINK\].*?(?:\[/THINK\]|\Z))", re.DOTALL | re.IGNORECASE
)
_END_OF_THOUGHT = re.compile(r"\A.*?(?:</think>|\[/THINK\])", re.DOTALL)  # the prompt opened it
_END_OF_TURN = re.compile(r"<\|(?:im_end|endoftext|eot_id|end_of_text|end|EOT)\|>.*", re.DOTALL)
_FENCE = re.compile(r"(?P<indent>[ \t>]*(?:(?:[-*+]|\d+[.)])[ \t]+)?)(?P<mark>`{3,}|~{3,})(?P<info>[^`\n]*)\Z")
_LABEL = re.compile(r"[{.\s]*([\w+#-]+)")
_NOT_CODE = re.compile(
    "bash|console|diff|json|markdown|md|output|plaintext|sh|shell|shellsession|stderr|stdout|text|toml|txt|yaml|zsh"
)
_WORDS = r"[A-Za-z][A-Za-z'’-]*,?"
_PROSE = re.compile(
    rf"\s*(?:(?:[-*>]|#{{2,6}}|\d+[.)])\s+)?\**(?:[A-Z]\S*(?:\s+\S+){{2,}}[.:!?][\s*`)\"]*"  # a sentence
    rf"|(?=[A-Z]){_WORDS}(?:\s+{_WORDS}){{3,}}|{_WORDS}(?:\s+{_WORDS}){{3,}}[.!?:]\**|(?:Sure|Certainly|Okay|OK)\b.*)\Z"
)
_MOST_BLOCKS = 64  #: more are not looked at: a reply of nothing but fences must not take forever
_SMALLEST = 6  #: a block this many times smaller than the largest is an aside
_SHORTEST_SIGNATURE = 6  #: characters; a last line of ``{`` says nothing
_CODE_SIGN = re.compile(r"[(){}\[\]=;]|<-|->|\s[+*/%]\s")
_COMMENT = re.compile(r"\s*(?:--|#|;|//|\(\*|/\*|\"\"\"|''')")


class Block(NamedTuple):
    """A fenced block."""

    label: str  #: first word after the fence, lower case; "" for none
    text: str


def extract_code(reply: str, fences: Sequence[str], *, continues: str = "", name: str = "") -> str | None:
    """Return the program in ``reply``, or None when there is none.

    Args:
        reply: what the model said.
        fences: the labels that blocks of the wanted language go by, lower case (``("ocaml", "ml")``).
        continues: the prefix that the reply was to continue: it is put in front, unless the reply has its own copy
            of it (which is then what counts) or is a whole program anyway.
        name: the function that is wanted. Among several blocks the first that mentions it is taken: a definition
            comes before its uses, and what comes before a definition (installation, a sketch) does not name it.

    """
    said = spoken(reply)
    if continues and (text := _continuation(said)) is not None:
        return _joined(continues, text, name)
    block = _chosen(list(islice(_blocks(said), _MOST_BLOCKS)), fences, name)
    if block is not None:
        return _joined(continues, block.text, name) if continues else _tidy(block.text)
    return _tidy(_without_prose(said))


def first_block(text: str) -> Block | None:
    """Return the first fenced block of a text that holds anything, or None."""
    return next((b for b in islice(_blocks(text), _MOST_BLOCKS) if b.text.strip()), None)


def looks_like_code(text: str) -> bool:
    """Whether a text without fences may be a program: it has signs of one, and is not mostly sentences."""
    return _is_code(text)


def spoken(reply: str) -> str:
    """Return what a reply says aloud: without its thought, what follows the end of its turn, and carriage returns."""
    return _END_OF_TURN.sub("", _without_thought(reply.replace("\r\n", "\n").replace("\r", "\n")))


def _without_thought(text: str) -> str:
    text, found = _THOUGHT.subn("", text)
    return text if found else _END_OF_THOUGHT.sub("", text)


def _continuation(said: str) -> str | None:
    """Return what directly continues a prefix: all up to a fence that closes what the prompt opened; else None."""
    before, fence, _ = _split_at_fence(said)
    if not fence:
        return _trimmed(said)
    is_body = _first_line(before)[:1].isspace() or _is_code(before)
    return before if is_body and not fence["info"].strip() else None


def _split_at_fence(text: str) -> tuple[str, re.Match[str] | None, str]:
    at = 0
    for line in text.splitlines(keepends=True):
        if fence := _FENCE.match(line.rstrip("\n")):
            return text[:at], fence, text[at + len(line) :]
        at += len(line)
    return text, None, ""


# ------------------------------------------------------------------------------------------------ fenced blocks


def _chosen(blocks: Sequence[Block], fences: Sequence[str], name: str) -> Block | None:
    """Choose among the blocks of the language, else those without label, else those that may be code at all."""
    filled = [b for b in blocks if b.text.strip()]
    for group in (
        [b for b in filled if b.label in fences],
        [b for b in filled if not b.label],
        [b for b in filled if not _NOT_CODE.fullmatch(b.label)],
    ):
        if group:
            return _first_good(group, name)
    return None


def _first_good(group: Sequence[Block], name: str) -> Block:
    group = [b for b in group if name and _mentions(b.text, name)] or group
    largest = max(len(b.text) for b in group)
    return next(b for b in group if _SMALLEST * len(b.text) >= largest)


def _blocks(text: str) -> Iterator[Block]:
    """Yield the fenced blocks (CommonMark §4.5), also unclosed, indented in lists, and quoted."""
    rest = text
    while True:
        _, fence, rest = _split_at_fence(rest)
        if fence is None:
            return
        lines = rest.split("\n")
        end = _end(lines, fence["mark"], nested=True) or _end(lines, fence["mark"], nested=False)
        end = end or _End(len(lines), len(lines))
        label = _LABEL.match(fence["info"])
        body = [*lines[: end.line], *([end.code] if end.code else [])]
        yield Block(label[1].lower() if label else "", "\n".join(_outdent(body, fence["indent"])))
        rest = "\n".join(lines[end.following :])


class _End(NamedTuple):
    line: int  #: the first that is no longer part of the block
    following: int  #: where to look for the next block
    code: str = ""  #: what stands before the fence on its own line


def _end(lines: Sequence[str], mark: str, *, nested: bool) -> _End | None:
    """Find the end of a block.

    A fence with a label, inside, opens a block of its own if ``nested``, as in docstrings of Julia; else it ends a
    block that was never closed.
    """
    depth = 0
    for number, line in enumerate(lines):
        fence = _FENCE.match(line)
        if fence and fence["mark"].startswith(mark):
            labelled = bool(fence["info"].strip())
            if labelled and not nested:
                return _End(number, number)
            depth += 1 if labelled else -1
            if depth < 0:
                return _End(number, number + 1)
        elif depth == 0 and line.rstrip().endswith(mark) and line.count(mark) == 1:
            return _End(number, number + 1, line.rstrip().removesuffix(mark))
    return None


def _outdent(lines: Sequence[str], indent: str) -> list[str]:
    """Take the opening fence's indentation off each line; of ``> `` in a quotation likewise."""
    if ">" in indent:
        lines = [re.sub(r"\A[ \t]*>[ \t]?", "", line) for line in lines]
        indent = indent.split(">")[-1].removeprefix(" ")
    width = len(indent.expandtabs(4))
    return [line[min(width, len(line) - len(line.lstrip(" \t"))) :] for line in lines]


# ------------------------------------------------------------------------------------------------ prefixes


def _joined(prefix: str, text: str, name: str) -> str | None:
    """Put the prefix in front of the text, unless the text is a whole program."""
    if not text.strip():
        return None
    if _is_whole(prefix, text, name):
        return _tidy(_without_prose(text) or text)
    return f"{prefix}{_glue(prefix, text)}{text}".rstrip()


def _is_whole(prefix: str, text: str, name: str) -> bool:
    """Whether the text has its own copy of the prefix's signature, or defines ``name`` in another way.

    A text that begins indented is a body, even if the definition is repeated after it.
    """
    if _first_line(text)[:1].isspace():
        return False
    signature = "".join(_signature(prefix, name).split())
    return bool(signature and signature in "".join(text.split())) or (bool(name) and _defines(prefix, text, name))


def _signature(prefix: str, name: str) -> str:
    lines = [line for line in prefix.split("\n") if len("".join(line.split())) >= _SHORTEST_SIGNATURE]
    named = [line for line in lines if name and _mentions(line, name)]
    return (named or lines or [""])[-1]


def _defines(prefix: str, text: str, name: str) -> bool:
    """Whether an unindented line defines ``name``, by a word that precedes it in the signature, or by assignment.

    A prefix can't know whether the function will call itself: ``let rec`` stands for ``let``.
    """
    words = re.findall(r"\w+", re.split(rf"(?<!\w){re.escape(name)}(?!\w)", _signature(prefix, name))[0])
    heads = "|".join(map(re.escape, words)) or r"(?!)"
    name = re.escape(name)
    defined = rf"^(?!\s).*?\b(?:{heads})(?:\s+rec)?[\s(]+{name}(?!\w)"
    assigned = rf"^{name}\b[^=\n]*?(?:<-|=(?!=))"
    return re.search(f"{defined}|{assigned}", text, re.M) is not None


def _glue(prefix: str, text: str) -> str:
    """Return what belongs between: a model that saw the prefix breaks the line itself, one that quotes does not."""
    goes_on = prefix.endswith(("\n", " ", "\t", "(", "[", ",")) or re.match(r"\n| \S", text)
    return "" if goes_on else "\n"


def _mentions(text: str, name: str) -> bool:
    return re.search(rf"(?<![\w.]){re.escape(name)}(?!\w)", text) is not None


def _first_line(text: str) -> str:
    return next((line for line in text.split("\n") if line.strip()), "")


# ------------------------------------------------------------------------------------------------ prose


def _without_prose(text: str) -> str:
    """Return the text without prose around it; nothing when what is left is not code."""
    text = _trimmed(text)
    return text if _is_code(text) else ""


def _trimmed(text: str) -> str:
    """Return the lines from the first to the last that is not prose."""
    lines = text.split("\n")
    kept = [number for number, line in enumerate(lines) if line.strip() and not _PROSE.match(line)]
    if not kept:
        return ""
    only_blank = not any(line.strip() for line in lines[: kept[0]])
    return "\n".join(lines[0 if only_blank else kept[0] : kept[-1] + 1])


def _is_code(text: str) -> bool:
    lines = [line for line in text.split("\n") if line.strip()]
    prose = sum(1 for line in lines if _PROSE.match(line) and not _COMMENT.match(line))
    return prose * 3 < len(lines) * 2 and _CODE_SIGN.search(text) is not None


def _tidy(code: str) -> str | None:
    """Strip blank lines around the code; None when nothing is left."""
    return code.strip("\n").rstrip() or None
