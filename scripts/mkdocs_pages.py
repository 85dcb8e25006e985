"""Add the pages outside ``docs`` to the site, and point links to pages and pictures at the site. A hook of MkDocs."""

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File

ROOT = Path(__file__).parents[1]
#: Files outside ``docs`` → the names of their pages.
PAGES = {
    "README.md": "index.md",
    "ARCHITECTURE.md": "architecture.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "benchmarks/README.md": "benchmarks.md",
    "benchmarks/proof/README.md": "proof.md",
}
_LINK = re.compile(r"\]\((?!\w+:)([^)#]+\.(?:md|png))(#[^)]*)?\)")


def on_files(files: Any, config: Any) -> Any:
    """Add the pages."""
    for path, page in PAGES.items():
        files.append(File.generated(config, page, content=(ROOT / path).read_text("utf-8")))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Return a page whose links lead to pages and pictures of the site."""
    sources = {target: source for source, target in PAGES.items()}
    here = page.file.src_uri
    folder = posixpath.dirname(sources.get(here, f"docs/{here}"))

    def site_link(match: re.Match[str]) -> str:
        path = posixpath.normpath(posixpath.join(folder, match[1]))
        target = PAGES.get(path, path.removeprefix("docs/"))
        return f"]({posixpath.relpath(target, posixpath.dirname(here) or '.')}{match[2] or ''})"

    return _LINK.sub(site_link, markdown)


def on_page_content(html: str, page: Any, config: Any, **_: Any) -> str:
    """Check that the pictures of a page exist; MkDocs checks only links to pages."""
    folder = posixpath.dirname(page.file.src_uri)
    for source in re.findall(r'<img[^>]*\ssrc="([^":]+)"', html):
        if not (Path(config.docs_dir) / folder / source).is_file():
            raise PluginError(f"{page.file.src_uri}: there is no picture {source}")
    return html
