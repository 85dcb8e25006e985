"""The Python interface: ``import glotsmith as gs``."""

import asyncio
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
    with pytest.raises(AttributeError, match="no attribute 'verifier'"):
        gs.verifier  # noqa: B018


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
    assert made.finished
    assert [row.step for row in made.funnel][:3] == ["sources", "filter", "drop_longest"]
    assert made.funnel[2].reasons == {"trivial": 1}
    assert {example.kind for example in made.examples()} == {"translation"}
    assert run().funnel == made.funnel
    exported = gs.export(tmp_path / "run", "parquet", tmp_path / "out")
    assert (exported.rows, exported.partial) == (1, False)


def test_a_step_can_not_follow_an_unknown_step(tmp_path: Path) -> None:
    (tmp_path / "source.py").write_text(SOURCE)
    with pytest.raises(gs.UsageError, match="No step can follow 'fliter'"):
        gs.run(
            "multipl-t",
            sources=[str(tmp_path / "source.py")],
            languages=["lua"],
            output=tmp_path / "run",
            steps_after={"fliter": DropLongest()},
        )
