"""Recipes: one file each, named after its paper; the only place where stages meet."""

from importlib import import_module
from typing import Any

from glotsmith.errors import UsageError, unknown_name

RECIPES = {
    "multipl-t": "glotsmith.recipes.multipl_t.recipe:MultiPLT",
    "xcoder": "glotsmith.recipes.xcoder.recipe:XCoder",
    "inverse-instruct": "glotsmith.recipes.inverse_instruct.recipe:InverseInstruct",
}


def get(name: str) -> Any:
    """Return a recipe's class (a ``Recipe``).

    Raises:
        UsageError: there is no such recipe.

    """
    if name not in RECIPES:
        raise UsageError(unknown_name(f"there is no recipe {name!r}", name, RECIPES))
    module, _, attribute = RECIPES[name].partition(":")
    return getattr(import_module(module), attribute)
