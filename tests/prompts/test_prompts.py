from pathlib import Path

import pytest

from glotsmith.errors import UsageError
from glotsmith.prompts import Prompt
from glotsmith.recipes.xcoder.recipe import PROMPTS as XCODER
from glotsmith.records import content_hash


def write(folder: Path, **files: str) -> Prompt:
    for name, text in files.items():
        (folder / f"{name}.j2").write_text(text)
    return Prompt(folder / "main.j2")


def test_a_prompt_is_filled_with_what_it_includes(tmp_path: Path) -> None:
    prompt = write(tmp_path, main='{% include "_a.j2" %} {{ x }}!', _a="{% for y in ys %}{{ y }}{% endfor %}")
    assert prompt.render(x="b", ys="cd") == "cd b!"


def test_the_version_is_the_hash_of_the_text_and_of_what_it_includes(tmp_path: Path) -> None:
    plain = write(tmp_path, main="{{ x }}")
    assert plain.version == content_hash("{{ x }}")[:12]
    including = {"main": '{% include "_a.j2" %}', "_a": '{% include "_b.j2" %}', "_b": "1"}
    before = write(tmp_path, **including).version
    assert write(tmp_path, **including).version == before
    assert write(tmp_path, **{**including, "_b": "2"}).version != before


@pytest.mark.parametrize(
    ("text", "contained"),
    [
        ("Say the sum", True),
        ("say  the\nSUM.", True),
        ("Say the sum,", True),
        ("in words", True),  # of an included file
        ("Say the product", False),
        ("numbers", False),  # a value, not the template
    ],
)
def test_a_prompt_contains_its_own_words(tmp_path: Path, text: str, contained: bool) -> None:
    prompt = write(tmp_path, main='Say the sum of {{ x }}, {% include "_a.j2" %}', _a="in  words.")
    assert prompt.render(x="numbers") == "Say the sum of numbers, in  words."
    assert prompt.contains(text) is contained


@pytest.mark.parametrize("text", ["{{ missing }}", "{% if %}", '{% include "_none.j2" %}'])
def test_what_can_not_be_filled_is_said_in_a_sentence(tmp_path: Path, text: str) -> None:
    with pytest.raises(UsageError, match=r"main\.j2 cannot be filled"):
        write(tmp_path, main=text).render()


def test_every_prompt_of_xcoder_has_a_version_of_its_own() -> None:
    versions = [Prompt(path).version for path in XCODER.glob("*.j2")]
    assert len(set(versions)) == len(versions) >= 14
