"""The import rules of ARCHITECTURE.md: domain packages never import each other, only recipes compose."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "src" / "glotsmith"
BASE = {
    "records",
    "values",
    "drop_reasons",
    "errors",
    "cache_paths",
    "folder_lock",
    "settings",
    "credentials",
    "unanswered",
}
BASE |= {"installation", "counts", "write_aside", "budget", "shard", "stored_prompt", "sampling_end", "__version__"}
ENGINE = {
    "step",
    "ledger_rows",
    "ledger",
    "ledger_sql",
    "ledger_inserts",
    "ledger_groups",
    "open_items",
    "exchanges",
    "sent_requests",
    "result_transfer",
    "stored_sampling",
    "ledger_ranges",
    "ledger_changes",
    "source_census",
    "database",
    "cache",
    "renames",
    "run_folder",
    "execution",
}
SERVICES = {"languages", "teachers", "sandbox", "prompts"}
DOMAIN = {"sources", "suites", "generation", "verification", "selection", "datasets", "training", "evaluation"}
TOP = {"cli", "report", "__main__"}
ALLOWED = {
    **dict.fromkeys(BASE, BASE),
    **dict.fromkeys(ENGINE, BASE | ENGINE),
    **{package: BASE | {package, "prompts", "cache"} for package in SERVICES},
    **{package: BASE | SERVICES | {package, "step"} for package in DOMAIN},
    "recipes": BASE | ENGINE | SERVICES | DOMAIN | {"recipes"},
    "toolkit": BASE | SERVICES | DOMAIN | {"toolkit"},
    "certification": BASE | SERVICES | DOMAIN | {"step", "certification"},
    "service": BASE | SERVICES | DOMAIN | {"service"},
    "reward": BASE | SERVICES | {"reward", "verification"},
    "cluster": BASE | SERVICES | {"cluster", "verification"},
    "api": BASE | ENGINE | SERVICES | DOMAIN | {"recipes", "reward", "cluster", "certification", "api"},
    **{
        package: BASE
        | ENGINE
        | SERVICES
        | DOMAIN
        | {"recipes", "toolkit", "service", "reward", "cluster", "certification", "api"}
        | TOP
        for package in TOP
    },
}


def package_of(file: Path) -> str:
    return file.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(text: str) -> set[str]:
    """Return the packages of glotsmith that a module's text imports, anywhere in it."""
    found = set[str]()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found |= {a.name for a in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found |= {node.module} if node.module != "glotsmith" else {f"glotsmith.{a.name}" for a in node.names}
    return {name.split(".")[1] for name in found if name.startswith("glotsmith.")}


FILES = [f for f in sorted(PACKAGE.rglob("*.py")) if f.name not in {"driver.py", "__init__.py"} or f.parent != PACKAGE]


@pytest.mark.parametrize("file", FILES, ids=lambda f: str(f.relative_to(PACKAGE)))
def test_a_module_imports_only_what_its_package_may(file: Path) -> None:
    assert imports(file.read_text("utf-8")) <= ALLOWED[package_of(file)]


@pytest.mark.parametrize(
    ("text", "packages"),
    [
        ("from glotsmith.suites import x", {"suites"}),
        ("def f():\n    import glotsmith.cli.app", {"cli"}),
        ("from glotsmith import records", {"records"}),
        ("import json", set()),
    ],
)
def test_the_check_sees_imports_in_every_form(text: str, packages: set[str]) -> None:
    assert imports(text) == packages


def test_every_package_has_its_rule() -> None:
    assert {package_of(f) for f in FILES} <= set(ALLOWED)


@pytest.mark.parametrize("file", FILES, ids=lambda f: str(f.relative_to(PACKAGE)))
def test_no_file_is_over_400_lines(file: Path) -> None:
    assert len(file.read_text("utf-8").splitlines()) <= 400
