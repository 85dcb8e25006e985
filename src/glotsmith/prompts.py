"""Prompt templates: one Jinja file per call. The hash of a file is its version, which the lineage of a row holds.

A prompt may include files of its folder (``{% include "_agent.j2" %}``); their texts are part of its version.
"""

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

import jinja2
import jinja2.meta
from jinja2.sandbox import SandboxedEnvironment

from glotsmith.errors import UsageError
from glotsmith.records import content_hash


def _environment(folder: Path) -> SandboxedEnvironment:
    return SandboxedEnvironment(
        loader=jinja2.FileSystemLoader(folder),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )


class Prompt:
    """One prompt template."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @cached_property
    def text(self) -> str:
        """The source of the template.

        Raises:
            UsageError: the file cannot be read.

        """
        try:
            return self.path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"the prompt {self.path} cannot be read: {error}") from error

    @cached_property
    def version(self) -> str:
        """First 12 hex digits of the content hash of the template and the files that it includes."""
        return content_hash(self.text, *self._included(self.text))[:12]

    def _included(self, text: str) -> Iterator[str]:
        """Yield the texts of the files that a template includes, recursively."""
        try:
            names = list(jinja2.meta.find_referenced_templates(_environment(self.path.parent).parse(text)))
        except jinja2.TemplateError:  # ``render`` raises the error
            return
        for name in filter(None, names):
            inner = Prompt(self.path.with_name(name)).text
            yield inner
            yield from self._included(inner)

    @cached_property
    def _template(self) -> jinja2.Template:
        return _environment(self.path.parent).from_string(self.text)

    def render(self, **values: object) -> str:
        """Return the filled template.

        Raises:
            UsageError: the template is malformed or uses a value that is not given.

        """
        try:
            return self._template.render(**values)
        except jinja2.TemplateError as error:
            raise UsageError(f"the prompt {self.path.name} cannot be filled: {error}") from error
