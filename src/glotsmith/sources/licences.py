"""Detect the licence of a file, a folder or an installed distribution, as an SPDX id if there is one."""

import importlib.metadata
import re
from email.message import Message
from pathlib import Path
from typing import cast

UNKNOWN = ""

_FILES = re.compile(r"(?:un)?licen[sc]e|copying", re.IGNORECASE)
_SPDX_LINE = re.compile(r"SPDX-License-Identifier:[ \t]*([A-Za-z0-9.+()\- ]+)")
_READ_CHARS = 20_000

# All phrases of a row must occur. The first matching row decides, so special licences precede general ones.
_PHRASES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("AGPL-3.0", ("gnu affero general public license", "version 3")),
    ("LGPL-3.0", ("gnu lesser general public license", "version 3, 29 june")),
    ("LGPL-2.1", ("gnu lesser general public license", "version 2.1, february")),
    ("GPL-3.0", ("gnu general public license", "version 3, 29 june")),
    ("GPL-2.0", ("gnu general public license", "version 2, june")),
    ("Apache-2.0", ("apache license", "version 2.0")),
    ("MPL-2.0", ("mozilla public license", "2.0")),
    ("Unlicense", ("free and unencumbered software released into the public domain",)),
    ("PSF-2.0", ("python software foundation license",)),
    ("ISC", ("permission to use, copy, modify, and/or distribute this software", "this permission notice")),
    ("MIT", ("permission is hereby granted, free of charge", "above copyright notice and this permission notice")),
    ("BSD-3-Clause", ("redistribution and use in source and binary forms", "the name")),
    ("BSD-2-Clause", ("redistribution and use in source and binary forms",)),
    ("CC0-1.0", ("cc0 1.0 universal",)),
)

_CLASSIFIERS = {
    "MIT License": "MIT",
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD",
    "ISC License (ISCL)": "ISC",
    "Python Software Foundation License": "PSF-2.0",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "GNU General Public License v2 (GPLv2)": "GPL-2.0",
    "GNU General Public License v3 (GPLv3)": "GPL-3.0",
    "GNU Lesser General Public License v3 (LGPLv3)": "LGPL-3.0",
    "The Unlicense (Unlicense)": "Unlicense",
    "CC0 1.0 Universal (CC0 1.0) Public Domain Dedication": "CC0-1.0",
}


def licence_of_text(text: str) -> str:
    """Return the licence that a text contains; ``""`` if it contains no well-known licence."""
    plain = " ".join(text[:_READ_CHARS].lower().split())
    return next((spdx for spdx, phrases in _PHRASES if all(p in plain for p in phrases)), UNKNOWN)


def licence_of_source(text: str) -> str:
    """Return the ``SPDX-License-Identifier`` in the first 2,000 characters of a source file, or ``""``."""
    found = _SPDX_LINE.search(text, 0, 2_000)
    return found[1].strip() if found else UNKNOWN


def licence_of_folder(folder: Path) -> str:
    """Return the licence of the licence files in a folder. Several licences are joined with ``AND``."""
    try:
        files = sorted(f for f in folder.iterdir() if _FILES.match(f.name) and f.is_file())
    except OSError:
        return UNKNOWN
    return " AND ".join(sorted({spdx for f in files if (spdx := _licence_of_file(f))}))


def licence_of_distribution(distribution: importlib.metadata.Distribution) -> str:
    """Return the licence of a distribution: from its SPDX expression, licence files, classifiers or free text."""
    metadata = cast(Message, distribution.metadata)
    if expression := metadata.get("License-Expression"):
        return str(expression)
    files = [f for f in distribution.files or [] if _FILES.match(f.name) and ".dist-info" in f.parts[0]]
    if found := {spdx for f in files if (spdx := _licence_of_file(Path(str(f.locate()))))}:
        return " AND ".join(sorted(found))
    classifiers = map(str, metadata.get_all("Classifier") or [])
    names = [c.rpartition(" :: ")[2] for c in classifiers if c.startswith("License :: ")]
    if names:
        return " OR ".join(_CLASSIFIERS.get(name) or name for name in names)
    free = str(metadata.get("License") or "").strip()
    return free if free and "\n" not in free else licence_of_text(free)


def is_allowed(licence: str, accepted: frozenset[str]) -> bool:
    """Return whether ``accepted`` (lower case) has all parts of one side of the OR of an SPDX expression."""
    plain = licence.lower().replace("(", " ").replace(")", " ")
    choices = re.split(r"\s+or\s+", plain)
    return any(all(p.strip() in accepted for p in re.split(r"\s+and\s+", choice)) for choice in choices)


def _licence_of_file(path: Path) -> str:
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return licence_of_text(file.read(_READ_CHARS))
    except OSError:
        return UNKNOWN
