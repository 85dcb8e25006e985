"""Assemble the page of a report: one HTML file that needs no network and runs only its own script."""

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
        file: An open text file, in UTF-8.
        title: The title of the page.
        first: The data elements that the script reads first, in pieces of any size.
        blocks: The data elements that the script reads on demand, in pieces of any size.
        version: The version of the data of a page that a server updates; "" for a file, which sends no request.

    """
    style, script = _joined_files(_STYLES), _joined_files(_LIVE_SCRIPTS if version else _SCRIPTS)
    policy = _content_security_policy(style, script) + ("; connect-src 'self'" if version else "")
    page = Template(_read("report.html")).substitute(
        policy=html.escape(policy), title=html.escape(title), style=style, script=script, version=html.escape(version)
    )
    head, _, rest = page.partition("<!-- first -->\n")
    middle, _, tail = rest.partition("<!-- blocks -->\n")
    for piece in chain([head], first, [middle], blocks, [tail]):
        file.write(piece)


def _content_security_policy(style: str, script: str) -> str:
    """Return a content security policy that allows only the page's own script and style, and loads nothing."""
    return (
        f"default-src 'none'; script-src {_csp_hash(script)}; style-src {_csp_hash(style)}; "
        "base-uri 'none'; form-action 'none'"
    )


def _csp_hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@cache
def _joined_files(names: tuple[str, ...]) -> str:
    return "\n" + "".join(_read(name) for name in names)


def _read(name: str) -> str:
    return (files("glotsmith.report") / "page" / name).read_text("utf-8")
