"""Write Lua text: names, literals, and expressions with their precedence."""

import math
import re
from dataclasses import dataclass

from glotsmith.teachers.offline.kinds import ANY, ValueKind
from glotsmith.teachers.offline.refusals import refuse

_RESERVED = """
    and break do else elseif end false for function goto if in local nil not or repeat return then true until while
"""
_GLOBALS = """
    assert error getmetatable ipairs load math next pairs pcall print rawequal rawget rawset require select
    setmetatable string table tonumber tostring type utf8 coroutine os io debug _G _ENV
"""
RESERVED = frozenset(_RESERVED.split())
GLOBALS = frozenset(_GLOBALS.split())

# Lua 5.4 reference manual §3.4.8, low to high
OR, AND, COMPARE, BITOR, BITXOR, BITAND, SHIFT, CONCAT, ADD, MUL, UNARY, POWER, LITERAL, PREFIX = range(1, 15)


@dataclass(frozen=True)
class LuaExpr:
    """A Lua expression: its text, its precedence, and the kind of its value."""

    text: str
    prec: int = PREFIX
    kind: ValueKind = ANY
    new: bool = False  #: a new table without another reference

    def with_precedence(self, prec: int) -> str:
        """Return the text, in parentheses if its precedence is lower than ``prec``."""
        return self.text if self.prec >= prec else f"({self.text})"

    def __str__(self) -> str:
        return self.text


def lua_name(python: str) -> str:
    """Return the Lua name of a Python variable: the same, except for reserved words and Lua's globals."""
    if not python.isascii():
        raise refuse(f"the name {python}, which is not ASCII")
    return f"{python}_" if python in RESERVED or python in GLOBALS else python


_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t", "\0": "\\0"}


def quote(text: str) -> str:
    """Write a string literal; characters beyond ASCII are written as they are."""
    out: list[str] = []
    for i, char in enumerate(text):
        if char == "\0" and text[i + 1 : i + 2].isdigit():
            out.append("\\x00")
        elif char in _ESCAPES:
            out.append(_ESCAPES[char])
        elif ord(char) < 32 or ord(char) == 127:
            out.append(f"\\x{ord(char):02x}")
        elif 0xD800 <= ord(char) < 0xE000:
            raise refuse("a lone surrogate in a string")
        else:
            out.append(char)
    return f'"{"".join(out)}"'


def number(value: int | float) -> str:
    """Write a number literal, without sign."""
    if isinstance(value, int):
        if value >= 2**63:
            raise refuse(f"the integer {value}, which has more than 64 bits")
        return str(value)
    if math.isinf(value):
        return "math.huge"
    return repr(value)


def is_simple(text: str) -> bool:
    """Whether the expression may be written twice: a name, a field, or a number."""
    return re.fullmatch(r'[A-Za-z_][\w.]*|-?[\d.]+|"[^"\\]{0,12}"', text) is not None


def plus(e: LuaExpr | str, offset: int) -> str:
    """Write ``e + offset``, folding constants: ``i - 1`` plus 1 is ``i``."""
    text = e if isinstance(e, str) else e.with_precedence(ADD)
    if re.fullmatch(r"-?\d+", text):
        return str(int(text) + offset)
    folded = re.fullmatch(r"(.*[\w\])]) ([+-]) (\d+)", text)
    if folded and isinstance(e, LuaExpr) and e.prec == ADD:
        offset += int(folded[3]) if folded[2] == "+" else -int(folded[3])
        text = folded[1]
    if offset == 0:
        return text
    return f"{text} {'+' if offset > 0 else '-'} {abs(offset)}"
