"""``glotsmith certify``: exit codes, the stored figures, and what it refuses."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from glotsmith.certification import session
from glotsmith.certification.certificate import read_certificate
from glotsmith.certification.labelled import Translation

Command = Callable[..., tuple[int, str, str]]
RIGHT = {"language": "lua", "label": "right", "code": "function f(x) return x end", "tests": ["assert f(1) == 1"]}


@pytest.fixture(autouse=True)
def without_rows_and_translations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the programs of the user are judged, which is fast."""

    def none(_language: str) -> list[Translation]:
        return []

    monkeypatch.setattr(session, "labelled_rows", none)
    monkeypatch.setattr(session, "own_translations", none)
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("change", "code", "fitting"),
    [({}, 0, 1), ({"label": "wrong"}, 1, 0), ({"tests": ["assert f(1) == 2"]}, 1, 0)],
)
def test_the_exit_code_says_whether_the_verdicts_fit(
    change: dict[str, object], code: int, fitting: int, glotsmith: Command
) -> None:
    Path("p.jsonl").write_text(json.dumps({**RIGHT, **change}))
    found, out, _ = glotsmith("certify", "lua", "-p", "p.jsonl", "-o", "c.json", "--cache", "v.sqlite")
    assert found == code
    assert ("got" in out) == bool(code)
    [lua] = read_certificate(Path("c.json")).languages
    assert [rate.fitting for rate in lua.rates] == [fitting]
    assert glotsmith("certify", "--page", "-o", "c.json")[1].startswith("# Certificate")


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (("klingon",), "klingon"),
        (("lua", "-p", "absent.jsonl"), "absent.jsonl"),
        (("lua", "-p", "bad.jsonl"), "bad.jsonl:1: the row has no label"),
        (("lua", "-t", "."), "source.py"),
        (("--page", "-o", "absent.json"), "absent.json"),
    ],
)
def test_what_cannot_be_read_is_refused(arguments: tuple[str, ...], what: str, glotsmith: Command) -> None:
    Path("bad.jsonl").write_text('{"language": "lua"}')
    code, _, err = glotsmith("certify", *arguments, "--cache", "v.sqlite")
    assert (code, what in err) == (2, True), err
