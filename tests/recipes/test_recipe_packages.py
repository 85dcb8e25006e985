"""Each recipe is a package of its own: another paper can be added or deleted with one folder."""

import ast
from pathlib import Path

import pytest

from glotsmith import recipes
from glotsmith.errors import UsageError

FOLDER = Path(recipes.__file__).parent


def imported(file: Path) -> set[str]:
    """Return the recipe packages that a module imports."""
    modules = {n.module or "" for n in ast.walk(ast.parse(file.read_text("utf-8"))) if isinstance(n, ast.ImportFrom)}
    parts = [module.split(".") for module in modules if module.startswith("glotsmith.recipes.")]
    return {part[2].replace("_", "-") for part in parts} & set(recipes.RECIPES)


@pytest.mark.parametrize("name", recipes.RECIPES)
def test_a_recipe_imports_no_other_recipe(name: str) -> None:
    files = list((FOLDER / name.replace("-", "_")).glob("*.py"))
    assert len(files) >= 2
    assert [file.name for file in files if not imported(file) <= {name}] == []


def test_what_recipes_share_imports_none_of_them() -> None:
    assert [file.name for file in FOLDER.glob("*.py") if imported(file)] == []


def test_every_folder_with_a_recipe_is_listed_and_an_unknown_name_is_refused() -> None:
    assert recipes.RECIPES == ("inverse-instruct", "multipl-t", "xcoder")
    assert {recipes.get(name).__name__ for name in recipes.RECIPES} == {"InverseInstruct", "MultiPLT", "XCoder"}
    with pytest.raises(UsageError, match="there is no recipe 'multiplt'; do you mean 'multipl-t'"):
        recipes.get("multiplt")
