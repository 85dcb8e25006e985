"""Choose the Julia names of the Python names in a text.

A name of the program that the text also uses as a function of Base or of the library, or that is a reserved word, gets
an underscore at its end. The entry function keeps its name: there, calls of Base are qualified.
"""

import re

from glotsmith.teachers.offline.julia.syntax import MARK
from glotsmith.teachers.offline.refusals import refuse

_RESERVED = """
    baremodule begin break catch const continue do else elseif end export false finally for function global if import
    in isa let local macro module mutable abstract primitive quote return struct true try type using where while outer
    nothing missing Any Bool Char Dict Float64 Inf Int64 NaN Set String Tuple Union Vector ans eval include
"""
RESERVED = frozenset(_RESERVED.split())
_MARKED = re.compile(rf"{MARK}(\w+)")
_FUNCTION = re.compile(rf"(?<![\w.{MARK}])([^\W\d]\w*!?)(?=\.?\(|\{{)")
_VALUE = re.compile(rf"(?<![\w.{MARK}])([^\W\d]\w*)(?=[,)\s\]]|$)(?! =)")


def finish(text: str, entry: str) -> str:
    """Replace the marked names of a text by Julia names."""
    marked = set(_MARKED.findall(text))
    foreign = set(_FUNCTION.findall(text)) | set(_VALUE.findall(text))
    if entry in foreign:
        text = re.sub(rf"(?<![\w.{MARK}]){entry}(?=\.?\()", f"Base.{entry}", text)
    names: dict[str, str] = {}
    for name in sorted(marked):
        names[name] = _free(name, marked | foreign) if (name in foreign or name in RESERVED) and name != entry else name
    return _MARKED.sub(lambda m: names[m[1]], text)


def _free(name: str, taken: set[str]) -> str:
    while name in taken or name in RESERVED:
        name += "_"
    return name


def check_entry(name: str) -> None:
    """Refuse an entry function whose name is a reserved word."""
    if name in RESERVED:
        raise refuse(f"a function with the name {name}, which is reserved")
