"""Build refusals: sentences that name the construct that a target cannot translate, and its line."""

import ast


class CannotTranslate(Exception):
    """The source has no faithful translation; the message names the construct and its line."""


def refuse(what: str, node: ast.AST | None = None) -> CannotTranslate:
    """Return the refusal of ``node``: ``what`` is a noun phrase; the message has the line of the node, if known."""
    line = getattr(node, "lineno", None)
    where = f" (line {line})" if line else ""
    return CannotTranslate(f"the offline teacher cannot translate {what}{where}")
