"""Prompt templates: one Jinja file per call. The hash of a file is its version, which the lineage of a row holds.

A prompt may include files of its folder (``{% include "_agent.j2" %}``); their texts are part of its version. A prompt
of a user may also include the files of the prompt that it replaces.
"""

import string
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import jinja2
import jinja2.meta
from jinja2 import nodes
from jinja2.sandbox import SandboxedEnvironment

from glotsmith.errors import InputError, UsageError
from glotsmith.records import content_hash
from glotsmith.stored_prompt import StoredPrompt


class PromptVariable(NamedTuple):
    """A variable that a prompt may use."""

    meaning: str
    sample: object  #: a value like those of a run, for a trial


class PromptInterface(NamedTuple):
    """The variables of the prompts of one call."""

    variables: Mapping[str, PromptVariable]
    required: tuple[tuple[str, ...], ...]  #: a prompt uses at least one variable of each group


class Prompt:
    """One prompt template."""

    def __init__(
        self, path: Path, interface: PromptInterface | None = None, includes: tuple[Path, ...] | None = None
    ) -> None:
        """Create it; nothing is read yet.

        Args:
            path: the file.
            interface: the variables that every ``render`` gets; None if they are not declared.
            includes: the folders of the files that it may include, in order of preference; by default its own folder.

        """
        self.path = path
        self.interface = interface
        self.includes = (path.parent,) if includes is None else includes

    def replaced_by(self, path: Path) -> "Prompt":
        """Return the prompt in another file, with the variables of this one; it may include the files of this one."""
        return Prompt(path, self.interface, (path.parent, *self.includes))

    @cached_property
    def text(self) -> str:
        """The source of the template.

        Raises:
            InputError: the file cannot be read.

        """
        return read_text(self.path)

    @cached_property
    def version(self) -> str:
        """First 12 hex digits of the content hash of the template and the files that it includes."""
        return content_hash(self.text, *(text for _, text in self._included))[:12]

    def contains(self, text: str) -> bool:
        """Return whether the template itself contains a text, in any case and with any blanks between words.

        Small models copy the words of a prompt into their reply. Values that fill the template do not count.
        """
        words = " ".join(text.casefold().split()).strip(string.punctuation + " ")
        return any(
            words in " ".join(source.casefold().split()) for source in (self.text, *dict(self._included).values())
        )

    def stored(self, call: str) -> StoredPrompt:
        """Return the texts of the prompt under the name of a call."""
        texts = {**dict(self._included), self.path.name: self.text}
        return StoredPrompt(version=self.version, call=call, file=self.path.name, texts=texts)

    @cached_property
    def environment(self) -> SandboxedEnvironment:
        """The Jinja environment of the template, whose files are read once."""
        texts = {name: (text, str(self.find(name)), lambda: True) for name, text in self._included}
        return SandboxedEnvironment(
            loader=jinja2.FunctionLoader(texts.get),
            undefined=jinja2.StrictUndefined,
            keep_trailing_newline=False,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    @cached_property
    def _included(self) -> list[tuple[str, str]]:
        return list(self._include(self.text, {self.path.name}))

    def _include(self, text: str, outer: set[str]) -> Iterator[tuple[str, str]]:
        """Yield name and text of the files that a template includes, recursively, each as often as it is included."""
        try:
            tree = parse(text)
        except jinja2.TemplateError:  # ``render`` raises the error
            return
        for name in filter(None, jinja2.meta.find_referenced_templates(tree)):
            if (path := self.find(name)) is None or name in outer:
                continue
            inner = read_text(path)
            yield name, inner
            yield from self._include(inner, {*outer, name})

    def find(self, name: str) -> Path | None:
        """Return the file that the template includes under a name; None if its folders have none."""
        if Path(name).is_absolute() or ".." in Path(name).parts:
            return None
        return next((folder / name for folder in self.includes if (folder / name).is_file()), None)

    @cached_property
    def _template(self) -> jinja2.Template:
        return self.environment.from_string(self.text)

    def render(self, **values: object) -> str:
        """Return the filled template.

        Raises:
            UsageError: the template is malformed or uses a value that is not given.

        """
        if self.interface is not None:
            missing = self.interface.variables.keys() - values.keys()
            assert not missing, f"declared variables of {self.path.name} without a value: {missing}"
        try:
            return self._template.render(**values)
        except jinja2.TemplateError as error:
            raise UsageError(f"the prompt {self.path.name} cannot be filled: {error}") from error


def parse(text: str) -> nodes.Template:
    """Return the syntax tree of a template.

    Raises:
        jinja2.TemplateSyntaxError: it is malformed.

    """
    return _PARSER.parse(text)


_PARSER = SandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)


def read_text(path: Path) -> str:
    """Return the text of a file of a prompt.

    Raises:
        InputError: it is not a file, cannot be read, or is not UTF-8.

    """
    if not path.is_file():
        raise InputError.at(path, None, "the prompt is not a file" if path.exists() else "there is no such prompt")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError.at(path, None, f"the prompt cannot be read: {error.strerror or error}") from error
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise InputError.at(path, line, f"the byte 0x{data[error.start]:02x} is not UTF-8: save it as UTF-8") from None
    return text.replace("\r\n", "\n").replace("\r", "\n")
