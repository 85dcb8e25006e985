"""Write docs/languages.md from the cards and from stored measurements (``benchmarks/languages.toml``)."""

import json
import tomllib
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from textwrap import fill, shorten

import msgspec

from glotsmith.errors import InputError
from glotsmith.languages import Card
from glotsmith.languages.render import enclosing_declaration, fill_template
from glotsmith.languages.text_length import UNITS, text_length_unit
from glotsmith.records import Record
from glotsmith.toolkit.install import packages

_WIDTH = 118  #: width of prose, in characters
_VERSION = 62  #: largest number of characters of a version
_PAGE = Path(__file__).with_name("page.md")
LEVELS = {
    "full": "functions with typed values, and whole programs",
    "io": "whole programs on stdin and stdout",
    "run": "whole programs, by their exit code",
}


class MeasuredSpeed(Record, frozen=True, kw_only=True):
    """The measured speed of one language."""

    toolchain: str
    cold: float  #: programs per second on one core, each in a new process
    warm: float | None = None  #: programs per second with a warm interpreter or compiler
    cold_cpu_ms: float
    warm_cpu_ms: float | None = None


class SpeedMeasurements(Record, frozen=True, kw_only=True):
    """The measurements of ``benchmarks/languages.py``."""

    machine: str
    isolation: str
    languages: dict[str, MeasuredSpeed]


def load_measurements(path: Path) -> SpeedMeasurements:
    """Read stored measurements.

    Raises:
        InputError: The file is missing or malformed.

    """
    try:
        return msgspec.convert(tomllib.loads(path.read_text("utf-8")), SpeedMeasurements)
    except FileNotFoundError as error:
        raise InputError.at(
            path, None, "the file does not exist; run python benchmarks/languages.py to write it"
        ) from error
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, UnicodeDecodeError) as error:
        raise InputError.at(path, None, str(error)) from error


def dump_measurements(measurements: SpeedMeasurements) -> str:
    """Return measurements as TOML."""
    head = {"machine": measurements.machine, "isolation": measurements.isolation}
    lines = ["# Written by: python benchmarks/languages.py", *_toml_lines(head)]
    for name, found in sorted(measurements.languages.items()):
        lines += ["", f"[languages.{name}]", *_toml_lines(msgspec.to_builtins(found))]
    return "\n".join(lines) + "\n"


def _toml_lines(pairs: Mapping[str, object]) -> list[str]:
    return [f"{k} = {json.dumps(v, ensure_ascii=False)}" for k, v in pairs.items() if v is not None]


def render_page(cards: Sequence[Card], measurements: SpeedMeasurements) -> str:
    """Return the page in Markdown."""
    run = measurements.languages
    warm = [m.warm / m.cold for m in run.values() if m.warm]
    used = [level for level in LEVELS if any(card.level == level for card in cards)]
    text = fill_template(
        _PAGE.read_text("utf-8"),
        count=str(len(cards)),
        levels="; ".join(f"{level}, {LEVELS[level]}" for level in used),
        ratio=f" ({min(warm):.1f} to {max(warm):.1f} times as fast)" if warm else "",
        machine=measurements.machine,
        isolation=measurements.isolation,
        rows="\n".join(_language_row(card, run.get(card.name)) for card in cards),
        refused="\n".join(_refused_item(card) for card in cards),
        lengths="\n".join(_length_row(unit, lengths) for unit, lengths in UNITS.items()),
        units="\n".join(_unit_items(cards, run)),
        containers="\n".join(
            _list_item(card.display, f"`{name}`") for card in cards if (name := enclosing_declaration(card))
        ),
        converted="\n".join(_converted_item(card) for card in cards if card.converted),
    )
    return text.rstrip() + "\n"


def _language_row(card: Card, found: MeasuredSpeed | None) -> str:
    version = shorten(found.toolchain, _VERSION, placeholder=" …") if found else "not run"
    cells = [card.display, f"`{card.name}`", card.level, version]
    cells += [f"{found.cold:.0f}" if found else "", f"{found.warm:.0f}" if found and found.warm else ""]
    cells += [" ".join(f"`{p}`" for p in packages(card, "apt")) or "-"]
    escaped = [cell.replace("|", "\\|") for cell in cells]
    return f"| {' | '.join(escaped)} |"


def _refused_item(card: Card) -> str:
    reasons = list(dict.fromkeys(card.refuse.values()))
    if card.limits.int_bits:
        reasons.append(f"ints have {card.limits.int_bits} bits")
    form = ["programs exchange values as JSON"] if card.level == "io" else []
    return _list_item(card.display, "; ".join([*form, *(reasons or ["nothing"]), *_equal_values(card)]))


def _converted_item(card: Card) -> str:
    return _list_item(card.display, card.converted)


def _length_row(unit: str, lengths: Mapping[str, int]) -> str:
    return f"| {unit} | {' | '.join(str(length) for length in lengths.values())} |"


def _unit_items(cards: Sequence[Card], measured: Collection[str]) -> list[str]:
    """Return a list item for each unit of text length, with the languages that count in this unit."""
    languages: dict[str, list[str]] = {unit: [] for unit in UNITS} | {"not stated": []}
    for card in cards:
        unit = text_length_unit(card.name)
        not_measured = " (stated, not measured)" if unit and card.name not in measured else ""
        languages[unit or "not stated"].append(f"{card.display}{not_measured}")
    return [_list_item(unit, ", ".join(names)) for unit, names in languages.items() if names]


def _list_item(title: str, text: str) -> str:
    """Return one wrapped item of a list."""
    return fill(f"- **{title}**: {text}.", _WIDTH, subsequent_indent="  ", break_on_hyphens=False)


def _equal_values(card: Card) -> list[str]:
    """Return the values that a language does not distinguish. A wrong result that is one of these values passes."""
    e = card.equality
    flags = {
        "3 and 3.0": e.int_is_float and card.types is None,
        "lists and tuples": e.list_is_tuple and card.types is None,
        "empty collections of different types": e.empty_is_one,
        "False and None": e.false_is_none,
        "None and an empty collection": e.null_is_empty,
        "a value and a list of this value": e.scalar_is_singleton,
        f"a list and a dict with the keys {e.first_key}, {e.first_key + 1} and so on": e.map_from_list,
        "the keys 1 and '1' of a dict": e.keys_are_text,
        "sets and lists": e.set_is_list,
        "True and 1": e.bool_is_number,
        "False and 0": e.bool_is_number,
        "False and an empty text": e.bool_is_number,
    }
    equal = [values for values, are_equal in flags.items() if are_equal]
    return [f"not distinguished: {', '.join(equal)}"] if equal else []
