"""Print constraints that hold each dependency of glotsmith to its lower bound, and the other packages of a tested set.

python scripts/lowest.py bounds EXTRA…      NAME==LOWEST for the dependencies and those of the extras
python scripts/lowest.py others NAME…       the lines of constraints.txt without these packages
"""

import re
import sys
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

_ROOT = Path(__file__).parents[1]
_REQUIREMENT = re.compile(r"([A-Za-z0-9._-]+)[^;>]*>=\s*([^,;\s]+)")


def canonical(name: str) -> str:
    """Return a package's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def bounds(requirements: Iterable[str]) -> Iterator[str]:
    """Yield ``NAME==LOWEST`` for each requirement; one without a lower bound is an error."""
    for requirement in requirements:
        found = _REQUIREMENT.match(requirement)
        if found is None:
            raise SystemExit(f"pyproject.toml: {requirement!r} has no lower bound")
        yield f"{canonical(found[1])}=={found[2]}"


def others(constraints: str, names: Iterable[str]) -> Iterator[str]:
    """Yield the lines of ``constraints`` that hold none of ``names``."""
    left_out = set(map(canonical, names))
    for line in constraints.splitlines():
        name = line.partition("==")[0]
        if line and not line.startswith("#") and canonical(name) not in left_out:
            yield line


def main() -> None:
    """Print what the first argument asks for."""
    what, *names = sys.argv[1:]
    if what == "others":
        lines = others((_ROOT / "constraints.txt").read_text("utf-8"), names)
    else:
        project = tomllib.loads((_ROOT / "pyproject.toml").read_text("utf-8"))["project"]
        wanted = [*project["dependencies"], *(r for name in names for r in project["optional-dependencies"][name])]
        lines = bounds(wanted)
    sys.stdout.write("".join(f"{line}\n" for line in sorted(set(lines))))


if __name__ == "__main__":
    main()
