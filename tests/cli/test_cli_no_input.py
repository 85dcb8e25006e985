"""A run whose sources hold nothing says so, and one that can read nothing is refused and leaves no folder."""

from collections.abc import Callable
from pathlib import Path

import pytest

Command = Callable[..., tuple[int, str, str]]


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("empty.py", b"", ""),
        ("comment.py", b"# nothing but a comment\n", ""),
        ("binary.py", b"\xff\xfe\x00\x01" * 9, "1 unit was dropped: the file cannot be read as UTF-8 text (1)"),
        ("broken.py", b"def f(x):\n    return (\n", "1 unit was dropped: the file does not parse as Python (1)"),
        ("huge.py", b"#" * 5_000_001, "1 unit was dropped: the file or function is larger than the limit (1)"),
    ],
)
def test_sources_of_which_nothing_can_be_read_are_refused(
    glotsmith: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, content: bytes, why: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(name).write_bytes(content)
    code, _, stderr = glotsmith("run", "multipl-t", "-s", name, "-l", "lua", "-o", "runs/one")
    assert code == 2, stderr
    assert f"No function was found in {name}. {why}" in stderr
    assert "A function is a def without decorator at the top level of a Python module" in stderr
    assert not Path("runs").exists()


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("deco.py", '@foo\ndef f(x):\n    """D."""\n    return x\n', "a decorator changes its behaviour (1)"),
        ("rows.jsonl", '{"content": "x = 1"}\n', "the row contains no top-level function (1)"),
    ],
)
def test_sources_without_a_function_end_with_a_sentence_and_no_advice_of_another_model(
    glotsmith: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, content: str, why: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(name).write_text(content)
    code, stdout, stderr = glotsmith("run", "multipl-t", "-s", name, "-l", "lua", "-o", "run")
    assert code == 0, stderr
    assert stdout.count(f"No function was found in {name}. 1 unit was dropped: {why}") == 1
    assert "With your own model" not in stdout


@pytest.mark.parametrize(("name", "content"), [("a.jsonl", b"{bad"), ("a.parquet", b"xx"), ("folder", None)])
@pytest.mark.parametrize("existing", [False, True])
def test_a_refused_run_leaves_no_folder_that_it_made(
    glotsmith: Command,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    content: bytes | None,
    existing: bool,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(name).mkdir() if content is None else Path(name).write_bytes(content)
    if existing:
        Path("runs/one").mkdir(parents=True)
    code, _, stderr = glotsmith("run", "multipl-t", "-s", name, "-l", "lua", "-o", "runs/one")
    assert code == 2, stderr
    assert "partial" not in stderr
    assert Path("runs").exists() is existing


def test_a_run_that_read_something_before_the_fault_is_kept(
    glotsmith: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("good.py").write_text('def f(x: int) -> int:\n    """Double."""\n    y = x + x\n    return y\n')
    Path("bad.jsonl").write_text("{bad")
    code, _, stderr = glotsmith("run", "multipl-t", "-s", "good.py", "-s", "bad.jsonl", "-l", "lua", "-o", "run")
    assert code == 2, stderr
    assert Path("run/ledger.sqlite").exists()
