"""Recipes: one package for each paper, named after it. Only recipes compose steps of several stages.

Each subpackage with a ``recipe.py`` is a recipe: ``inverse_instruct`` is ``inverse-instruct`` on the command line.
"""

import pkgutil
from importlib import import_module
from typing import Any

from glotsmith.errors import UsageError, unknown_name

#: The names of all recipes, in alphabetical order.
RECIPES = tuple(sorted(package.name.replace("_", "-") for package in pkgutil.iter_modules(__path__) if package.ispkg))


def get(name: str) -> Any:
    """Return the class of a recipe (``base.Recipe``).

    Raises:
        UsageError: No recipe has this name.

    """
    if name not in RECIPES:
        raise UsageError(unknown_name(f"there is no recipe {name!r}", name, RECIPES))
    return import_module(f"{__name__}.{name.replace('-', '_')}.recipe").RECIPE
