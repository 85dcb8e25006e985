"""``glotsmith show``: an item with its programs, replies and prompts, and lists that say when they are cut."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from glotsmith.run_folder import RunFolder

Command = Callable[..., tuple[int, str, str]]

SOURCE = '''
def shout(text):
    """Return the text in capitals with a mark.

    >>> shout("hi")
    'HI!'
    >>> shout("")
    '!'
    """
    result = text.upper()
    return result + "!"


def total(numbers):
    """Add up the positive ones.

    >>> total([1, -2, 3])
    4
    """
    result = 0
    for number in numbers:
        if number > 0:
            result += number
    return result


def nothing(x):
    """Return nothing."""
    print(x)


def none(x):
    """Return nothing."""
    print(x, x)
'''
RIGHT = "local function shout(s)\n  return s:upper() .. '!'\nend"
WRONG = "local function shout(s)\n  return s .. '?'\nend"
REPLIES = [
    {"call": "translate", "item": "shout", "sample": 0, "reply": f"Not sure.\n```lua\n{WRONG}\n```"},
    {"call": "translate", "item": "shout", "sample": 1, "reply": f"Now it works.\n```lua\n{RIGHT}\n```"},
    {"call": "translate", "item": "shout", "sample": 2, "reply": "I can't do that, Dave."},
]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    (folder / "module.py").write_text(SOURCE)
    (folder / "replies.jsonl").write_text("".join(json.dumps(row) + "\n" for row in REPLIES))
    return folder


@pytest.fixture
def run(glotsmith: Command, place: Path) -> Path:
    path = place / "run"
    if not path.exists():
        options = ("--set", "samples=3", "--set", "suites=0", "--set", "typecheck=false", "--set", "wanted=3")
        who = ("--teacher", "scripted", "--model", place / "replies.jsonl")
        code, _, err = glotsmith("run", "multipl-t", "-s", place / "module.py", "-l", "lua", "-o", path, *options, *who)
        assert code == 0, err
    return path


def key_of(glotsmith: Command, run: Path, name: str) -> str:
    _, stdout, _ = glotsmith("show", run, "--step", "sources", "--json")
    return next(row["key"] for row in map(json.loads, stdout.splitlines()) if row["item"]["name"] == name)


@pytest.mark.parametrize("by", ["name", "key", "beginning"])
def test_an_item_has_programs_replies_and_prompts(glotsmith: Command, run: Path, by: str) -> None:
    key = key_of(glotsmith, run, "shout")
    code, stdout, err = glotsmith("show", run, {"name": "shout", "key": key, "beginning": key[:8]}[by])
    assert code == 0, err
    plain = " ".join(stdout.split())
    assert "prompt: translate" in plain
    assert "Return the text in capitals" in plain
    for reply in ("Not sure.", "Now it works.", "I can't do that, Dave."):
        assert reply in plain
    assert "program 0, lua: fail:wrong" in plain
    assert "program 1, lua: kept" in plain
    assert plain.index("reply 0 to translate") < plain.index("program 0, lua") < plain.index("reply 1 to translate")


def test_replies_come_as_json_too(glotsmith: Command, run: Path) -> None:
    code, stdout, _ = glotsmith("show", run, "shout", "--json")
    assert code == 0
    reply = [row for row in map(json.loads, stdout.splitlines()) if "reply" in row]
    assert [row["sample"] for row in reply if row["call"] == "translate"] == [0, 1, 2]
    assert all("capitals" in row["prompt"] for row in reply)


@pytest.mark.parametrize(
    ("item", "sentence"),
    [
        ("shuot", "has no item 'shuot'; do you mean 'shout'?"),
        ("totl", "do you mean 'total'?"),
        ("xyz", "lists keys and names"),
    ],
)
def test_an_item_that_is_not_there(glotsmith: Command, run: Path, item: str, sentence: str) -> None:
    code, _, err = glotsmith("show", run, item)
    assert (code, sentence in err) == (2, True), err


def test_a_dropped_function_is_found_by_its_name(glotsmith: Command, run: Path) -> None:
    code, stdout, _ = glotsmith("show", run, "nothing")
    assert code == 0
    assert "no return statement" in stdout
    assert "has no prompts of this item" in stdout


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--dropped", "-n", "1"), "1 of 6 shown; --limit N for more"),
        (("--dropped", "--step", "filter", "-n", "1"), "1 of 2 shown; --limit N for more"),
        (("--reason", "returns_nothing", "-n", "1"), "1 of 2 shown; --limit N for more"),
        (("--step", "sources", "-n", "3"), "3 of 4 shown; --limit N for more"),
        (("--step", "sources", "-n", "1", "--json"), "1 of 4 shown; --limit N for more"),
        (("shout", "-n", "2"), "2 of 3 replies shown; --limit N for more"),
    ],
)
def test_a_list_says_when_it_is_cut(glotsmith: Command, run: Path, arguments: tuple[str, ...], sentence: str) -> None:
    code, stdout, err = glotsmith("show", run, *arguments)
    assert (code, sentence in (err if "--json" in arguments else stdout)) == (0, True), stdout + err


@pytest.mark.parametrize("arguments", [("--step", "sources"), ("--reason", "returns_nothing"), ("shout",)])
def test_a_list_that_is_whole_says_nothing(glotsmith: Command, run: Path, arguments: tuple[str, ...]) -> None:
    _, stdout, err = glotsmith("show", run, *arguments)
    assert "for more" not in stdout + err


def test_replies_in_a_shared_cache_are_asked_for(glotsmith: Command, run: Path, tmp_path: Path) -> None:
    moved = tmp_path / "moved.sqlite"
    (run / "cache.sqlite").rename(moved)
    try:
        _, stdout, _ = glotsmith("show", run, "shout")
        assert "--cache FILE" in stdout
        assert "program 1, lua: kept" in stdout
        _, stdout, _ = glotsmith("show", run, "shout", "--cache", moved)
        assert "Now it works." in stdout
    finally:
        moved.rename(run / "cache.sqlite")


def test_every_row_that_is_counted_is_listed(glotsmith: Command, run: Path) -> None:
    _, stdout, err = glotsmith("show", run, "--dropped", "--json", "-n", "1000")
    assert (len(stdout.splitlines()), err) == (6, "")


@pytest.mark.slow
def test_compare_says_what_came_from_a_cache(glotsmith: Command, run: Path, place: Path, tmp_path: Path) -> None:
    options = ("--set", "samples=3", "--set", "suites=0", "--set", "typecheck=false", "--set", "wanted=3")
    who = ("--teacher", "scripted", "--model", place / "replies.jsonl", "--cache", run / "cache.sqlite")
    again = tmp_path / "again"
    code, _, err = glotsmith("run", "multipl-t", "-s", place / "module.py", "-l", "Lua", "-o", again, *options, *who)
    assert code == 0, err
    code, stdout, err = glotsmith("compare", run, again)
    assert code == 0, err
    lines = {
        cells[0]: cells[1:] for line in stdout.splitlines() if (cells := [c.strip() for c in line.split("│")[1:-1]])
    }
    assert lines["cost paid in this run, US $"] == ["0.0000", "0.0000"]
    assert lines["cost of replies from a cache, US $"] == ["0.0000", "0.0000"]
    with RunFolder.open(run) as first, RunFolder.open(again) as second:
        paid, cached = first.ledger.exchanges.total_costs(), second.ledger.exchanges.total_costs()
    assert paid and cached
    assert [one.requests for one in paid] == [one.requests for one in reversed(cached)]
    assert paid[0].requests >= 3
