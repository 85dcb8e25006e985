"""Licences, from wordings, headers, folders and distributions."""

import importlib.metadata
from pathlib import Path

import pytest

from glotsmith.sources.licences import (
    is_allowed,
    licence_of_distribution,
    licence_of_folder,
    licence_of_source,
    licence_of_text,
)

MIT = "Permission is hereby granted, free of charge ... the above copyright\n notice and this permission notice"
GPL3 = "GNU GENERAL PUBLIC LICENSE\n   Version 3, 29 June 2007"
BSD2 = "Redistribution and use in source and binary forms, with or without"

WORDINGS = [
    (MIT, "MIT"),
    (GPL3, "GPL-3.0"),
    ("GNU LESSER GENERAL PUBLIC LICENSE Version 3, 29 June 2007 ... GNU GENERAL PUBLIC LICENSE version 3", "LGPL-3.0"),
    ("GNU AFFERO GENERAL PUBLIC LICENSE\nVersion 3, 19 November 2007 ... GNU General Public License", "AGPL-3.0"),
    ("GNU GENERAL PUBLIC LICENSE Version 2, June 1991", "GPL-2.0"),
    ("Apache License Version 2.0, January 2004", "Apache-2.0"),
    (BSD2, "BSD-2-Clause"),
    (f"{BSD2} ... Neither the name of the copyright holder", "BSD-3-Clause"),
    ("All rights reserved.", ""),
    ("", ""),
    (" " * 30_000 + MIT, ""),
]


@pytest.mark.parametrize(("text", "licence"), WORDINGS)
def test_wordings(text: str, licence: str) -> None:
    assert licence_of_text(text) == licence


HEADERS = [
    ("# SPDX-License-Identifier: MIT\n", "MIT"),
    ("#!/bin/x\n# SPDX-License-Identifier: (MIT OR Apache-2.0) \nx", "(MIT OR Apache-2.0)"),
    ("# MIT", ""),
    ("\n" * 3000 + "# SPDX-License-Identifier: MIT", ""),
]


@pytest.mark.parametrize(("text", "licence"), HEADERS)
def test_headers(text: str, licence: str) -> None:
    assert licence_of_source(text) == licence


def test_folders(tmp_path: Path) -> None:
    assert licence_of_folder(tmp_path) == ""
    (tmp_path / "LICENSE.txt").write_text(MIT)
    (tmp_path / "licences").mkdir()
    (tmp_path / "README").write_text(GPL3)
    assert licence_of_folder(tmp_path) == "MIT"
    (tmp_path / "COPYING").write_bytes(GPL3.encode() + b"\xff")
    (tmp_path / "UNLICENSE").write_text("who knows")
    assert licence_of_folder(tmp_path) == "GPL-3.0 AND MIT"
    assert licence_of_folder(tmp_path / "gone") == ""


METADATA = {
    "an expression": ("License-Expression: MIT OR ISC\nLicense: x", {}, "MIT OR ISC"),
    "a file": ("License: see file", {"LICENSE": MIT}, "MIT"),
    "files": ("", {"LICENSE.a": MIT, "COPYING": GPL3}, "GPL-3.0 AND MIT"),
    "classifiers": (
        "Classifier: License :: OSI Approved :: MIT License\nClassifier: License :: Other\nClassifier: Topic :: X",
        {},
        "MIT OR Other",
    ),
    "free text": ("License: BSD", {}, "BSD"),
    "a whole text": (f"License: {MIT.replace(chr(10), chr(10) + ' ')}", {}, "MIT"),
    "nothing": ("", {}, ""),
}


@pytest.mark.parametrize(("metadata", "files", "licence"), METADATA.values(), ids=METADATA)
def test_distributions(tmp_path: Path, metadata: str, files: dict[str, str], licence: str) -> None:
    info = tmp_path / "some-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: some\nVersion: 1.0\n{metadata}\n")
    for name, text in files.items():
        (info / name).write_text(text)
    (info / "RECORD").write_text("".join(f"{info.name}/{name},,\n" for name in files))
    assert licence_of_distribution(importlib.metadata.Distribution.at(info)) == licence


ALLOWED = [
    ("MIT", True),
    ("mit", True),
    ("MIT OR GPL-3.0", True),
    ("MIT AND GPL-3.0", False),
    ("MIT AND BSD-3-Clause", True),
    ("GPL-3.0 OR (MIT AND BSD-3-Clause)", True),
    ("GPL-3.0", False),
    ("MIT-0", False),
    ("", False),
]


@pytest.mark.parametrize(("licence", "expected"), ALLOWED)
def test_allowed(licence: str, *, expected: bool) -> None:
    assert is_allowed(licence, frozenset({"mit", "bsd-3-clause"})) is expected
