"""Commands with the teacher local print the size and the licence of its model before its first use."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from small_model import saying_gguf

Command = Callable[..., tuple[int, str, str]]
SOURCE = '''def total(xs: list[int]) -> int:
    """Add up the positive ones."""
    result = 0
    for x in xs:
        if x > 0:
            result += x
    return result
'''
ROW = {
    "task_id": "HumanEval/901",
    "prompt": 'def twice(n: int) -> int:\n    """ Double it. """\n',
    "entry_point": "twice",
    "canonical_solution": "    return n + n\n",
    "test": "def check(candidate):\n" + "".join(f"    assert candidate({n}) == {2 * n}\n" for n in (0, 1, 5)),
}


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return saying_gguf(tmp_path / "small.gguf", ["function", "▁add(a,", "▁b)"], "mit")


@pytest.mark.slow
@pytest.mark.parametrize("verb", ["run", "evaluate"])
def test_size_and_licence_come_first(
    glotsmith: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: Path, verb: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.py").write_text(SOURCE)
    Path("h.jsonl").write_text(json.dumps(ROW) + "\n")
    what = {"run": ("multipl-t", "-s", "a.py"), "evaluate": ("humaneval=h.jsonl", "-n", "1")}[verb]
    code, _, stderr = glotsmith(verb, *what, "-l", "lua", "--teacher", "local", "--model", str(model), "-o", "out")
    assert code == 0, stderr
    first = next(line for line in stderr.splitlines() if line.strip())
    assert first.startswith("Teacher local: small (") and first.endswith("MB, licence mit)")
