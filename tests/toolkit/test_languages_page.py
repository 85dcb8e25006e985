from pathlib import Path

import pytest

from glotsmith.errors import InputError
from glotsmith.languages import get_card, language_names
from glotsmith.toolkit.languages_page import (
    MeasuredSpeed,
    SpeedMeasurements,
    dump_measurements,
    load_measurements,
    render_page,
)

ROOT = Path(__file__).parents[2]
FEW = SpeedMeasurements(
    machine="2 cores",
    isolation="bubblewrap",
    languages={
        "lua": MeasuredSpeed(toolchain='Lua "5.4" | é', cold=40.5, cold_cpu_ms=1.0),
        "ocaml": MeasuredSpeed(toolchain="OCaml", cold=20.0, warm=100.0, cold_cpu_ms=15.0, warm_cpu_ms=2.5),
    },
)


def test_measurements_survive_a_file(tmp_path: Path) -> None:
    file = tmp_path / "languages.toml"
    file.write_text(dump_measurements(FEW), "utf-8")
    assert load_measurements(file) == FEW


@pytest.mark.parametrize(
    "text", ["machine = 1", "machine", 'machine = ""\nisolation = ""\n[languages.lua]\ncold = 1.0']
)
def test_malformed_measurements_are_a_sentence(tmp_path: Path, text: str) -> None:
    file = tmp_path / "languages.toml"
    file.write_text(text, "utf-8")
    with pytest.raises(InputError, match=r"languages\.toml"):
        load_measurements(file)


def test_no_measurements_say_what_makes_them(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"python benchmarks/languages\.py to write it"):
        load_measurements(tmp_path / "languages.toml")


def test_a_row_says_what_was_measured_and_not_run() -> None:
    page = render_page([get_card(name) for name in ("lua", "ocaml", "racket")], FEW)
    assert '| Lua | `lua` | full | Lua "5.4" \\| é | 40 |  | `lua5.4` |' in page
    assert "| OCaml | `ocaml` | full | OCaml | 20 | 100 | `ocaml-nox` |" in page
    assert "| Racket | `racket` | full | not run |  |  | `racket` |" in page
    assert "(5.0 to 5.0 times as fast)" in page
    assert "- **Lua**: Lua has no sets;" in page
    assert "ints have 63 bits" in page.replace("\n  ", " ")
    assert "- **code points**: Racket (stated, not measured).\n- **bytes of UTF-8**: Lua, OCaml.\n" in page
    assert "@{" not in page


def test_the_page_in_the_repository_is_made_of_the_cards_and_the_stored_measurements() -> None:
    page = render_page(
        [get_card(name) for name in language_names()], load_measurements(ROOT / "benchmarks" / "languages.toml")
    )
    assert (ROOT / "docs" / "languages.md").read_text("utf-8") == page, "glotsmith languages page > docs/languages.md"


def test_the_page_lists_each_language_once_by_the_unit_of_its_lengths() -> None:
    text = (ROOT / "docs" / "languages.md").read_text("utf-8")
    section = text.partition("## Lengths and positions in text\n")[2].partition("\n## ")[0]
    items = [
        item.partition("**: ")[2].replace(" (stated, not measured)", "").partition(".\n\n")[0].removesuffix(".")
        for item in section.replace("\n  ", " ").split("\n- ")[1:]
    ]
    assert sorted(name for item in items for name in item.split(", ")) == sorted(
        get_card(name).display for name in language_names()
    )
    assert "Swift (stated, not measured)" in section
