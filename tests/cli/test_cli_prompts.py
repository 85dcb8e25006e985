"""``glotsmith run --prompt``: a prompt of the user is checked before a request, used, stored, and kept on a resume."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from model_server import SOURCE, ModelServer, model_server

from glotsmith.records import Solution
from glotsmith.run_folder import RunFolder

Command = Callable[..., tuple[int, str, str]]
RUN = ("run", "multipl-t", "-s", "src", "-l", "lua", "-o", "run", "--set", "suites=0", "--set", "typecheck=false")
ONE = (*RUN, "--set", "samples=1", "--set", 'formats=["jsonl"]')
OWN = 'Please, in {{ language }}:\n{% include "_source.j2" %}\n'


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with model_server() as made:
        yield made


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "small.py").write_text(SOURCE)
    (tmp_path / "own.j2").write_text(OWN)
    (tmp_path / "_source.j2").write_text("{{ source }}")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("option", "text", "words"),
    [
        ("translate=bad.j2", "{{ source }}\n{{ langage }}", "bad.j2:2: the prompt translate has no variable 'langage'"),
        ("translate=bad.j2", "{{ language }}", "bad.j2:1: the prompt translate must use the variable {{ source }} or"),
        ("translate=bad.j2", "", "bad.j2:1: the prompt translate is empty"),
        ("translate=none.j2", "", "none.j2: there is no such prompt"),
        ("translat=own.j2", "", "the recipe multipl-t has no prompt 'translat'; do you mean 'translate'"),
        ("own.j2", "", "--prompt own.j2 is not of the form NAME=FILE"),
    ],
)
def test_a_bad_prompt_is_refused_before_a_request(
    glotsmith: Command, folder: Path, option: str, text: str, words: str
) -> None:
    (folder / "bad.j2").write_text(text)
    code, _, err = glotsmith(*ONE, "--prompt", option)
    assert (code, (folder / "run").exists()) == (2, False), err
    assert words in err
    assert len(err.splitlines()) == 1


@pytest.mark.slow
def test_a_prompt_of_the_user_is_used_and_stored_in_the_run_and_its_dataset(
    glotsmith: Command, server: ModelServer, folder: Path
) -> None:
    seen = list[str]()
    reply = server.says
    server.says = lambda text: seen.append(text) or reply(text)  # type: ignore[func-returns-value]
    code, _, err = glotsmith(*ONE, *server.options, "--prompt", "translate=own.j2")
    assert (code, len(seen)) == (0, 3), err
    assert all(text.startswith("Please, in Lua:\ndef ") for text in seen)
    with RunFolder.open(folder / "run") as opened:
        stored = {prompt.call: prompt for prompt in opened.ledger.exchanges.stored_prompts()}
        versions = {item.lineage.prompt_version for _, item in opened.ledger.kept_items("translate", Solution)}
    assert stored.keys() == {"write_tests", "translate", "repair"}
    assert stored["translate"].texts == {"own.j2": OWN, "_source.j2": "{{ source }}"}
    assert versions == {stored["translate"].version}
    dataset = folder / "run" / "dataset" / "jsonl"
    assert {file.name: file.read_text() for file in (dataset / "prompts" / versions.pop()).iterdir()} == stored[
        "translate"
    ].texts
    assert f"| translate | `{stored['translate'].version}` |" in (dataset / "README.md").read_text()
    code, out, err = glotsmith("prompts", "run", "translate")
    assert (code, out) == (0, OWN), err


@pytest.mark.slow
def test_a_resumed_run_keeps_the_text_of_its_prompt_wherever_the_file_is(
    glotsmith: Command, server: ModelServer, folder: Path
) -> None:
    run = (*ONE, *server.options)
    assert glotsmith(*run, "--prompt", "translate=own.j2")[0] == 0
    (folder / "elsewhere").mkdir()
    for name in ("own.j2", "_source.j2"):
        (folder / name).rename(folder / "elsewhere" / name)
    code, _, err = glotsmith(*run, "--prompt", "translate=elsewhere/own.j2")
    assert (code, server.requests) == (0, 3), err
    (folder / "elsewhere" / "_source.j2").write_text("{{ source }} ")
    for options in (("--prompt", "translate=elsewhere/own.j2"), ()):
        code, _, err = glotsmith(*run, *options)
        assert (code, server.requests) == (2, 3)
        assert "the configuration has changed: prompt_versions.translate was" in err


def test_a_file_of_a_run_names_its_prompts_relative_to_itself(glotsmith: Command, folder: Path) -> None:
    text = 'recipe = "multipl-t"\n[options]\nsources = ["../src"]\n[prompts]\ntranslate = "mine.j2"\n'
    (folder / "sub").mkdir()
    (folder / "sub" / "run.toml").write_text(text)
    (folder / "sub" / "mine.j2").write_text("{{ source }}\n{{ language }}")
    code, out, err = glotsmith("prompts", "sub/run.toml", "translate")
    assert (code, out) == (0, "{{ source }}\n{{ language }}\n"), err


def test_prompts_prints_the_variables_and_texts_in_use(glotsmith: Command, folder: Path) -> None:
    code, out, _ = glotsmith("prompts")
    assert code == 0
    assert "generate, score, solve" in out
    code, out, _ = glotsmith("prompts", "multipl-t", "--prompt", "translate=own.j2")
    assert code == 0
    assert "It must use: source or source_comment or docstring or docstring_comment; language or prefix." in out
    assert f"\n{OWN}" in out
    assert "--- _source.j2, which it includes" in out
    code, _, err = glotsmith("prompts", "multipl-t", "traslate")
    assert (code, "do you mean 'translate'" in err) == (2, True)
