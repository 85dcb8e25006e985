"""The Python interface: ``import glotsmith as gs``."""

import asyncio
import inspect
import re
from pathlib import Path
from typing import Any

import pytest

import glotsmith as gs
from glotsmith.drop_reasons import Reason
from glotsmith.records import Function

RIGHT = gs.Job(id="right", language="python", tests=("assert f(1) == 2",), code="def f(x):\n    return x + 1\n")
WRONG = gs.Job(id="wrong", language="python", tests=("assert f(1) == 2",), code="def f(x):\n    return x\n")
SOURCE = '''def add_all(xs: list[int]) -> int:
    """Return the sum of the positive numbers of a list."""
    total = 0
    for x in xs:
        if x > 0:
            total += x
    return total


def longest(words: list[str]) -> str:
    """Return the first of the longest words of a list."""
    best = ""
    for word in words:
        if len(word) > len(best):
            best = word
    return best
'''


class DropLongest(gs.ItemStep[Function, Function]):
    name = "drop_longest"
    output = Function

    async def run(self, key: str, item: Function) -> Any:
        return gs.drop(Reason.TRIVIAL) if item.name == "longest" else gs.keep(key, item)


def test_every_public_name_is_there_and_sorted() -> None:
    assert list(gs.__all__) == sorted(gs.__all__)
    assert all(getattr(gs, name) is not None for name in gs.__all__)


@pytest.mark.parametrize("name", ["verifier", "Verify", "api_"])
def test_an_unknown_name_is_refused(name: str) -> None:
    with pytest.raises(AttributeError, match=f"no attribute '{name}'"):
        getattr(gs, name)


@pytest.mark.parametrize("name", [name for name in gs.__all__ if f"{name}_async" in gs.__all__])
def test_both_forms_have_the_same_arguments(name: str) -> None:
    one, other = getattr(gs, name), getattr(gs, f"{name}_async")
    assert inspect.signature(one) == inspect.signature(other)
    assert (one.__name__, inspect.iscoroutinefunction(one)) == (name, False)
    assert inspect.iscoroutinefunction(other)


def test_the_example_of_the_readme_prints_what_it_says(capsys: pytest.CaptureFixture[str]) -> None:
    blocks = re.findall(r"```python\n(.*?)```", (Path(__file__).parents[2] / "README.md").read_text("utf-8"), re.DOTALL)
    for block in blocks:
        exec(compile(block, "README.md", "exec"), {})
    assert capsys.readouterr().out.splitlines() == re.findall(r"print\(.*\)  # (.*)", "".join(blocks))
    assert blocks


def test_verify_keeps_the_order_of_the_jobs() -> None:
    assert [(v.id, v.status) for v in gs.verify([RIGHT, WRONG])] == [("right", "pass"), ("wrong", "fail:wrong")]


def test_verify_works_where_an_event_loop_runs() -> None:
    async def verify() -> tuple[str, str]:
        (outer,) = gs.verify([RIGHT])  # as in a notebook
        (inner,) = await gs.verify_async([RIGHT])
        return outer.status, inner.status

    assert asyncio.run(verify()) == ("pass", "pass")


def test_an_unknown_isolation_is_an_error_of_the_user() -> None:
    with pytest.raises(gs.UsageError, match="isolation 'magic'"):
        gs.verify([RIGHT], "magic")


@pytest.mark.slow
def test_a_run_with_a_step_of_a_user_resumes_and_exports(tmp_path: Path) -> None:
    (tmp_path / "source.py").write_text(SOURCE)

    def run() -> gs.RunResult:
        return gs.run(
            "multipl-t",
            sources=[str(tmp_path / "source.py")],
            languages=["lua"],
            output=tmp_path / "run",
            steps_after={"filter": DropLongest()},
        )

    made = run()
    assert [row.step for row in made.funnel][:3] == ["sources", "filter", "drop_longest"]
    assert made.funnel[2].reasons == {"trivial": 1}
    assert {example.kind for example in made.examples()} == {"translation"}
    assert run().funnel == made.funnel
    exported = gs.export(tmp_path / "run", "parquet", tmp_path / "out")
    assert (exported.rows, exported.partial) == (1, False)


