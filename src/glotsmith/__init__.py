"""Execution-verified multilingual training data for code models.

Example::

    import glotsmith as gs

    job = gs.Job(id="x", language="lua", tests=("assert f(1) == 2",), code="function f(x) return x + 1 end")
    print(gs.verify([job])[0].status)

Names are imported when they are first used, so that ``import glotsmith`` is fast.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from glotsmith.api.evaluate import EvaluationResult, evaluate, evaluate_async
    from glotsmith.api.export import ExportResult, export, export_async
    from glotsmith.api.merge import merge, merge_async
    from glotsmith.api.run import RunResult, run, run_async
    from glotsmith.api.verify import open_verifier, verify, verify_async
    from glotsmith.errors import (
        DefectsError,
        GlotsmithError,
        InfraError,
        InputError,
        IsolationError,
        OutageError,
        StorageError,
        TeacherError,
        ToolchainError,
        UsageError,
    )
    from glotsmith.evaluation.evaluate import EvaluationPlan
    from glotsmith.records import CaseVerdict, Example, Function, IoCase, Job, Problem, Solution, Task, Verdict
    from glotsmith.reward import score, score_async
    from glotsmith.step import BatchStep, ItemStep, Result, WholeStep, drop, keep
    from glotsmith.teachers import open_teacher
    from glotsmith.verification import Verifier

__version__ = "0.1.0"

_MODULES = {
    "glotsmith.api.evaluate": ("EvaluationResult", "evaluate", "evaluate_async"),
    "glotsmith.api.export": ("ExportResult", "export", "export_async"),
    "glotsmith.api.merge": ("merge", "merge_async"),
    "glotsmith.api.run": ("RunResult", "run", "run_async"),
    "glotsmith.api.verify": ("open_verifier", "verify", "verify_async"),
    "glotsmith.errors": (
        "DefectsError",
        "GlotsmithError",
        "InfraError",
        "InputError",
        "IsolationError",
        "OutageError",
        "StorageError",
        "TeacherError",
        "ToolchainError",
        "UsageError",
    ),
    "glotsmith.evaluation.evaluate": ("EvaluationPlan",),
    "glotsmith.records": (
        "CaseVerdict",
        "Example",
        "Function",
        "IoCase",
        "Job",
        "Problem",
        "Solution",
        "Task",
        "Verdict",
    ),
    "glotsmith.reward": ("score", "score_async"),
    "glotsmith.step": ("BatchStep", "ItemStep", "Result", "WholeStep", "drop", "keep"),
    "glotsmith.teachers": ("open_teacher",),
    "glotsmith.verification": ("Verifier",),
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names}

__all__ = [
    "BatchStep",
    "CaseVerdict",
    "DefectsError",
    "EvaluationPlan",
    "EvaluationResult",
    "Example",
    "ExportResult",
    "Function",
    "GlotsmithError",
    "InfraError",
    "InputError",
    "IoCase",
    "IsolationError",
    "ItemStep",
    "Job",
    "OutageError",
    "Problem",
    "Result",
    "RunResult",
    "Solution",
    "StorageError",
    "Task",
    "TeacherError",
    "ToolchainError",
    "UsageError",
    "Verdict",
    "Verifier",
    "WholeStep",
    "drop",
    "evaluate",
    "evaluate_async",
    "export",
    "export_async",
    "keep",
    "merge",
    "merge_async",
    "open_teacher",
    "open_verifier",
    "run",
    "run_async",
    "score",
    "score_async",
    "verify",
    "verify_async",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used."""
    if name not in _HOMES:
        raise AttributeError(f"module 'glotsmith' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Return the public names."""
    return sorted({*globals(), *__all__})
