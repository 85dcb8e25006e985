"""Add a filter step to a recipe: keep functions that have one parameter.

Run it with: python examples/custom_filter.py FOLDER
"""

import ast
import sys

import glotsmith as gs
from glotsmith.drop_reasons import Reason


class FewParameters(gs.ItemStep[gs.Function, gs.Function]):
    """Drop functions with several parameters. The ledger stores each drop with its reason and detail."""

    name = "few_parameters"
    output = gs.Function

    async def run(self, key, item):
        """Keep or drop one function."""
        count = len(ast.parse(item.code).body[0].args.args)
        return gs.keep(key, item) if count == 1 else gs.drop(Reason.UNSUPPORTED_PARAMETERS, f"{count} parameters")


def main(folder: str) -> None:
    """Run the recipe on standard library modules, with the step after the recipe's own filter."""
    result = gs.run(
        "multipl-t",
        sources=["stdlib:bisect", "stdlib:colorsys", "stdlib:textwrap", "stdlib:keyword"],
        languages=["lua"],
        output=folder,
        options={"helpers": True, "imports": True},
        steps_after={"filter": FewParameters()},
    )
    for row in result.funnel[:3]:
        print(row.step, row.kept, "kept", row.dropped, "dropped", row.reasons)


if __name__ == "__main__":
    main(sys.argv[1])
