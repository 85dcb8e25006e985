"""The one way in which the translator says no."""

import ast


class CannotTranslate(Exception):
    """The source uses something that has no faithful Lua here; the message names the construct and its line."""


def refuse(what: str, node: ast.AST | None = None) -> CannotTranslate:
    """Build the refusal for ``node``: ``what`` is a noun phrase, its first line is named where it is known."""
    line = getattr(node, "lineno", None)
    where = f" (line {line})" if line else ""
    return CannotTranslate(f"the offline teacher can't translate {what}{where}")
