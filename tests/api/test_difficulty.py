"""Pass rates of a target model: counted by problem and language, stored, and selected by ranges."""

from pathlib import Path

import pytest

from glotsmith.api.difficulty import by_language, difficulty_folder, pass_rates
from glotsmith.api.pass_rates import (
    DIFFICULTY,
    RATES,
    PassRateRange,
    ProblemPassRate,
    parse_rate_range,
    read_pass_rates,
)
from glotsmith.errors import GlotsmithError, InputError, UsageError
from glotsmith.evaluation.questions import EvaluationSample


@pytest.mark.parametrize(
    ("text", "rate_range"),
    [
        ("", None),
        ("0.1..0.7", (0.1, 0.7)),
        ("0..1", (0.0, 1.0)),
        ("0.5..0.5", (0.5, 0.5)),
        (" .25 .. 1.0 ", (0.25, 1.0)),
    ],
)
def test_ranges_of_rates(text: str, rate_range: tuple[float, float] | None) -> None:
    assert parse_rate_range(text) == rate_range


@pytest.mark.parametrize(
    "text", ["0.7..0.1", "0.1", "0.1-0.7", "0.1...0.7", "-0.1..0.5", "0..1.5", "a..b", "..", "nan..1"]
)
def test_what_is_no_band_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"must be LOW\.\.HIGH"):
        parse_rate_range(text)


@pytest.mark.parametrize(
    ("rate", "inside"), [(0.1, True), (0.7, True), (0.4, True), (0.0999, False), (0.7001, False), (-1.0, False)]
)
def test_both_bounds_belong_to_a_band(rate: float, *, inside: bool) -> None:
    assert (rate in PassRateRange(0.1, 0.7)) is inside


def sample(question: str, status: str) -> EvaluationSample:
    return EvaluationSample(question=question, sample=0, status=status)


def test_pass_rates_leave_out_what_the_machine_failed_to_judge() -> None:
    statuses = ["pass", "fail:wrong", "infra:sandbox", "fail:no_code", "fail:refused"]
    found = pass_rates(
        [
            *(sample("rows/lua/p/1", status) for status in statuses),
            sample("rows/r/p/1", "pass"),
            sample("rows/r/p2", "infra:teacher"),
        ]
    )
    assert found == [
        ProblemPassRate(parallel_id="p/1", language="lua", passed=1, samples=4),
        ProblemPassRate(parallel_id="p/1", language="r", passed=1, samples=1),
    ]
    assert by_language(found) == {"lua": (1, 0.25, 0, 0), "r": (1, 1.0, 0, 1)}


def store(run: Path, name: str, *lines: str) -> None:
    folder = run / DIFFICULTY / name
    folder.mkdir(parents=True)
    (folder / RATES).write_text("\n".join(lines))


LINE = '{"parallel_id":"p","language":"lua","passed":1,"samples":3}'


def test_the_only_measurement_is_read_and_one_of_several_is_named(tmp_path: Path) -> None:
    assert read_pass_rates(tmp_path) == {}
    store(tmp_path, "one", LINE)
    assert read_pass_rates(tmp_path, required=True) == {("p", "lua"): 0.3333}
    store(tmp_path, "two", LINE.replace("3}", "1}"))
    assert read_pass_rates(tmp_path) == {}
    assert read_pass_rates(tmp_path, "two", required=True) == {("p", "lua"): 1.0}


@pytest.mark.parametrize(
    ("name", "measured", "kind", "words"),
    [
        ("", {}, UsageError, "no difficulty is measured. Measure it first: glotsmith difficulty"),
        ("on", {"one": LINE}, UsageError, "no difficulty is measured under the name 'on'; do you mean 'one'"),
        ("", {"one": LINE, "two": LINE}, UsageError, "name one of the measured models with --difficulty: one, two"),
        ("", {"one": f"{LINE}\n{{"}, InputError, "pass_rates.jsonl:2: not a pass rate"),
        ("", {"one": LINE.replace("3}", "0}")}, InputError, "pass_rates.jsonl:1: not a pass rate"),
        ("", {"one": LINE.replace("1,", '"x",')}, InputError, "pass_rates.jsonl:1: not a pass rate"),
    ],
)
def test_pass_rates_that_cannot_be_read(
    tmp_path: Path, name: str, measured: dict[str, str], kind: type[GlotsmithError], words: str
) -> None:
    for label, lines in measured.items():
        store(tmp_path, label, lines)
    with pytest.raises(kind) as error:
        read_pass_rates(tmp_path, name, required=True)
    assert words in str(error.value)


@pytest.mark.parametrize(
    ("model", "name", "label"),
    [
        ("Qwen/Qwen2.5-Coder-1.5B", "", "Qwen-Qwen2.5-Coder-1.5B"),
        ("./models/my model.gguf", "", "models-my-model.gguf"),
        ("m", "mine", "mine"),
        ("../..", "x", "x"),
    ],
)
def test_a_measurement_has_the_name_of_its_model(tmp_path: Path, model: str, name: str, label: str) -> None:
    (tmp_path / "run.toml").touch()
    assert difficulty_folder(tmp_path, model, name) == tmp_path / DIFFICULTY / label


@pytest.mark.parametrize(("model", "name"), [("..", ""), ("m", "../x"), ("m", "a/b"), ("", ""), ("m", ".hidden")])
def test_a_name_that_is_no_folder_is_refused(tmp_path: Path, model: str, name: str) -> None:
    (tmp_path / "run.toml").touch()
    with pytest.raises(UsageError, match="--name is"):
        difficulty_folder(tmp_path, model, name)
    with pytest.raises(UsageError, match="not a run folder"):
        difficulty_folder(tmp_path / "none", "m")
