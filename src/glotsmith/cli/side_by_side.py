"""Print an example: the Python original or the instruction, and the program next to it."""

from rich.columns import Columns
from rich.panel import Panel
from rich.syntax import Syntax
from rich.text import Text

from glotsmith.cli.app import out
from glotsmith.records import Example


def side_by_side(example: Example) -> Columns:
    """Return the Python original, or the instruction if there is none, and the program, side by side."""
    from glotsmith.report.item_fields import fenced_program  # only here: it imports all parts of a report

    width = max(40, out.width // 2 - 2)
    code = fenced_program(example.messages[-1]["content"])
    instruction = (Text(example.messages[0]["content"]), "instruction")
    source = (Syntax(example.source, "python", word_wrap=True), f"python: {example.name}")
    left, title = source if example.source else instruction
    panels = [
        Panel(left, title=Text(title), width=width),
        Panel(Syntax(code, example.language, word_wrap=True), title=example.language, width=width),
    ]
    return Columns(panels, padding=(0, 0))
