"""Import the module of the command that is called: a start with all modules takes about twice the CPU time."""

from collections.abc import Sequence
from importlib import import_module

#: command → module of ``glotsmith.cli`` that registers it
MODULES = {
    "--version": "app",
    "benchmark": "benchmark",
    "certify": "certify",
    "compare": "compare",
    "difficulty": "difficulty",
    "doctor": "languages",
    "evaluate": "evaluate",
    "export": "export",
    "languages": "languages",
    "merge": "merge",
    "prompts": "prompts",
    "recipes": "run",
    "report": "report",
    "reverify": "reverify",
    "run": "run",
    "serve": "serve",
    "show": "show",
    "train": "train",
    "verify": "verify",
    "view": "view",
}


def import_commands(arguments: Sequence[str]) -> None:
    """Register the command that the arguments name, or all commands for help, completion and unknown names."""
    command = next((argument for argument in arguments if argument in MODULES or not argument.startswith("-")), "")
    import_module(f"glotsmith.cli.{MODULES.get(command, 'commands')}")
