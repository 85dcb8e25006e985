"""A run's configuration in a TOML file: what the README shows is one, and a mistake gets a sentence."""

import re
from pathlib import Path

import msgspec
import pytest

from glotsmith.api.run_config import load
from glotsmith.errors import UsageError
from glotsmith.teachers import options_of

README = Path(__file__).parents[2] / "README.md"
RECIPE = 'recipe = "multipl-t"\n'


def test_the_example_in_the_readme_is_a_configuration(tmp_path: Path) -> None:
    examples = re.findall(r"```toml\n(.*?)```", README.read_text("utf-8"), re.DOTALL)
    assert examples
    for example in examples:
        file = tmp_path / "run.toml"
        (tmp_path / "src").mkdir(exist_ok=True)
        file.write_text(example)
        chosen = load(str(file), {})
        assert chosen.build_recipe().sources
        options = options_of(chosen.teacher.name)
        assert options is not None
        assert set(chosen.teacher.options) <= set(options.__struct_fields__)
        msgspec.convert(chosen.teacher.options, options)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", r"the field recipe is missing: it must be text"),
        ("seed = 1\n", r"the field recipe is missing: it must be text"),
        ("recipe = 3\n", r"the field recipe is 3; it must be text"),
        (RECIPE + 'seed = "often"\n', r"the field seed is 'often'; it must be a whole number"),
        (RECIPE + 'languages = ["lua"]\n', r"no field 'languages'.*table \[options\].* option of the recipe multipl-t"),
        (RECIPE + 'sources = ["x"]\n', r"no field 'sources'.*recipe, seed, .*\[options\]"),
        (RECIPE + 'outptu = "runs/x"\n', r"no field 'outptu'; do you mean 'output'"),
        (RECIPE + "sed = 1\n", r"no field 'sed'; do you mean 'seed'\?"),
        (RECIPE + '[teacher]\nkind = "openai"\n', r"\[teacher\] has no field 'kind'; there are: name, model, base_url"),
        (RECIPE + '[teacher]\nname = "openai"\ntimeout_s = 3\n', r"no field 'timeout_s'.*table \[teacher.options\]"),
    ],
)
def test_a_wrong_field_is_named_with_what_is_allowed(tmp_path: Path, text: str, sentence: str) -> None:
    file = tmp_path / "run.toml"
    file.write_text(text)
    with pytest.raises(UsageError) as caught:
        load(str(file), {})
    assert re.search(sentence, str(caught.value)), caught.value
    assert "Object" not in str(caught.value)
    assert "`" not in str(caught.value)
