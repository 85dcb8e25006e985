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


#: names of functions that are parameters or variables in the library
_LOCAL_FUNCTIONS = {"f", "others", "clamped"}


def finish(code: str, library: str, entry: str, top_level: set[str]) -> str:
    """Return the text of a program: replace the marked names of ``code`` by Julia names, and put the library before.

    ``top_level`` has the names of the functions and constants of the program, which the library sees, too.
    """
    marked = set(_MARKED.findall(code))
    foreign = _functions(code)
    below = _functions(library) - _LOCAL_FUNCTIONS
    if entry in foreign | below:
        code, library = (re.sub(rf"(?<![\w.{MARK}]){entry}(?=\.?\()", f"Base.{entry}", t) for t in (code, library))
    names: dict[str, str] = {}
    for name in sorted(marked):
        used = foreign | below if name in top_level else foreign
        is_free = name == entry or (name not in used and name not in RESERVED)
        names[name] = name if is_free else _free(name, marked | used)
    text = _MARKED.sub(lambda m: names[m[1]], code)
    return f"{library}\n\n{text}" if library else text


def _functions(text: str) -> set[str]:
    """Return the names without a mark that a text calls, or passes as values."""
    return set(_FUNCTION.findall(text)) | set(_VALUE.findall(text))


def _free(name: str, taken: set[str]) -> str:
    while name in taken or name in RESERVED:
        name += "_"
    return name


def check_entry(name: str) -> None:
    """Refuse an entry function whose name is a reserved word."""
    if name in RESERVED:
        raise refuse(f"a function with the name {name}, which is reserved")
