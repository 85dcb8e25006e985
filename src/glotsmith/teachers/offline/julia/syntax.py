"""Write Julia text: names, literals, and expressions with their precedence.

``MARK`` stands before each name of the Python program until ``names.finish`` chooses the Julia names, because only the
whole text shows which names of Base the program needs.
"""

import math
import re
from dataclasses import dataclass

from glotsmith.teachers.offline.julia.kinds import CHAR
from glotsmith.teachers.offline.kinds import ANY, STR, ValueKind
from glotsmith.teachers.offline.refusals import refuse

MARK = "\x02"

# The operators of Julia, low to high
ASSIGN, CHOICE, OR, AND, COMPARE, RANGE, ADD, MUL, SHIFT, UNARY, POWER, PREFIX = range(1, 13)


@dataclass(frozen=True)
class Expr:
    """A Julia expression: its text, its precedence, and the kind of its value."""

    text: str
    prec: int = PREFIX
    kind: ValueKind = ANY
    whole: str = ""  #: the text of a ``Char`` as a string
    new: bool = False  #: a new container without another reference

    def at(self, prec: int) -> str:
        """Return the text, in parentheses if its precedence is lower than ``prec``."""
        return self.text if self.prec >= prec else f"({self.text})"

    def __str__(self) -> str:
        return self.text

    def as_string(self) -> "Expr":
        """Return a character as a string, and any other value as it is."""
        return Expr(self.whole or f"string({self.text})", PREFIX, STR) if self.kind == CHAR else self


def called(function: str, *arguments: Expr | str, kind: ValueKind = ANY, new: bool = False) -> Expr:
    """Write a call of a function."""
    return Expr(f"{function}({', '.join(map(str, arguments))})", PREFIX, kind, new=new)


_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t", "$": "\\$"}


def escape(text: str) -> str:
    """Write the contents of a string literal; characters beyond ASCII are written as they are."""
    out: list[str] = []
    for char in text:
        if char in _ESCAPES:
            out.append(_ESCAPES[char])
        elif ord(char) < 32 or ord(char) == 127:
            out.append(f"\\u{ord(char):04x}")
        elif 0xD800 <= ord(char) < 0xE000:
            raise refuse("a lone surrogate in a string")
        else:
            out.append(char)
    return "".join(out)


def quote(text: str) -> str:
    """Write a string literal."""
    return f'"{escape(text)}"'


def quote_char(char: str) -> str:
    """Write a character literal."""
    return "'\\''" if char == "'" else f"""'{'"' if char == '"' else "$" if char == "$" else escape(char)}'"""


def number(value: int | float) -> str:
    """Write a number literal, without sign."""
    if isinstance(value, int):
        if value >= 2**63:
            raise refuse(f"the integer {value}, which has more than 64 bits")
        return str(value)
    return "Inf" if math.isinf(value) else repr(value)


def is_simple(e: Expr | str) -> bool:
    """Whether the expression may be written twice: a name or a number."""
    return re.fullmatch(rf"{MARK}?[^\W\d]\w*|-?[\d.]+", str(e)) is not None


def plus(e: Expr | str, offset: int) -> str:
    """Write ``e + offset``, folding constants: ``i - 1`` plus 1 is ``i``."""
    text = e if isinstance(e, str) else e.at(ADD)
    if re.fullmatch(r"-?\d+", text):
        return str(int(text) + offset)
    folded = re.fullmatch(r"(.*[\w\])]) ([+-]) (\d+)", text)
    if folded and isinstance(e, Expr) and e.prec == ADD:
        offset += int(folded[3]) if folded[2] == "+" else -int(folded[3])
        text = folded[1]
    if offset == 0:
        return text
    return f"{text} {'+' if offset > 0 else '-'} {abs(offset)}"
