"""Prints what the language cards say to apt: a line NAME|COMMANDS|PACKAGES for each language. Plain Python 3.11.

``toolchains.sh`` reads it before there is a virtual environment. COMMANDS are those of the toolchain that PACKAGES
make; both are separated by blanks, and PACKAGES is empty where Debian has none.
"""

import sys
import tomllib
from pathlib import Path

LANGUAGES = Path(__file__).parents[1] / "src" / "glotsmith" / "languages"
COMMANDS = ("build", "run", "script_build", "script")


def line(card: dict) -> str:
    """Return one language's line: of its first toolchain that apt has, else of its first."""
    toolchains = card["toolchain"]
    chosen = next((t for t in toolchains if "apt" in t.get("install", {})), toolchains[0])
    named = [chosen.get("command", ""), *(words[0] for key in COMMANDS if (words := chosen.get(key)))]
    commands = dict.fromkeys(word for word in named if word and "@" not in word and word[0] != ".")
    return f"{card['name']}|{' '.join(commands)}|{chosen.get('install', {}).get('apt', '')}"


def main() -> None:
    """Print the lines, sorted by name."""
    for file in sorted(LANGUAGES.glob("*/card.toml")):
        sys.stdout.write(line(tomllib.loads(file.read_text("utf-8"))) + "\n")


if __name__ == "__main__":
    main()
