"""The session gets a home of its own (``own_home``), before anything of glotsmith is imported.

Where all is to be tested (``scripts/test.sh``), a missing toolchain or isolation fails a test, and skips none.

But for the toolchains that ``scripts/toolchains.sh`` can install nowhere.
"""

import os
import signal
from collections.abc import Generator
from pathlib import Path

import pytest

import own_home  # noqa: F401 - first: it changes the environment
from glotsmith.languages import get_card, language_names

EVERYTHING = os.environ.get("GLOTSMITH_TEST_EVERYTHING") == "1"
MISSING = ("cannot be run here", "cannot isolate programs")  #: what ToolchainError and IsolationError say
KNOWN = {"apt", "sh scripts/toolchains.sh"}  #: ways to install that the script takes
ELSEWHERE = tuple(
    f"{card.display} cannot be run here"
    for card in map(get_card, language_names())
    if all(t.install and not KNOWN & t.install.keys() for t in card.toolchain)
)
TESTS = Path(__file__).parent
#: The files that take the most time, the longest first: a worker that began one last would end long after the others.
LONGEST = (
    *("languages/test_verdicts.py", "languages/test_hostile_compiled.py", "languages/test_hostile_interpreted.py"),
    *("languages/test_roundtrip.py", "recipes/test_outages.py", "contracts/test_sandboxes.py"),
    *("training/test_training_runs.py", "recipes/test_signals.py", "cluster/test_random_kills.py"),
    *("recipes/multipl_t/test_recipes_five.py",),
    *("contracts/test_descriptors.py", "recipes/test_outages_by_recipe.py", "cli/test_cli_run.py"),
    *("toolkit/test_language_check.py", "training/test_learns.py", "verification/test_job_limits.py"),
    *("suites/test_function_runner.py", "training/test_training_limits.py", "recipes/test_xcoder_resume.py"),
    *("test_own_home.py", "test_examples.py", "execution/test_faults.py", "cluster/test_ray_nodes.py"),
    *("recipes/test_resume.py", "cli/test_cli_resumed_form.py", "languages/test_hostile_container.py"),
    *("report/test_report_page.py", "cli/test_cli_stop.py", "test_read_only.py", "cli/test_cli_roles.py"),
    *("recipes/test_inverse_instruct_resume.py", "recipes/test_partial.py", "test_wheel.py"),
    *("cli/test_cli_benchmark.py", "suites/test_validate.py", "reward/test_reward_hostile.py"),
    *("recipes/xcoder/test_xcoder_memory.py", "api/test_merge_shards.py", "service/test_openapi.py"),
)


if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as in a suite that runs in the background: programs inherit it
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    why = str(report.longrepr)
    if EVERYTHING and report.skipped and any(t in why for t in MISSING) and not any(t in why for t in ELSEWHERE):
        report.outcome = "failed"
    return report


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest files; ``--no-loadscope-reorder`` has the workers of pytest-xdist keep this order."""
    rank = {TESTS / name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: rank.get(item.path, len(rank)))
