"""A prompt of a user is checked before a run: each fault is a sentence with its file and line."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from glotsmith.errors import InputError
from glotsmith.prompts import Prompt
from glotsmith.prompts.check import check_prompt
from glotsmith.recipes.inverse_instruct.recipe import InverseInstruct
from glotsmith.recipes.multipl_t.recipe import MultiPLT
from glotsmith.recipes.xcoder.recipe import XCoder

RECIPES = {
    "multipl-t": lambda style: MultiPLT(sources=("s",), style=style),
    "inverse-instruct": lambda style: InverseInstruct(sources=("s",), style=style),
    "xcoder": lambda style: XCoder(sources=("s",), style=style),
}
GOOD = "Write in {{ language }}:\n{{ source }}\n"


def own(folder: Path, text: str | bytes, call: str = "translate", recipe: str = "multipl-t") -> Prompt:
    file = folder / "own.j2"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return RECIPES[recipe]("chat").prompts()[call].replaced_by(file)


def every_prompt() -> Iterator[object]:
    for recipe, make in RECIPES.items():
        for style in ("chat", "completion"):
            for call, prompt in make(style).prompts().items():
                yield pytest.param(call, prompt, id=f"{recipe}-{style}-{call}")


@pytest.mark.parametrize(("call", "prompt"), [*every_prompt()])
def test_the_prompts_of_the_package_pass_the_check_and_so_do_their_copies(
    call: str, prompt: Prompt, tmp_path: Path
) -> None:
    check_prompt(call, prompt)
    copy = tmp_path / "copy.j2"
    copy.write_text(prompt.text)
    check_prompt(call, prompt.replaced_by(copy))
    assert prompt.replaced_by(copy).version == prompt.version


@pytest.mark.parametrize(
    ("call", "recipe", "text", "message"),
    [
        pytest.param("translate", "multipl-t", "", ":1: the prompt translate is empty", id="empty"),
        pytest.param("translate", "multipl-t", " \n\t\n", ":1: the prompt translate is empty", id="blank"),
        pytest.param("translate", "multipl-t", "{# {{ source }} #}", ":1: the prompt translate must use", id="comment"),
        pytest.param("translate", "multipl-t", b"a\n{{ source }}\n\xff", ":3: the byte 0xff is not UTF-8", id="latin"),
        pytest.param(
            "translate",
            "multipl-t",
            GOOD + "{{ sauce }}",
            ":3: .*no variable 'sauce'; do you mean 'source'",
            id="unknown",
        ),
        pytest.param(
            "translate",
            "multipl-t",
            GOOD + "{% if x %}y{% endif %}",
            ":3: .*no variable 'x'; there are",
            id="unknown-if",
        ),
        pytest.param(
            "translate",
            "multipl-t",
            GOOD + "{% for i in range(code) %}{% endfor %}",
            ":3: .*no variable 'code'",
            id="for",
        ),
        pytest.param(
            "translate",
            "multipl-t",
            "{{ source }}",
            ":1: .*must use the variable {{ language }} or {{ prefix }}",
            id="missing",
        ),
        pytest.param(
            "translate", "multipl-t", "To {{ language }}.", ":1: .*must use the variable {{ source }} or", id="nothing"
        ),
        pytest.param(
            "translate",
            "multipl-t",
            "{% set source = 1 %}{{ source }}{{ language }}",
            "must use the variable",
            id="set-only",
        ),
        pytest.param("translate", "multipl-t", GOOD + "{% if %}", ":3: the prompt is not a valid Jinja", id="syntax"),
        pytest.param("translate", "multipl-t", GOOD + "{{ name", ":3: the prompt is not a valid Jinja", id="open"),
        pytest.param(
            "translate", "multipl-t", GOOD + "{{ name | shout }}", ":3: .*No filter named 'shout'", id="filter"
        ),
        pytest.param("translate", "multipl-t", GOOD + "{{ name is odder }}", ":3: .*No test named 'odder'", id="test"),
        pytest.param(
            "translate", "multipl-t", GOOD + "\n{{ name + 1 }}", ":4: .*cannot be filled: TypeError", id="type"
        ),
        pytest.param("translate", "multipl-t", GOOD + "{{ runs[0].stdin }}", ":3: .*cannot be filled", id="when-empty"),
        pytest.param(
            "translate", "multipl-t", GOOD + "{% for r in runs %}{{ r.input }}{% endfor %}", ":3: .*filled", id="field"
        ),
        pytest.param(
            "translate", "multipl-t", GOOD + "{{ ''.__class__.__mro__ }}", ":3: .*SecurityError", id="sandbox"
        ),
        pytest.param(
            "translate", "multipl-t", GOOD + '{% include "no.j2" %}', ":3: there is no file 'no.j2'", id="include"
        ),
        pytest.param(
            "translate", "multipl-t", GOOD + '{% include "../own.j2" %}', ":3: there is no file", id="outside"
        ),
        pytest.param(
            "translate", "multipl-t", GOOD + '{% include "own.j2" %}', ":3: 'own.j2' includes itself", id="self"
        ),
        pytest.param("translate", "multipl-t", GOOD + "{% include name %}", ":3: .*not an expression", id="dynamic"),
        pytest.param(
            "translate", "multipl-t", GOOD + "sk-proj-abcdef0123456789abcdef", ":3: this looks like a key", id="key"
        ),
        pytest.param(
            "translate",
            "multipl-t",
            "{% if 0 %}{{ source }}{{ prefix }}{% endif %}",
            "is empty after its variables are filled in",
            id="never",
        ),
        pytest.param(
            "write_tests", "multipl-t", "{{ name }}", ":1: .*must use the variable {{ source }}", id="write_tests"
        ),
        pytest.param("repair", "multipl-t", "{{ source }}", ":1: .*must use the variable {{ code }}", id="repair"),
        pytest.param(
            "solve", "inverse-instruct", "{{ instruction }}{{ code }}", "no variable 'code'", id="solve-sees-code"
        ),
        pytest.param("score", "inverse-instruct", "{{ code }}", "must use the variable {{ instruction }}", id="score"),
        pytest.param("solve", "xcoder", "{{ source }}", "no variable 'source'", id="solve-sees-reference"),
        pytest.param("advise", "xcoder", "{{ draft.text }}", ":1: .*cannot be filled", id="draft-field"),
        pytest.param("vote", "xcoder", "{{ draft }}", "no variable 'draft'; do you mean 'drafts'", id="vote"),
    ],
)
def test_a_fault_is_a_sentence_with_file_and_line(
    tmp_path: Path, call: str, recipe: str, text: str | bytes, message: str
) -> None:
    with pytest.raises(InputError, match=message) as raised:
        check_prompt(call, own(tmp_path, text, call, recipe))
    assert str(raised.value).startswith(f"{tmp_path / 'own.j2'}:")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("call", "recipe", "text"),
    [
        pytest.param("translate", "multipl-t", GOOD, id="short"),
        pytest.param("translate", "multipl-t", b"\xef\xbb\xbf{{ source }}\r\n{{ prefix }}", id="byte-order-mark"),
        pytest.param("translate", "multipl-t", GOOD + "{% set a = 1 %}{{ a }}{{ range(3) | list }}", id="own-names"),
        pytest.param("translate", "multipl-t", GOOD + "{% macro m(a) %}{{ a }}{% endmacro %}{{ m(1) }}", id="macro"),
        pytest.param("translate", "multipl-t", GOOD + "{% if runs %}{{ runs[0].stdin }}{% endif %}", id="guarded"),
        pytest.param(
            "vote", "xcoder", '{% for draft in drafts %}{% include "_draft.j2" %}{% endfor %}', id="recipes-file"
        ),
        pytest.param("propose", "xcoder", '{% include "_agent.j2" %}', id="required-in-an-included-file"),
        pytest.param("propose", "xcoder", '{{ target }}{% include "x.j2" ignore missing %}', id="ignore-missing"),
    ],
)
def test_a_prompt_with_the_same_variables_passes(tmp_path: Path, call: str, recipe: str, text: str | bytes) -> None:
    check_prompt(call, own(tmp_path, text, call, recipe))


def test_a_file_next_to_the_prompt_wins_over_that_of_the_recipe_and_its_line_is_named(tmp_path: Path) -> None:
    (tmp_path / "_agent.j2").write_text("a\nb\n{{ nobody }}")
    with pytest.raises(InputError, match=r"_agent\.j2:3: .*no variable 'nobody'"):
        check_prompt("propose", own(tmp_path, '{% include "_agent.j2" %}', "propose", "xcoder"))


@pytest.mark.parametrize("make", [lambda path: None, Path.mkdir], ids=["missing", "folder"])
def test_a_prompt_that_is_no_file_is_refused(tmp_path: Path, make: object) -> None:
    path = tmp_path / "gone.j2"
    make(path)  # type: ignore[operator]
    with pytest.raises(InputError, match=r"gone\.j2: (there is no such prompt|the prompt is not a file)"):
        check_prompt("translate", own(tmp_path, GOOD).replaced_by(path))


def test_an_included_file_that_changes_after_the_start_changes_no_prompt(tmp_path: Path) -> None:
    (tmp_path / "_a.j2").write_text("{{ language }}")
    prompt = own(tmp_path, '{{ source }}{% include "_a.j2" %}')
    check_prompt("translate", prompt)
    stored = prompt.stored("translate")
    (tmp_path / "_a.j2").write_text("changed")
    values = dict.fromkeys(prompt.interface.variables, "x")  # type: ignore[union-attr]
    assert (prompt.render(**values), stored.texts["_a.j2"]) == ("xx", "{{ language }}")
