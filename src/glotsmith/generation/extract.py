"""Code out of what a model said: fences, prose, thoughts, and continuations of a prefix.

Models answer in forms of their own, and a right program in an unexpected form is a loss that nobody notices. What is
taken out is not judged here: wrong code fails its suite.
"""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

_THOUGHT = re.compile(
    r"\A\s*(?:<(think|thinking|reasoning)>.*?(?:</\1>|\Z)|\[THINK\].*?(?:\[/THINK\]|\Z))", re.DOTALL | re.IGNORECASE
)
_END_OF_THOUGHT = re.compile(r"\A.*?(?:</think>|\[/THINK\])", re.DOTALL)  # the prompt opened it
_END_OF_TURN = re.compile(r"<\|(?:im_end|endoftext|eot_id|end_of_text|end|EOT)\|>.*", re.DOTALL)
_FENCE = re.compile(r"(?P<indent>[ \t>]*(?:(?:[-*+]|\d+[.)])[ \t]+)?)(?P<mark>`{3,}|~{3,})(?P<info>[^`\n]*)\Z")
_LABEL = re.compile(r"[{.\s]*([\w+#-]+)")
_NOT_CODE = frozenset(("bash", "console", "diff", "json", "markdown", "md", "output", "plaintext", "sh", "shell"))
_NOT_CODE |= frozenset(("shellsession", "stderr", "stdout", "text", "toml", "txt", "yaml", "zsh"))
_WORDS = r"[A-Za-z'’-]+,?"
_PROSE = re.compile(
    rf"\s*(?:[-*#>]+\s+|\d+[.)]\s+)?\**(?:[A-Z]\S*(?:\s+\S+){{2,}}[.:!?][\s*`)\"]*"  # a sentence
    rf"|[A-Z]{_WORDS}(?:\s+{_WORDS}){{3,}}|{_WORDS}(?:\s+{_WORDS}){{3,}}[.!?:]\**|(?:Sure|Certainly|Okay|OK)\b.*)\Z"
)
_CODE_SIGN = re.compile(r"[(){}\[\]=;]|<-|->")
_COMMENT = re.compile(r"\s*(?:--|#|;|//|\(\*|/\*|\"\"\"|''')")


class _Block(NamedTuple):
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
    said = _END_OF_TURN.sub("", _without_thought(reply.replace("\r\n", "\n").replace("\r", "\n")))
    if continues and (text := _continuation(said)) is not None:
        return _joined(continues, text, name)
    block = _chosen(list(_blocks(said)), fences, name)
    if block is not None:
        return _joined(continues, block.text, name) if continues else _tidy(block.text)
    return _tidy(_without_prose(said))


def _without_thought(text: str) -> str:
    text, found = _THOUGHT.subn("", text)
    return text if found else _END_OF_THOUGHT.sub("", text)


def _continuation(said: str) -> str | None:
    """Return what directly continues a prefix: all up to the fence that the prompt may have opened; else None."""
    before, fence, _ = _split_at_fence(said)
    if not fence:
        trimmed = _without_prose(said)  # a chat model that leaves out the fence still says "Sure!"
        return said if _first_line(trimmed) == _first_line(said) else trimmed
    is_open = bool(fence["info"].strip()) or not before.strip() or not _is_code(before)
    return None if is_open else before


def _split_at_fence(text: str) -> tuple[str, re.Match[str] | None, str]:
    at = 0
    for line in text.splitlines(keepends=True):
        if fence := _FENCE.match(line.rstrip("\n")):
            return text[:at], fence, text[at + len(line) :]
        at += len(line)
    return text, None, ""


# ------------------------------------------------------------------------------------------------ fenced blocks


def _chosen(blocks: Sequence[_Block], fences: Sequence[str], name: str) -> _Block | None:
    """Choose among the blocks of the language, else those without label, else those that may be code at all."""
    filled = [b for b in blocks if b.text.strip()]
    for group in (
        [b for b in filled if b.label in fences],
        [b for b in filled if not b.label],
        [b for b in filled if b.label not in _NOT_CODE],
    ):
        if group:
            return _first_good(group, name)
    return None


