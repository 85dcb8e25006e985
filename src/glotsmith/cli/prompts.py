"""``glotsmith prompts``: print the prompts of recipes and runs, with their variables."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from glotsmith import recipes
from glotsmith.api import run_config
from glotsmith.cli.app import app, complete_recipe, out
from glotsmith.errors import UsageError, unknown_name
from glotsmith.prompts import PromptInterface
from glotsmith.records import printable
from glotsmith.run_folder import CONFIG, RunFolder
from glotsmith.stored_prompt import StoredPrompt

#: the option ``--prompt`` of commands that request replies
Prompts = Annotated[
    list[str] | None,
    typer.Option("--prompt", help="NAME=FILE: a prompt of your own (see 'glotsmith prompts RECIPE'); repeatable."),
]


def prompt_files(pairs: list[str] | None) -> dict[str, str]:
    """Return the file of each prompt name in the values of ``--prompt``.

    Raises:
        UsageError: A value is not of the form NAME=FILE, or a name is given twice.

    """
    found = dict[str, str]()
    for pair in pairs or ():
        name, _, file = pair.partition("=")
        if not name or not file:
            raise UsageError(f"--prompt {pair} is not of the form NAME=FILE, such as translate=my_prompt.j2")
        if name in found:
            raise UsageError(f"--prompt {name} is given twice: {found[name]} and {file}")
        found[name] = file
    return found


@app.command()
def prompts(
    recipe: Annotated[
        str,
        typer.Argument(help="A recipe, a TOML file, or a run folder.", autocompletion=complete_recipe),
    ] = "",
    name: Annotated[str, typer.Argument(help="Print the text of this prompt only.")] = "",
    prompt: Prompts = None,
    option: Annotated[
        list[str] | None, typer.Option("--set", help="NAME=VALUE: an option of the recipe, such as style=completion.")
    ] = None,
) -> None:
    """Print the prompts in use, with their variables and texts.

    Examples:

    [bold]glotsmith prompts multipl-t[/]

    [bold]glotsmith prompts multipl-t translate > my_prompt.j2[/]  (a start for a prompt of your own)
    """
    if not recipe:
        out.print(_prompts_table())
        return
    if (Path(recipe) / CONFIG).is_file():
        with RunFolder.open(Path(recipe)) as folder:
            interfaces = _interfaces_by_call(folder.config["recipe"])
            shown = [(stored, interfaces.get(stored.call)) for stored in folder.ledger.exchanges.stored_prompts()]
    else:
        chosen = _load_config(recipe, prompt_files(prompt), option or [])
        shown = [(one.stored(call), one.interface) for call, one in chosen.prompts_in_use().items()]
    known = [stored.call for stored, _ in shown]
    if name and name not in known:
        raise UsageError(unknown_name(f"{recipe} has no prompt {name!r}", name, known))
    for stored, interface in shown:
        if stored.call == name:
            out.print(printable(stored.texts[stored.file].rstrip("\n")))
        elif not name:
            _print_prompt(stored, interface)


def _load_config(recipe: str, files: Mapping[str, str], options: list[str]) -> run_config.RunConfig:
    given = {"sources": ("-",), **run_config.read(recipe).get("options", {}), **run_config.assignments(options)}
    return run_config.load(recipe, {"prompts": dict(files), "options": given})


def _interfaces_by_call(recipe: str) -> dict[str, PromptInterface | None]:
    return {call: one.interface for call, one in _load_config(recipe, {}, []).build_recipe().prompts().items()}


def _prompts_table() -> Table:
    table = Table("recipe", "prompts")
    for recipe in recipes.RECIPES:
        table.add_row(recipe, ", ".join(_interfaces_by_call(recipe)))
    return table


def _print_prompt(stored: StoredPrompt, interface: PromptInterface | None) -> None:
    out.print(f"{stored.call}  {stored.file}, version {stored.version}")
    if interface is not None:
        table = Table("variable", "")
        for name, variable in interface.variables.items():
            table.add_row(name, variable.meaning)
        out.print(table)
        out.print(f"It must use: {'; '.join(' or '.join(group) for group in interface.required)}.")
    for name in sorted(stored.texts, key=lambda name: name != stored.file):
        out.print("" if name == stored.file else f"--- {name}, which it includes\n")
        out.print(printable(stored.texts[name]))
