"""``glotsmith languages``: what a person sees, and the exit codes."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from glotsmith.languages import card, language_names, toolchain
from glotsmith.languages import proof_rows as row_tables
from glotsmith.toolkit import install
from glotsmith.toolkit.install import InstallationPlan, Installers

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv(card.LANGUAGES_VARIABLE, str(tmp_path))
    for forget in (
        card.clear_card_caches,
        row_tables.read_proof_rows.cache_clear,
        toolchain.find_toolchain.cache_clear,
    ):
        forget()
    yield tmp_path
    monkeypatch.undo()
    for forget in (
        card.clear_card_caches,
        row_tables.read_proof_rows.cache_clear,
        toolchain.find_toolchain.cache_clear,
    ):
        forget()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["lua", "python"])
def test_the_rows_of_a_language_earn_their_verdicts(glotsmith: Command, name: str) -> None:
    code, stdout, progress = glotsmith("languages", "check", name, "--quick")
    assert code == 0, stdout
    assert re.search(r"^rows: (\d+) of \1 programs got", stdout, re.MULTILINE)
    assert stdout.endswith("is judged correctly here\n")
    assert "rows of verdicts.toml" in progress


@pytest.mark.slow
def test_a_language_that_is_wrong_is_told_in_sentences(glotsmith: Command, own: Path) -> None:
    code, stdout, _ = glotsmith("languages", "new", "moon", "--from", "lua", "--folder", own)
    assert code == 0, stdout
    file = own / "moon" / "verdicts.toml"
    file.write_text(
        file.read_text("utf-8").replace('wrong = { expect = "fail:wrong"', 'wrong = { expect = "pass"'), "utf-8"
    )
    code, stdout, _ = glotsmith("languages", "check", "moon", "--quick")
    assert code == 1
    assert "wrong: row 'wrong' of verdicts.toml got fail:wrong instead of pass" in stdout
    assert stdout.endswith("Moon is not judged correctly here\n")


def test_a_missing_toolchain_is_told_and_nothing_runs(glotsmith: Command, own: Path) -> None:
    glotsmith("languages", "new", "klingon", "--folder", own)
    code, stdout, progress = glotsmith("languages", "check", "klingon")
    assert (code, progress) == (1, "")
    assert "klingon was not found. Install it (apt: klingon" in stdout


def test_all_todo_marks_are_named_first(glotsmith: Command, own: Path) -> None:
    code, stdout, _ = glotsmith("languages", "new", "klingon", "--level", "io", "--folder", own)
    assert code == 0
    assert "klingon: card.toml, hostile.toml, verdicts.toml" in " ".join(stdout.split())
    code, stdout, _ = glotsmith("languages", "check", "klingon")
    assert code == 1
    assert stdout.startswith("TODO marks: ")
    assert stdout.count("fill in this place: ") == len(re.findall("TODO:", "".join(_texts(own / "klingon"))))


def _texts(folder: Path) -> list[str]:
    return [path.read_text("utf-8") for path in folder.iterdir()]


def test_a_new_language_elsewhere_says_how_it_is_found(glotsmith: Command, tmp_path: Path) -> None:
    code, stdout, _ = glotsmith("languages", "new", "klingon", "--folder", tmp_path / "mine")
    assert code == 0
    assert f"export GLOTSMITH_LANGUAGES={tmp_path / 'mine'}" in stdout
    assert (tmp_path / "mine" / "klingon" / "driver.klingon").is_file()
    code, _, stdout = glotsmith("languages", "new", "klingon", "--folder", tmp_path / "mine")
    assert code == 2
    assert "already exists" in stdout


@pytest.fixture
def missing(monkeypatch: pytest.MonkeyPatch) -> list[list[InstallationPlan]]:
    """A Debian machine without OCaml; returns what it was asked to install."""
    ran: list[list[InstallationPlan]] = []
    here = Installers(commands={"apt": ("apt-get", "install", "-y")})
    plan = InstallationPlan(language="ocaml", installer="apt", packages=("ocaml-nox",))
    monkeypatch.setattr(install, "find_installers", lambda: here)
    monkeypatch.setattr(install, "plan_installation", lambda *_: plan)
    monkeypatch.setattr(install, "run_installation", lambda plans, *_: ran.append(list(plans)))
    monkeypatch.setattr(install, "installed_version", lambda _: "OCaml 9" if ran else "")
    return ran


def test_install_shows_the_commands_first(glotsmith: Command, missing: list[list[InstallationPlan]]) -> None:
    code, stdout, _ = glotsmith("languages", "install", "ocaml", "--dry-run")
    assert (code, stdout) == (0, "apt-get update\napt-get install -y ocaml-nox\n")
    code, stdout, err = glotsmith("languages", "install", "ocaml")
    assert code == 2
    assert "pass --yes" in err
    assert missing == []


def test_install_says_the_version_afterwards(glotsmith: Command, missing: list[list[InstallationPlan]]) -> None:
    code, stdout, _ = glotsmith("languages", "install", "ocaml", "--yes")
    assert (code, stdout.splitlines()[-1]) == (0, "ocaml: OCaml 9")
    assert [p.packages for p in missing[0]] == [("ocaml-nox",)]


def test_install_says_what_can_not_be_had(glotsmith: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(install, "find_installers", lambda: Installers(commands={}))
    monkeypatch.setattr(
        install,
        "plan_installation",
        lambda *_: InstallationPlan(language="ocaml", why_not="apt: apt-get is not installed"),
    )
    code, stdout, _ = glotsmith("languages", "install", "ocaml", "--yes")
    assert (code, stdout) == (1, "ocaml: cannot be installed here (apt: apt-get is not installed)\n")


def test_a_container_recipe_and_the_page_are_printed_as_they_are(glotsmith: Command, tmp_path: Path) -> None:
    code, stdout, _ = glotsmith("languages", "container", "lua")
    assert code == 0
    assert "      lua5.4 \\\n" in stdout
    stored = tmp_path / "languages.toml"
    stored.write_text('machine = "one"\nisolation = "bubblewrap"\n[languages]\n', "utf-8")
    code, stdout, _ = glotsmith("languages", "page", stored)
    assert code == 0
    assert all(f"| `{name}` |" in stdout for name in language_names())


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["check", "cobol"], "no language is named 'cobol'"),
        (["check", "lua", "--isolation", "jail"], "no isolation 'jail'"),
        (["new", "x", "--level", "none"], "there is no level 'none': use --level full or --level io"),
        (["new", "Lua"], "is not a valid name of a language"),
        (["new", "moon", "--from", "luaa"], "no language is named 'luaa'"),
        (["install"], "Missing argument"),
        (["install", "cobol"], "no language is named 'cobol'"),
        (["container", "cobol"], "no language is named 'cobol'"),
        (["page", "nowhere.toml"], "the file does not exist"),
    ],
)
def test_a_mistake_gets_a_sentence(glotsmith: Command, arguments: list[str], sentence: str) -> None:
    code, _, stderr = glotsmith("languages", *arguments)
    assert code == 2, stderr
    assert sentence in stderr
    assert "Traceback" not in stderr
