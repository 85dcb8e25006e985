"""Read the library of Julia functions (``library/*.jl``), and choose the functions that a translation calls.

A blank line separates two functions. A function may have several methods.
"""

import re
from functools import cache
from importlib.resources import files

_FILES = ("dicts", "values", "text", "strings", "lists")
_NAME = re.compile(r"(?:mutable struct |function |)(\w+)")
_WORD = re.compile(r"(?<![\w.\x02])[^\W\d]\w*(?=[({,)]|\.\()")


@cache
def functions() -> dict[str, str]:
    """Return the library: name → text, ordered so that each function follows those that it calls."""
    folder = files("glotsmith.teachers.offline.julia") / "library"
    found: dict[str, str] = {}
    for name in _FILES:
        for part in (folder / f"{name}.jl").read_text("utf-8").strip().split("\n\n"):
            match = _NAME.match(part)
            assert match is not None, part
            found[match[1]] = part
    return found


def add_library(code: str, entry: str, *, ordered: bool) -> tuple[str, str]:
    """Return ``code``, and the functions of the library that it calls directly or indirectly.

    With ``ordered``, the dicts that these functions make keep their order. A function of the library that has the name
    of the entry function gets another name.
    """
    wanted: set[str] = set()
    todo = {word for word in _WORD.findall(code) if word in functions()}
    while todo:
        name = todo.pop()
        wanted.add(name)
        todo |= {word for word in _WORD.findall(_variant(name, ordered)) if word in functions()} - wanted
    library = "\n\n".join(_variant(name, ordered) for name in functions() if name in wanted)
    if entry in wanted:
        code, library = (re.sub(rf"(?<![\w.\x02]){entry}(?=[(,)]|\.\()", f"py_{entry}", t) for t in (code, library))
    return code, library


def _variant(name: str, ordered: bool) -> str:
    text = functions()[name]
    return re.sub(r"(?<!\w)Dict\{T", "OrderedDict{T", text) if ordered and name == "counter" else text
