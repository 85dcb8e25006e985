"""Assemble the page of a report: one HTML file that needs no network, runs its own script only, and loads nothing."""

import base64
import hashlib
import html
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from itertools import chain
from string import Template
from typing import IO

_SCRIPTS = (
    "data.js",
    "text.js",
    "table.js",
    "charts.js",
    "overview.js",
    "rows.js",
    "detail.js",
    "evaluation.js",
    "training.js",
    "compare.js",
    "main.js",
)
_STYLES = ("report.css",)
_LIVE_SCRIPTS = (*_SCRIPTS, "live.js")


def write_page(file: IO[str], title: str, first: Iterable[str], blocks: Iterable[str], version: str = "") -> None:
    """Write a page.

    Args:
        file: an open text file, in UTF-8.
        title: of the page.
        first: the data elements that the script reads first, in pieces of any size.
        blocks: the data elements that it reads on demand, likewise.
        version: of the data of a page that a server keeps up to date; "" for a file, which makes no request.

    """
    style, script = _asset(_STYLES), _asset(_LIVE_SCRIPTS if version else _SCRIPTS)
    policy = _policy(style, script) + ("; connect-src 'self'" if version else "")
    page = Template(_read("report.html")).substitute(
        policy=html.escape(policy), title=html.escape(title), style=style, script=script, version=html.escape(version)
    )
    head, _, rest = page.partition("<!-- first -->\n")
    middle, _, tail = rest.partition("<!-- blocks -->\n")
    for piece in chain([head], first, [middle], blocks, [tail]):
        file.write(piece)


def _policy(style: str, script: str) -> str:
    """Return the content security policy: the own script and style run, and nothing is loaded from anywhere."""
    return (
        f"default-src 'none'; script-src {_digest(script)}; style-src {_digest(style)}; "
        "base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@cache
def _asset(names: tuple[str, ...]) -> str:
    return "\n" + "".join(_read(name) for name in names)


def _read(name: str) -> str:
    return (files("glotsmith.report") / "page" / name).read_text("utf-8")
