"""Places of a language folder that its author has to fill in are listed with file, line and instruction."""

from collections.abc import Callable
from pathlib import Path

import pytest

from glotsmith.errors import InputError
from glotsmith.languages import get_card, language_names
from glotsmith.toolkit import new_language
from glotsmith.toolkit.todo_marks import find_todo_marks, missing_driver

FULL = [
    ("card.toml", "`fences`, what teachers write behind ``` when they mean this language. Example: ["),
    ("card.toml", '`command`, the program to look for on PATH. Example: "lua5.4"'),
    ("card.toml", "`run`, the command that runs the driver"),
    ("card.toml", '`line_comment`, what begins a comment of one line. Example: "--"'),
    ("card.toml", "`reserved`, the words that cannot be names"),
    ("card.toml", "`stub`, a whole function that compiles and raises. Example: "),
    ("card.toml", "`dict`, the literal of a map. Example: "),
    ("card.toml", "`call`, one argument list"),
    ("card.toml", "`int_bits`, the width of the native int"),
    ("card.toml", "one line for each feature that the language cannot represent"),
    ("driver.kl", "1. Before anything of the candidate runs, capture what you need. Example: local write"),
    ("driver.kl", '3. Compile, but do not yet run, "candidate.kl". Example: '),
    ("driver.kl", '7. Print the event "end"'),
    ("verdicts.toml", "the code of row 'accepted': f returns its argument, whatever its type"),
    ("verdicts.toml", "the code of row 'broken': a syntax error"),
    ("verdicts.toml", "the code of row 'code_point_order': f sorts strings as the language does by default"),
    ("hostile.toml", "the code of row 'exit_at_load': exits with 0 before f is called"),
    ("hostile.toml", "the code of row 'plants_symlinks': symlinks to /etc/passwd"),
]
IO = [
    ("card.toml", "`fences`, what teachers write"),
    ("card.toml", "`script`, the command that runs a program"),
    ("card.toml", "`install`, package names by installer"),
    ("verdicts.toml", "the code of row 'accepted': reads two ints, one a line, and prints their sum"),
    ("verdicts.toml", "the code of row 'endless_output': prints without end"),
    ("hostile.toml", "the code of row 'network': prints 9 only if 127.0.0.1 or 8.8.8.8 can be reached"),
]
COPY = [
    ("card.toml", "rewrite driver.lua for Klingon; it is a copy of that of Lua"),
    ("card.toml", '`extension` and `fences`: write those of Klingon. Example: extension = ".lua" and fences = ["lua"]'),
    ("card.toml", "[toolchain], how the language is found"),
    ("card.toml", "[values], the literal of each type"),
    ("card.toml", "[refuse], the values that it cannot represent"),
    ("verdicts.toml", "write each `code` in Klingon. Example: "),
    ("hostile.toml", "write each `code` in Klingon. Example: "),
]


@pytest.mark.parametrize(
    ("level", "like", "file", "what"),
    [
        *(("full", "", *row) for row in FULL),
        *(("io", "", *row) for row in IO),
        *(("", "lua", *row) for row in COPY),
    ],
)
def test_each_mark_is_named_until_its_line_is_replaced(own: Path, level: str, like: str, file: str, what: str) -> None:
    made = new_language.create_language("klingon", own, like, extension=".kl", level=level)
    before = find_todo_marks(made)
    (found,) = [mark for mark in before if mark.file == made / file and mark.instruction.startswith(what)]
    assert found.sentence.startswith(f"{made / file}:{found.line}: fill in this place: {what}")
    lines = (made / file).read_text("utf-8").splitlines()
    assert "TODO:" in lines[found.line - 1]
    lines[found.line - 1] = "# done"
    (made / file).write_text("\n".join(lines), "utf-8")
    assert len(find_todo_marks(made)) == len(before) - 1
    assert all(
        not (mark.file == made / file and mark.instruction == found.instruction) for mark in find_todo_marks(made)
    )


@pytest.mark.parametrize("level", ["full", "io"])
def test_each_mark_has_an_example(own: Path, level: str) -> None:
    made = new_language.create_language("klingon", own, level=level)
    for mark in find_todo_marks(made):
        lines = mark.file.read_text("utf-8").splitlines()
        near = "\n".join(lines[max(0, mark.line - 6) : mark.line])
        assert "Example" in near, mark.sentence


def test_a_language_that_is_filled_in_has_no_mark(own: Path, fill_by_examples: Callable[[Path], None]) -> None:
    made = new_language.create_language("klingon", own, level="io")
    assert len(find_todo_marks(made)) > 30
    fill_by_examples(made)
    assert find_todo_marks(made) == []
    assert not [mark.sentence for name in language_names() for mark in find_todo_marks(get_card(name).card_path.parent)]


@pytest.mark.parametrize(("level", "like", "missing"), [("io", "", False), ("", "bash", False), ("full", "", True)])
def test_only_a_card_of_full_level_needs_a_driver(
    own: Path, level: str, like: str, missing: bool, clear_caches: Callable[[], None]
) -> None:
    made = new_language.create_language("klingon", own, like, extension=".kl", level=level)
    (made / "driver.kl").unlink(missing_ok=True)
    clear_caches()
    sentences = missing_driver(get_card("klingon"))
    assert sentences.startswith(f'{made / "driver.kl"} is missing: a card of level = "full" needs a driver') is missing
    assert bool(sentences) is missing
    with pytest.raises(InputError, match=r"driver\.\w+: the file is missing"):
        _ = get_card("klingon").driver_text
