"""Make verified Lua programs from the functions of an installed package, without a model.

The teacher `offline` translates by rules. Replace it with `teacher="openai", model=..., base_url=...`.
Run it with: python examples/make_data.py FOLDER
"""

import sys
from pathlib import Path

import glotsmith as gs


def main(folder: Path) -> None:
    """Run the recipe, print the counts of each step and the first row, and export the rows for TRL."""
    result = gs.run(
        "multipl-t",
        sources=["package:toolz"],
        languages=["lua"],
        teacher="offline",
        output=folder / "run",
        options={"helpers": True, "imports": True},
    )
    for row in result.funnel:
        print(row.step, row.kept, "kept", row.dropped, "dropped", row.reasons)
    example = next(result.examples())
    print(f"{example.language}: {example.name}, tested by {len(example.tests)} calls")
    print(example.completion)
    print(gs.export(folder / "run", "trl-sft", folder / "trl-sft").summary)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
