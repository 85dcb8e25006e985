"""Add a language whose programs run on stdin and stdout: awk. docs/add-a-language.md adds one with typed functions.

Run it with: python examples/add_language.py FOLDER
"""

import os
import sys
from pathlib import Path

import glotsmith as gs

CARD = """
name = "awk"
display = "AWK"
level = "io"
extension = ".awk"
fences = ["awk"]
[[toolchain]]
command = "awk"
version = ["awk", "-W", "version"]
script = ["awk", "-f", "@{dir}/main.awk"]
install = { apt = "mawk" }
[syntax]
line_comment = "#"
stub = "BEGIN { exit 1 }"
"""


def main(folder: Path) -> None:
    """Write the language card and verify a program in the new language."""
    (folder / "awk").mkdir()
    (folder / "awk" / "card.toml").write_text(CARD, "utf-8")
    os.environ["GLOTSMITH_LANGUAGES"] = str(folder)
    tests = (gs.IoCase(stdin="1\n2\n", stdout="3\n"), gs.IoCase(stdin="", stdout="0\n"))
    job = gs.Job(id="sum", language="awk", code="{ total += $1 } END { print total + 0 }", io=tests)
    print(gs.verify([job])[0].status)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
