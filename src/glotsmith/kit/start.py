"""Starts the folder of a new language."""

import os
import re
from pathlib import Path

from glotsmith.errors import StorageError, UsageError
from glotsmith.languages import card, get, names
from glotsmith.languages.render import fill

_TEMPLATE = Path(__file__).parent / "template"
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_FILES = ("card.toml", "verdicts.toml", "hostile.toml")  #: beside the driver


def home() -> Path:
    """Return where a new language goes: a checkout's own languages, else the environment's first folder, else here."""
    checkout = (card.FOLDER.parents[2] / "pyproject.toml").is_file() and os.access(card.FOLDER, os.W_OK)
    return card.FOLDER if checkout else next(iter(card.folders()[1:]), Path.cwd())


def is_found(folder: Path) -> bool:
    """Whether languages in ``folder`` are found as things are."""
    return folder.resolve() in (place.resolve() for place in card.folders())


def start(name: str, folder: Path, like: str = "", display: str = "", extension: str = "") -> Path:
    """Make ``folder/name`` from the template, or as a copy of the language ``like``; return it.

    Raises:
        UsageError: the name is none, or is taken; there is no language ``like``; the folder exists.
        StorageError: the folder can't be made.

    """
    if not _NAME.fullmatch(name):
        raise UsageError(f"{name!r} can't name a language: a lower-case letter, then at most 39 letters, digits and _")
    if name in names():
        raise UsageError(f"there is a language named {name!r} already, in {card.folder(name)}")
    made = folder / name
    if made.exists():
        raise UsageError(f"{made} exists already; remove it, or choose another name or --folder")
    display = display or name.replace("_", " ").title()
    for text in (display, extension):
        if not text.isprintable() or {'"', "\\", "/"} & {*text}:
            raise UsageError(f"{text!r} can't stand in a card: leave out quotes, slashes and backslashes")
    texts = _copied(name, like, display) if like else _blank(name, display, extension or f".{name}")
    try:
        made.mkdir(parents=True)
        for file, text in texts.items():
            (made / file).write_text(text, "utf-8")
    except OSError as error:
        raise StorageError(f"{made} can't be made: {error.strerror}") from error
    card.forget()
    return made


def _blank(name: str, display: str, extension: str) -> dict[str, str]:
    parts = {"name": name, "display": display, "extension": extension if extension[:1] == "." else f".{extension}"}
    own = {file: (_TEMPLATE / file).read_text("utf-8") for file in (*_FILES, "driver")}
    return {
        f"driver{parts['extension']}" if file == "driver" else file: _filled(file, text, parts)
        for file, text in own.items()
    }


def _filled(file: str, text: str, parts: dict[str, str]) -> str:
    """Fill in a file of the template; in the card, ``syntax`` and ``values`` have placeholders of their own."""
    if file != "card.toml":
        return fill(text, **parts)
    head, mark, tail = text.partition("[syntax]")
    return fill(head, **parts) + mark + tail.replace("@{display}", parts["display"])


def _copied(name: str, like: str, display: str) -> dict[str, str]:
    source = get(like)
    texts = {path.name: path.read_text("utf-8") for path in source.file.parent.iterdir() if path.is_file()}
    head = f"# Begun as a copy of {source.display}'s card: every fact below is still that language's.\n"
    own = re.sub(r"(?m)^name = .*$", f'name = "{name}"', texts["card.toml"], count=1)
    own = re.sub(r"(?m)^display = .*$", f'display = "{display}"', own, count=1)
    return {**texts, "card.toml": head + own.replace("[[toolchain]]", _FIRST_STEP + "[[toolchain]]", 1)}


_FIRST_STEP = "# First this: how the new language is found, built, run and installed.\n"
