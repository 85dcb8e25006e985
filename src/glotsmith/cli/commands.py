"""Import all commands of the command line, which registers them."""

from glotsmith.cli import (
    benchmark,
    certify,
    compare,
    difficulty,
    evaluate,
    export,
    languages,
    merge,
    prompts,
    report,
    reverify,
    run,
    serve,
    show,
    train,
    verify,
    view,
)
from glotsmith.cli.app import app, main

__all__ = [
    "app",
    "benchmark",
    "certify",
    "compare",
    "difficulty",
    "evaluate",
    "export",
    "languages",
    "main",
    "merge",
    "prompts",
    "report",
    "reverify",
    "run",
    "serve",
    "show",
    "train",
    "verify",
    "view",
]
