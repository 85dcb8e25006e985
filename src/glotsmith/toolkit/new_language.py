"""Create the folder of a new language."""

import json
import os
import re
from pathlib import Path

from glotsmith.errors import StorageError, UsageError
from glotsmith.languages import Card, card, get_card, language_names
from glotsmith.languages.render import fill_template

_TEMPLATE = Path(__file__).parent / "template"
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_FILES = ("card.toml", "verdicts.toml", "hostile.toml")  #: the files of a language, without the driver
_LEVELS = {"full": _TEMPLATE, "io": _TEMPLATE / "io"}  #: level → folder of the template


def default_folder() -> Path:
    """Return the languages of the checkout, else the first folder of the environment, else the current folder."""
    checkout = (card.LANGUAGES_FOLDER.parents[2] / "pyproject.toml").is_file() and os.access(
        card.LANGUAGES_FOLDER, os.W_OK
    )
    return card.LANGUAGES_FOLDER if checkout else next(iter(card.language_folders()[1:]), Path.cwd())


def is_found(folder: Path) -> bool:
    """Return whether glotsmith finds the languages in ``folder`` with the current environment."""
    return folder.resolve() in (place.resolve() for place in card.language_folders())


def create_language(
    name: str, folder: Path, like: str = "", display: str = "", extension: str = "", level: str = ""
) -> Path:
    """Create ``folder/name`` from the template of ``level`` ("" for full) or as a copy of ``like``, and return it.

    Raises:
        UsageError: The name is invalid or taken; there is no language ``like``, or it has another level; there is no
            such level; or the folder exists.
        StorageError: The folder cannot be created.

    """
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} is not a valid name of a language: use a lower-case letter, then up to 39 letters, digits and _"
        )
    if name in language_names():
        raise UsageError(f"the language {name!r} exists already, in {card.language_folder(name)}")
    made = folder / name
    if made.exists():
        raise UsageError(f"{made} already exists; remove it, or choose another name or --folder")
    display = display or name.replace("_", " ").title()
    for text in (display, extension):
        if not text.isprintable() or {'"', "\\", "/"} & {*text}:
            raise UsageError(
                f"a card cannot contain {text!r}: remove quotes, slashes, backslashes and control characters"
            )
    _check_level(level, like)
    texts = (
        _copy_files(name, like, display)
        if like
        else _fill_template_files(name, display, extension or f".{name}", level or "full")
    )
    try:
        made.mkdir(parents=True)
        for file, text in texts.items():
            (made / file).write_text(text, "utf-8")
    except OSError as error:
        raise StorageError(f"{made} cannot be created: {error.strerror}") from error
    card.clear_card_caches()
    return made


def _check_level(level: str, like: str) -> None:
    if level and level not in _LEVELS:
        raise UsageError(f"there is no level {level!r}: use --level {' or --level '.join(_LEVELS)}")
    if level and like and get_card(like).level != level:
        able = ", ".join(name for name in language_names() if get_card(name).level == level)
        raise UsageError(
            f"--from {like} has level {get_card(like).level}, and --level is {level}: remove one of them, or use "
            f"--from with a language of level {level} ({able})"
        )


def _fill_template_files(name: str, display: str, extension: str, level: str) -> dict[str, str]:
    parts = {"name": name, "display": display, "extension": extension if extension[:1] == "." else f".{extension}"}
    texts = {file: _fill_file(file, (_LEVELS[level] / file).read_text("utf-8"), parts) for file in _FILES}
    if level == "full":
        texts[f"driver{parts['extension']}"] = fill_template((_TEMPLATE / "driver").read_text("utf-8"), **parts)
    return texts


def _fill_file(file: str, text: str, parts: dict[str, str]) -> str:
    """Fill in a file of the template. The tables of a card from ``syntax`` on keep their own placeholders."""
    if file != "card.toml":
        return fill_template(text, **parts)
    head, mark, tail = text.partition("[syntax]")
    return fill_template(head, **parts) + mark + tail.replace("@{display}", parts["display"])


def _copy_files(name: str, like: str, display: str) -> dict[str, str]:
    """Return the files of another language, with TODO marks for its properties."""
    source = get_card(like)
    texts = {path.name: path.read_text("utf-8") for path in source.card_path.parent.iterdir() if path.is_file()}
    own = re.sub(r"(?m)^name = .*$", f'name = "{name}"', texts["card.toml"], count=1)
    own = re.sub(r"(?m)^display = .*$", f'display = "{display}"', own, count=1)
    texts["card.toml"] = _card_head(source, display, sorted({*texts} - {*_FILES})) + _with_todo_marks(
        own, source, display
    )
    for file, example in _ROWS.items():
        if file in texts:
            texts[file] = f"# TODO: write each `code` in {display}. Example: {example}\n{texts[file]}"
    return texts


def _card_head(source: Card, display: str, others: list[str]) -> str:
    what = f"for {display}; it is a copy of that of {source.display}, which is the example"
    marks = "".join(f"# TODO: rewrite {file} {what}\n" for file in others)
    return (
        f"# Copy of the card of {source.display}: all properties below are still those of {source.display}.\n"
        "# Each line with the mark TODO and a colon is an instruction. Follow it and delete the line; "
        f"`glotsmith languages check` lists the remaining ones.\n{marks}"
        f"# TODO: `extension` and `fences`: write those of {display}. "
        f'Example: extension = "{source.extension}" and fences = {json.dumps(source.fences)} are {source.display}\'s\n'
    )


def _with_todo_marks(text: str, source: Card, display: str) -> str:
    """Insert a TODO mark that describes the table before the first line of each table of a card."""
    for table, what in _TABLES.items():
        mark = f"# TODO: [{table}], {what}: write that of {display}. Example: below is {source.display}'s\n"
        text = re.sub(rf"(?m)^(?=\[+{table}\]+ *(#.*)?$)", lambda _, mark=mark: mark, text, count=1)
    return text


_TABLES = {
    "toolchain": "how the language is found, built, run and installed",
    "syntax": "comments, strings, names, reserved words, the first line of a function and a stub",
    "values": "the literal of each type",
    "examples": "the literals as people write them, if the driver needs other ones",
    "terms": "the names of kinds of values in the language",
    "types": "the types of a signature",
    "printers": "the expressions that print a typed result",
    "driver": "how calls reach the driver",
    "equality": "values that the language does not distinguish and Python does",
    "limits": "the width of its ints, and the limits that it needs",
    "refuse": "the values that it cannot represent, with the reason",
}  #: table of a card → its content
_ROWS = {
    "verdicts.toml": "the code of row `accepted` below passes",
    "hostile.toml": "the code of the first row below is refused",
}  #: file of rows → the meaning of its rows
