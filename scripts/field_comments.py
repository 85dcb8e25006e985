"""Document fields by their ``#:`` comments: an extension of Griffe, which reads ``src`` for ``docs/api.md``."""

import re
from typing import Any

import griffe

_COMMENT = re.compile(r"\s*#: ?(.*)")


class FieldComments(griffe.Extension):
    """Use the comment above a field, or at the end of its line, as its docstring."""

    def on_attribute_instance(self, *, attr: griffe.Attribute, **_: Any) -> None:
        """Set the docstring of a field that has none."""
        if attr.docstring or not attr.lineno:
            return
        lines = attr.lines_collection[attr.filepath]
        text = self._at_the_end(lines, attr) or self._above(lines, attr.lineno - 1)
        if text:
            attr.docstring = griffe.Docstring(text, parent=attr)

    @staticmethod
    def _at_the_end(lines: list[str], attr: griffe.Attribute) -> str:
        _, mark, text = lines[(attr.endlineno or attr.lineno) - 1].partition("#: ")
        return text.strip() if mark else ""

    @staticmethod
    def _above(lines: list[str], end: int) -> str:
        found = list[str]()
        while end and (match := _COMMENT.fullmatch(lines[end - 1])):
            found.insert(0, match[1])
            end -= 1
        return " ".join(found)