def _first_good(group: Sequence[_Block], name: str) -> _Block:
    named = [b for b in group if name and _mentions(b.text, name)]
    if named:
        return named[0]
    largest = max(len(b.text) for b in group)
    return next(b for b in group if 4 * len(b.text) >= largest)  # smaller ones are asides


def _blocks(text: str) -> Iterator[_Block]:
    """Yield the fenced blocks (CommonMark §4.5), also unclosed, indented in lists, and quoted."""
    rest = text
    while True:
        _, fence, rest = _split_at_fence(rest)
        if fence is None:
            return
        lines = rest.split("\n")
        end = _end(lines, fence["mark"], nested=True) or _end(lines, fence["mark"], nested=False) or (len(lines), "")
        label = _LABEL.match(fence["info"])
        body = [*lines[: end[0]], *([end[1]] if end[1] else [])]
        yield _Block(label[1].lower() if label else "", "\n".join(_outdent(body, fence["indent"])))
        rest = "\n".join(lines[end[0] + 1 :])


def _end(lines: Sequence[str], mark: str, *, nested: bool) -> tuple[int, str] | None:
    """Find the line that closes a block, and what code stands on it before the fence.

    ``nested``: a fence with a label, inside, opens a block of its own, as in docstrings of Julia.
    """
    depth = 0
    for number, line in enumerate(lines):
        fence = _FENCE.match(line)
        if fence and fence["mark"].startswith(mark):
            if not fence["info"].strip():
                depth -= 1
            elif nested:
                depth += 1
            if depth < 0:
                return number, ""
        elif depth == 0 and line.rstrip().endswith(mark) and line.count(mark) == 1:
            return number, line.rstrip().removesuffix(mark)
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
    """Put the prefix in front, unless the text is a whole program: with the prefix's last line, or defining ``name``."""
    if not text.strip():
        return None
    if _has_own_prefix(prefix, text) or (name and _defines(text, name)):
        return _tidy(_without_prose(text) or text)
    glue = "" if prefix.endswith(("\n", " ")) or text.startswith(("\n", " ")) or not _starts_line(prefix) else "\n"
    return f"{prefix}{glue}{text}".rstrip()


def _has_own_prefix(prefix: str, text: str) -> bool:
    signature = "".join(_last_line(prefix).split())
    return bool(signature) and signature in "".join(text.split())


def _defines(text: str, name: str) -> bool:
    """Whether an unindented line names the function: a body's own lines are indented, or are its end."""
    return any(_mentions(line, name) for line in text.split("\n") if line[:1].strip() and not _COMMENT.match(line))


def _starts_line(prefix: str) -> bool:
    """Whether what continues the prefix belongs on a new line: not after a half-open expression."""
    return not prefix.rstrip().endswith(("(", ",", "["))


def _mentions(text: str, name: str) -> bool:
    return re.search(rf"(?<![\w.]){re.escape(name)}(?!\w)", text) is not None


def _first_line(text: str) -> str:
    return next((line for line in text.split("\n") if line.strip()), "")


def _last_line(text: str) -> str:
    return next((line for line in reversed(text.split("\n")) if line.strip()), "")


# ------------------------------------------------------------------------------------------------ prose


def _without_prose(text: str) -> str:
    """Return the lines from the first to the last that is not prose; nothing when too few of them are code."""
    lines = text.split("\n")
    while lines and (not lines[0].strip() or _PROSE.match(lines[0])):
        lines.pop(0)
    while lines and (not lines[-1].strip() or _PROSE.match(lines[-1])):
        lines.pop()
    return "\n".join(lines) if _is_code("\n".join(lines)) else ""


def _is_code(text: str) -> bool:
    lines = [line for line in text.split("\n") if line.strip()]
    prose = sum(1 for line in lines if _PROSE.match(line) and not _COMMENT.match(line))
    return prose * 2 < len(lines) and any(_CODE_SIGN.search(line) for line in lines)


def _tidy(code: str) -> str | None:
    """Strip blank lines around the code; None when nothing is left."""
    return code.strip("\n").rstrip() or None
