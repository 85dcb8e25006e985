"""The figures of languages in the card of a run."""

import asyncio
from pathlib import Path

import msgspec
import pytest

import glotsmith as gs
from glotsmith.certification import certificate, suite_strength
from glotsmith.certification.certificate import LanguageCertificate, machine_certificate, store_machine_certificate
from glotsmith.certification.suite_strength import measure_strength, sample_rows
from glotsmith.evaluation.pass_at_k import interval
from glotsmith.languages import get_card, toolchain
from glotsmith.records import Example, Lineage, Origin

SOURCE = '''def keep_small(xs: list[int]) -> list[int]:
    """Return the numbers of a list below five, in order."""
    kept = []
    for x in xs:
        if x < 5:
            kept.append(x)
    return kept
'''


def example(number: int, language: str = "lua", **fields: object) -> Example:
    row = Example(
        id=f"row {number}", parallel_id=f"p{number // 2}", language=language, name="f", messages=(), prompt="",
        completion="local function f(x) return x < 2 end", source="", tests=("assert f(1) == True",),
        origin=Origin(source="", path=""), lineage=Lineage(teacher="t"),
    )  # fmt: skip
    return msgspec.structs.replace(row, **fields)


def test_a_sample_has_one_row_of_a_problem_in_each_language() -> None:
    rows = [*map(example, range(10)), *(example(n, "r") for n in range(3)), example(11, tests=())]
    found = sample_rows(rows, 3)
    assert {name: len(chosen) for name, chosen in found.items()} == {"lua": 3, "r": 2}
    assert all(len({row.parallel_id for row in chosen}) == len(chosen) for chosen in found.values())
    assert found == sample_rows(rows, 3) and sample_rows([example(1, kind="original")], 3) == {}


def test_languages_without_mutants_have_no_strength(monkeypatch: pytest.MonkeyPatch) -> None:
    async def nothing(language: str, *_: object) -> LanguageCertificate:
        return LanguageCertificate(language=language)

    monkeypatch.setattr(suite_strength, "certify_language", nothing)
    assert asyncio.run(measure_strength({"lua": [example(1)]}, None, None)) == {}  # type: ignore[arg-type]


def test_a_certificate_of_the_machine_holds_while_card_and_toolchain_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(certificate, "cache_home", lambda: tmp_path)
    right = LanguageCertificate(
        language="lua",
        fingerprint=get_card("lua").fingerprint,
        toolchain=toolchain.find_toolchain("lua").version,
        tpr=interval([1.0]),
    )
    assert machine_certificate("lua") is None
    for change, holds in (({}, True), ({"toolchain": "Lua 5.1"}, False), ({"fingerprint": "0"}, False)):
        store_machine_certificate(msgspec.structs.replace(right, **change))
        assert (machine_certificate("lua") is not None) == holds


@pytest.mark.slow
def test_a_run_measures_a_sample_of_its_suites_and_the_card_shows_it(tmp_path: Path) -> None:
    (tmp_path / "source.py").write_text(SOURCE, "utf-8")
    (tmp_path / "run.toml").write_text(
        f'recipe = "multipl-t"\nstrength_sample = 1\nformats = ["jsonl"]\n'
        f'[options]\nsources = ["{tmp_path}/source.py"]\nlanguages = ["lua"]\ntypecheck = false\n',
        "utf-8",
    )
    result = gs.run(str(tmp_path / "run.toml"), output=tmp_path / "run")
    assert result.funnel[-1].made == 1
    card = (tmp_path / "run" / "dataset" / "jsonl" / "README.md").read_text("utf-8")
    assert "| language | rows | problems | toolchain | mutants killed |" in card
    [line] = [line for line in card.splitlines() if line.startswith("| lua |")]
    killed, _, mutants = line.split("|")[-2].strip().partition(" of ")
    assert 3 <= int(killed) <= int(mutants) <= suite_strength.PLAN.mutants
    gs.export(tmp_path / "run", "jsonl", tmp_path / "copy")
    assert line in (tmp_path / "copy" / "README.md").read_text("utf-8")
