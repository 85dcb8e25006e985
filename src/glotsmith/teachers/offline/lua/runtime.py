"""Read the library of Lua functions (``library/*.lua``), and choose the functions that a translation calls."""

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from glotsmith.teachers.offline.refusals import refuse

_FILES = ("basics", "numbers", "text", "strings", "maps", "lists", "choices")
_FUNCTION = re.compile(r"^local function (\w+)\(.*?^end$", re.MULTILINE | re.DOTALL)
_CALL = re.compile(r"(?<![\w.:\"])(?<!function )[A-Za-z_]\w*(?=\()")


@cache
def functions() -> dict[str, str]:
    """Return the library: name → text, ordered so that each function follows those that it calls."""
    folder = files("glotsmith.teachers.offline.lua") / "library"
    text = "\n".join((folder / f"{name}.lua").read_text("utf-8") for name in _FILES)
    return {match[1]: match[0] for match in _FUNCTION.finditer(text)}


def _needs(text: str) -> set[str]:
    return {word for word in _CALL.findall(text) if word in functions()}


def library_text(code: str, names: Mapping[str, str], *, ordered: bool) -> str:
    """Return the functions of the library that ``code`` calls directly or indirectly.

    With ``ordered``, the maps and sets that these functions make keep their order (the library calls them ``map``).
    ``names`` maps each required function to its name in this program.
    """
    taken = {old: new for old, new in names.items() if re.search(rf"\b{new}\b", code)}
    wanted: set[str] = set()
    todo = set(taken)
    while todo:
        name = todo.pop()
        if name not in functions():
            raise refuse(f"a call that needs {name}, which the library does not have")
        wanted.add(name)
        todo |= _needs(_variant(name, ordered)) - wanted
    texts = [_variant(name, ordered) for name in functions() if name in wanted]
    renamed = {old: new for old, new in names.items() if old != new and old in wanted}
    for old, new in renamed.items():
        texts = [re.sub(rf"(?<![\w.:\"]){old}\b", new, text) for text in texts]
    return "\n\n".join(texts)


def _variant(name: str, ordered: bool) -> str:
    text = functions()[name]
    return text.replace("local map = {}", "local map = Dict()") if ordered else text
