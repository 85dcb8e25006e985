import re

from glotsmith.languages import get_card, language_names
from glotsmith.toolkit.dockerfile import dockerfile
from glotsmith.toolkit.install import packages


def installed(recipe: str) -> list[str]:
    block = recipe.partition("apt-get install")[2].partition(" && rm")[0]
    return re.findall(r"^ {6}(\S+) \\$", block, re.MULTILINE)


def test_a_recipe_has_the_packages_of_the_cards_once_and_sorted() -> None:
    found = installed(dockerfile(["ocaml", "lua", "racket"]))
    assert {"ocaml-nox", "lua5.4", "racket", "bubblewrap", "gcc", "libc6-dev", "python3-venv"} <= set(found)
    assert "r-base-core" not in found
    assert found == sorted(set(found))


def test_all_languages_are_in_it_or_named_as_missing() -> None:
    recipe = dockerfile(language_names())
    found = set(installed(recipe))
    for name in language_names():
        wanted = packages(get_card(name), "apt")
        assert set(wanted) <= found
        lacks = not wanted and any(t.install for t in get_card(name).toolchain)
        assert (f"# No package of Debian 12: {name}\n" in recipe) == lacks


def test_programs_run_as_an_ordinary_user_on_debian_12() -> None:
    lines = dockerfile(["lua"]).splitlines()
    assert "FROM debian:12-slim" in lines
    assert lines.index("USER glotsmith") > max(i for i, line in enumerate(lines) if line.startswith("RUN"))
    assert lines[-2:] == ['ENTRYPOINT ["glotsmith"]', 'CMD ["doctor"]']
    instructions = {x.split()[0] for x in re.findall(r"^[^# ].*", "\n".join(lines), re.MULTILINE)}
    assert instructions - {"COPY"} == {"FROM", "ENV", "RUN", "USER", "WORKDIR", "ENTRYPOINT", "CMD"}
    assert all(line.endswith("\\") for line in lines if line.startswith("      "))
