"""Documentation that would lie is a failing test."""

import re
from pathlib import Path

import msgspec
import pytest
import typer.main

import glotsmith as gs
from glotsmith.cli.commands import app
from glotsmith.drop_reasons import Reason
from glotsmith.languages import language_names
from glotsmith.recipes import RECIPES, get

ROOT = Path(__file__).parents[1]
COMMAND = typer.main.get_command(app)
VERBS = sorted(COMMAND.commands)  # type: ignore[attr-defined]
PAGES = [ROOT / name for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md")] + sorted(
    (ROOT / "docs").rglob("*.md")
)


def text(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_with_an_example_and_stands_in_the_readme(verb: str) -> None:
    command = COMMAND.commands[verb]  # type: ignore[attr-defined]
    help_text = (command.help or "") + "".join(c.help or "" for c in getattr(command, "commands", {}).values())
    callback = command.callback.__doc__ or "" if command.callback else ""
    assert "Example" in help_text + callback
    assert f"glotsmith {verb}" in text("README.md")


def test_every_command_in_the_readme_exists() -> None:
    found = re.findall(r"^\s*(?:\.venv/bin/)?glotsmith (\w[\w-]*)", text("README.md"), re.MULTILINE)
    assert found
    assert set(found) <= set(VERBS)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_every_link_and_path_in_a_page_leads_somewhere(page: Path) -> None:
    page_text = page.read_text("utf-8")
    links = [link for link in re.findall(r"\]\(([^)#]+)", page_text) if "://" not in link]
    files = re.findall(r"`((?:src|docs|tests|scripts|benchmarks)/[\w./-]+)`", page_text)
    files = [f for f in files if "NAME" not in f]
    missing = [p for p in links if not (page.parent / p).exists()] + [p for p in files if not (ROOT / p).exists()]
    assert not missing


def test_the_readme_names_every_language_and_recipe() -> None:
    readme = text("README.md").lower()
    assert [n for n in language_names() if n not in readme] == []
    assert [r for r in RECIPES if r not in readme] == []


def test_the_architecture_is_short_and_names_every_room() -> None:
    page = text("ARCHITECTURE.md")
    modules = [p.name.removesuffix(".py") for p in (ROOT / "src" / "glotsmith").iterdir() if p.name[0] != "_"]
    assert len(page.splitlines()) <= 150
    assert [name for name in modules if f"`{name}`" not in page] == []


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_is_a_sentence_and_is_used(reason: Reason) -> None:
    assert re.fullmatch(r"[a-z][^.]*", reason.because)
    code = "".join(p.read_text("utf-8") for p in (ROOT / "src").rglob("*.py") if p.name != "drop_reasons.py")
    assert f"Reason.{reason.name}" in code


def table(page: str, heading: str) -> list[list[str]]:
    """Return the rows of the first table behind a heading."""
    lines = page.partition(f"## {heading}\n")[2].strip().splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:] if line.startswith("|")]


@pytest.mark.parametrize("name", RECIPES)
def test_the_defaults_on_a_recipes_page_are_the_recipes(name: str) -> None:
    fields = {f.name: f for f in msgspec.structs.fields(get(name))}
    rows = table(text(f"docs/recipes/{name.replace('-', '_')}.md"), "Defaults")
    assert len(rows) >= 5
    for option, default, *_ in rows:
        field = fields[re.match(r"`(\w+)`", option)[1]]  # type: ignore[index]
        value = field.default if field.default is not msgspec.NODEFAULT else field.default_factory()  # type: ignore[operator]
        shown = ", ".join(f"{k} = {v}" for k, v in value.items()) if isinstance(value, dict) else str(value)
        assert default == shown, option


@pytest.mark.parametrize("name", RECIPES)
def test_the_defaults_on_a_recipes_page_are_complete(name: str) -> None:
    rows = table(text(f"docs/recipes/{name.replace('-', '_')}.md"), "Defaults")
    documented = {re.match(r"`(\w+)`", option)[1] for option, *_ in rows}  # type: ignore[index]
    of_a_run = {"sources", "languages", "new_languages", "column", "benchmarks", get(name).limit_option}
    assert documented == {f.name for f in msgspec.structs.fields(get(name))} - of_a_run


def test_the_page_of_the_api_has_every_public_name() -> None:
    shown = set(re.findall(r"^::: glotsmith\.(\w+)$", text("docs/api.md"), re.MULTILINE))
    assert shown == {name for name in gs.__all__ if f"{name}_async" not in gs.__all__}


def test_the_site_has_every_page() -> None:
    navigation = set(re.findall(r"- ([\w/-]+\.md)$", text("mkdocs.yml"), re.MULTILINE))
    pages = {str(page.relative_to(ROOT / "docs")) for page in (ROOT / "docs").rglob("*.md")}
    added = set(re.findall(r'\.md": "([\w/-]+\.md)"', text("scripts/mkdocs_pages.py")))
    assert navigation == pages | added
    assert len(added) >= 5


def test_every_path_in_the_architecture_exists() -> None:
    quoted = re.findall(r"`([\w./-]+)`", text("ARCHITECTURE.md"))
    paths = [path for path in quoted if re.search(r"/|\.(py|c|rkt)$", path) and "NAME" not in path]
    bases = (ROOT / "src" / "glotsmith", ROOT)
    assert len(paths) > 50
    assert [path for path in paths if not any((base / path).exists() for base in bases)] == ["dataset/"]


def test_the_steps_in_the_architecture_exist() -> None:
    section = text("ARCHITECTURE.md").partition("## From a source file")[2].partition("\n## ")[0]
    listed = {
        name for steps in re.findall(r"recipe\.py`: ([^.]*)\.\n", section) for name in re.findall(r"`(\w+)`", steps)
    }
    code = "".join(p.read_text("utf-8") for p in (ROOT / "src").rglob("*.py"))
    assert len(listed) > 20
    assert listed <= set(re.findall(r'^    name(?:: ClassVar\[str\])? = "(\w+)"', code, re.MULTILINE))


@pytest.mark.parametrize(
    "page", [*PAGES, ROOT / "CHANGELOG.md", ROOT / "benchmarks" / "README.md"], ids=lambda p: p.name
)
def test_lines_of_prose_have_at_most_120_characters(page: Path) -> None:
    prose = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL)
    assert [line for line in prose.splitlines() if len(line) > 120 and not line.startswith("|")] == []


def test_the_pre_commit_hooks_are_commands_of_the_check_script() -> None:
    commands = re.findall(r"entry: (.+)", text(".pre-commit-config.yaml"))
    assert len(commands) == 3
    run = [line.partition(" >")[0] for line in text("scripts/static.sh").splitlines()]
    assert set(commands) <= {*run}
    tests = "exec sh scripts/static.sh .venv/bin/python -m pytest "
    assert all(tests in text(f"scripts/{name}.sh") for name in ("check", "test"))
