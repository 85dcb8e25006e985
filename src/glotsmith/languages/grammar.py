"""Does a text parse? tree-sitter's grammars, one for each language, read it and never run it."""

from functools import cache
from typing import Any, cast


def parses(language: str, code: str) -> bool | None:
    """Return whether a grammar finds no error in a program; None where there is no grammar of that language.

    Text that is no program at all may parse in a language in which nearly everything does, as prose in Racket or PHP.
    """
    parser = _parser(language)
    if parser is None:
        return None
    root = parser.parse(code.encode("utf-8", "replace")).root_node
    return not root.has_error and root.child_count > 0


@cache
def _parser(language: str) -> Any:
    import tree_sitter_language_pack

    try:
        return cast(Any, tree_sitter_language_pack).get_parser(language)
    except LookupError:
        return None