def test_a_step_can_not_follow_an_unknown_step(tmp_path: Path) -> None:
    (tmp_path / "source.py").write_text(SOURCE)
    with pytest.raises(gs.UsageError, match="no step can follow 'fliter'"):
        gs.run(
            "multipl-t",
            sources=[str(tmp_path / "source.py")],
            languages=["lua"],
            output=tmp_path / "run",
            steps_after={"fliter": DropLongest()},
        )


TOML = """
recipe = "multipl-t"
seed = 7
formats = ["jsonl"]
isolation = "none"
preview = {preview}

[options]
sources = ["source.py"]
languages = ["lua"]

[teacher]
name = "scripted"
model = "replies.jsonl"
"""


def chosen(monkeypatch: pytest.MonkeyPatch, *args: Any, **kwargs: Any) -> Any:
    """Return the request that a run executes, without executing it."""
    requests = list[Any]()

    async def note(worker: Any, request: Any, *_: Any) -> bool:
        requests.append(request)
        raise gs.OutageError("noted")

    monkeypatch.setattr("glotsmith.api.run.execute", note)
    with pytest.raises(gs.OutageError, match="noted"):
        gs.run(*args, **kwargs)
    return requests[0]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, ("scripted", 7, ("jsonl",), "none")),
        ({"teacher": "offline", "model": ""}, ("offline", 7, ("jsonl",), "none")),
        ({"seed": 0}, ("scripted", 0, ("jsonl",), "none")),
        ({"formats": ["parquet"]}, ("scripted", 7, ("parquet",), "none")),
        ({"isolation": "auto"}, ("scripted", 7, ("jsonl",), "auto")),
    ],
)
def test_a_toml_file_decides_what_no_argument_does(
    given: dict[str, Any], expected: tuple[Any, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "source.py").write_text(SOURCE)
    (tmp_path / "replies.jsonl").write_text("")
    (tmp_path / "run.toml").write_text(TOML.format(preview=0))
    config = chosen(monkeypatch, str(tmp_path / "run.toml"), **given).config
    assert (config.teacher.name, config.seed, config.formats, config.isolation) == expected


def test_without_a_file_the_defaults_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    config = chosen(monkeypatch, "multipl-t", sources=["stdlib:textwrap"], languages=["lua"]).config
    assert (config.teacher.name, config.seed, config.formats, config.isolation) == (
        *("offline", 0, ("jsonl", "parquet")),
        "auto",
    )


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"options": {"sources": ("stdlib:",), "languages": ("r",)}}, (("stdlib:",), ("r",))),
        ({"sources": ["src"], "options": {"languages": ("r",)}}, (("src",), ("r",))),
        ({"sources": ["src"], "languages": ["lua"], "options": {"languages": ("r",)}}, (("src",), ("lua",))),
    ],
)
def test_sources_and_languages_may_be_options(
    given: dict[str, Any], expected: tuple[tuple[str, ...], ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    options = chosen(monkeypatch, "multipl-t", **given).config.options
    assert (tuple(options["sources"]), tuple(options["languages"])) == expected


@pytest.mark.parametrize(("preview", "folder", "other"), [(0, "run", "run-preview"), (5, "run-preview", "run")])
def test_a_preview_works_beside_its_run(
    preview: int, folder: str, other: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "source.py").write_text(SOURCE)
    (tmp_path / "replies.jsonl").write_text("")
    (tmp_path / "run.toml").write_text(TOML.format(preview=preview))
    place = chosen(monkeypatch, str(tmp_path / "run.toml"), output=tmp_path / "run").place
    assert place.folder == tmp_path / folder
    assert list(place.others) == [tmp_path / other / "cache.sqlite", tmp_path / "run-pilot" / "cache.sqlite"]
