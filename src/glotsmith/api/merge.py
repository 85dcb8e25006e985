"""Merge the shards of a run into one run, whose dataset has the bytes of a run without shards."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from glotsmith.api.export import write_formats
from glotsmith.api.folders import removed_if_refused
from glotsmith.api.no_input import check_input
from glotsmith.api.run import RUN_FILES, RunResult
from glotsmith.api.run_config import RunConfig, changeable_keys_of
from glotsmith.api.run_log import logging_to
from glotsmith.api.run_rows import finished_rows, is_finished
from glotsmith.api.run_steps import ExtraSteps, with_extra_steps
from glotsmith.api.synchronous import synchronous
from glotsmith.errors import GlotsmithError, UsageError
from glotsmith.execution.base import NoProgress, Progress
from glotsmith.execution.merge import LedgerMerge
from glotsmith.recipes.base import RecipeServices
from glotsmith.records import Job, Outcome, Program, Verdict
from glotsmith.run_folder import CACHE, RunFolder, different_settings
from glotsmith.sandbox.base import Promise
from glotsmith.shard import Shard, parse_shard
from glotsmith.step import Step
from glotsmith.teachers.base import Reply, Request, Teacher

_NOTHING_RUNS = "a merge sends no request and runs no program"


class MergeRequest(NamedTuple):
    """The shards to merge, and the folder of the result."""

    shards: Sequence[Path]  #: run folders
    folder: Path  #: the run folder to create
    cache: Path | None = None  #: a cache file that the shards shared
    steps_after: ExtraSteps = {}  #: the steps of a user that the shards had


class _OpenShard(NamedTuple):
    """A shard whose folder is open for reading."""

    shard: Shard
    folder: RunFolder

    @property
    def path(self) -> Path:
        return self.folder.path


async def merge_async(
    shards: Sequence[Path | str],
    output: Path | str,
    *,
    cache: Path | str | None = None,
    steps_after: ExtraSteps | None = None,
    progress: Progress | None = None,
) -> RunResult:
    """Merge the shards of a run into one run folder; the same call resumes a stopped merge.

    Args:
        shards: The run folders of all shards, in any order.
        output: The run folder to create.
        cache: The cache file that the shards shared; by default their replies are copied into ``output``.
        steps_after: Your own steps that the shards had. Of these, the merge runs each ``WholeStep``.
        progress: The object that receives the progress; by default nothing is shown.

    Raises:
        UsageError: A shard is missing, given twice, unfinished, or part of another run, or ``output`` contains another
            run.
        GlotsmithError: See ``errors.py``.

    """
    request = MergeRequest(
        [Path(path) for path in shards], Path(output), Path(cache) if cache else None, steps_after or {}
    )
    await Merger(request, progress or NoProgress()).run()
    with RunFolder.open(request.folder) as opened:
        return RunResult(request.folder, tuple(opened.ledger.funnel()))


merge = synchronous(merge_async)


class Merger:
    """Merges shards. ``stop`` ends the merge, and the same request resumes it."""

    def __init__(
        self, request: MergeRequest, progress: Progress, warn: Callable[[GlotsmithError], None] = lambda _: None
    ) -> None:
        """Create the merger; ``warn`` receives failures of dataset formats after the first."""
        self._request, self._progress, self._warn = request, progress, warn
        self._merge: LedgerMerge | None = None
        self._stopped = False

    def stop(self) -> None:
        """Stop the merge."""
        self._stopped = True
        if self._merge is not None:
            self._merge.stop()

    async def run(self) -> bool:
        """Check the shards, merge them and write the dataset; return False after ``stop``."""
        with ExitStack() as stack:
            shards = _open_shards(self._request.shards, stack)
            config = _common_config(shards)
            target, cache = self._request.folder, self._request.cache
            disposable = stack.enter_context(removed_if_refused(target, *RUN_FILES))
            stored = msgspec.to_builtins(config)
            changeable = changeable_keys_of(stored)
            folder = stack.enter_context(RunFolder.create_or_resume(target, stored, cache, changeable))
            _check_target(folder, shards)
            steps = _recorded_steps(config, folder, self._request.steps_after)
            _check_steps(shards, steps)
            try:
                return await self._run(shards, config, folder, steps)
            finally:
                if any(row.taken for row in folder.ledger.funnel()):
                    disposable.clear()

    async def _run(
        self, shards: Sequence[_OpenShard], config: RunConfig, folder: RunFolder, steps: Sequence[Step[Any, Any]]
    ) -> bool:
        if not is_finished(folder):
            self._merge = LedgerMerge([s.folder.ledger for s in shards], steps, folder.ledger, self._progress)
            with logging_to(folder.path):
                await self._copy_caches(shards, folder)
                if self._stopped or not await self._merge.run():
                    return False
        check_input(folder.ledger.funnel()[0], config.recipe, config.options["sources"])
        write_formats(finished_rows(folder), config.formats, self._warn)
        return True

    async def _copy_caches(self, shards: Sequence[_OpenShard], folder: RunFolder) -> None:
        """Copy the replies and verdicts of the shards, unless the request names their shared cache."""
        for file in [] if self._request.cache else [shard.path / CACHE for shard in shards]:
            for _ in folder.cache.copy_from(file) if file.is_file() else ():
                await asyncio.sleep(0)
                if self._stopped:
                    return


def _open_shards(paths: Sequence[Path], stack: ExitStack) -> list[_OpenShard]:
    """Open the folders of all shards of one run, and return them in order.

    Raises:
        UsageError: A folder is not a finished shard, or the shards are not all parts of one run, each given once.

    """
    if not paths:
        raise UsageError("no shard given. Pass the run folders of all shards: glotsmith merge RUN-*-of-8 -o RUN")
    found: dict[int, _OpenShard] = {}
    count = 0
    for path in paths:
        opened = _open_shard(path, stack)
        number, of = opened.shard
        count = count or of
        if of != count:
            raise UsageError(
                f"{path} is shard {opened.shard}, but {paths[0]} is one of {count} shards: merge parts of one run"
            )
        if number in found:
            raise UsageError(f"{path} and {found[number].path} are both shard {opened.shard}: give each shard once")
        found[number] = opened
    if missing := [Shard(number, count) for number in range(1, count + 1) if number not in found]:
        names = ", ".join(map(str, missing[:10])) + (" …" if len(missing) > 10 else "")
        raise UsageError(
            f"missing shards: {names}. Run the command with --shard {missing[0]}, and give the folders of all shards"
        )
    shards = [found[number] for number in sorted(found)]
    _check_same_run(shards)
    return shards


def _open_shard(path: Path, stack: ExitStack) -> _OpenShard:
    folder = stack.enter_context(RunFolder.open(path))
    shard = parse_shard(str(folder.config.get("shard", "")))
    if shard is None:
        raise UsageError(f"{path}: this run is not a shard. merge takes runs that were made with --shard NUMBER/TOTAL")
    if not is_finished(folder):
        raise UsageError(f"{path}: shard {shard} is not finished: run its command again, then merge")
    return _OpenShard(shard, folder)


def _check_same_run(shards: Sequence[_OpenShard]) -> None:
    """Check that the shards have one configuration and have read the same sources.

    Raises:
        UsageError: The configurations or the sources differ.

    """
    first, *others = shards
    config = first.folder.config
    changeable = changeable_keys_of(config) | {"shard"}
    for other in others:
        if changed := different_settings(config, other.folder.config, changeable):
            text = "; ".join(
                f"{key} is {one} in the first and {two} in the second" for key, (one, two) in changed.items()
            )
            raise UsageError(f"{first.path} and {other.path} have different configurations: {text}")
        if other.folder.ledger.census != first.folder.ledger.census:
            raise UsageError(
                f"{other.path} has not read the same sources as {first.path}: files or package versions differ. Run "
                "the shards again on the same sources"
            )


def _common_config(shards: Sequence[_OpenShard]) -> RunConfig:
    """Return the configuration of the run that the shards are parts of."""
    config = msgspec.convert(shards[0].folder.config, RunConfig)
    return msgspec.structs.replace(config, shard=None, output="", cache="")


def _check_target(folder: RunFolder, shards: Sequence[_OpenShard]) -> None:
    """Check that the folder is new, or contains a stopped or finished merge of these shards.

    Raises:
        UsageError: The folder contains other files.

    """
    ledger = folder.ledger
    funnel = ledger.funnel()
    if not any(row.taken for row in funnel):
        return
    advice = "choose another folder with -o"
    if ledger.census is None:
        raise UsageError(f"{folder.path} contains a run that is not a merge: {advice}")
    if ledger.census != shards[0].folder.ledger.census:
        raise UsageError(f"{folder.path} contains a merge of other shards: {advice}")
    if continued := [row.step for row in funnel if row.taken and not ledger.is_finished(row.step)]:
        raise UsageError(
            f"{folder.path} contains a merge that 'glotsmith run' continued at the step {continued[0]!r}: finish it "
            f"with 'glotsmith run', or {advice}"
        )


def _recorded_steps(config: RunConfig, folder: RunFolder, extra: ExtraSteps) -> Sequence[Step[Any, Any]]:
    """Return the steps of the recipe for a merge, which runs only the steps that need all items."""
    teacher = _NoTeacher(config.teacher.name, config.teacher.model)
    services = RecipeServices(
        _NoSandbox(), _NoVerifier(), teacher, config.seed, folder.ledger, config.sources_folder(), recorded=True
    )
    return with_extra_steps(config.build_recipe(), services, folder.ledger, extra)


def _check_steps(shards: Sequence[_OpenShard], steps: Sequence[Step[Any, Any]]) -> None:
    names = tuple(step.name for step in steps)
    for shard in shards:
        if shard.folder.ledger.steps != names:
            raise UsageError(
                f"{shard.path} has the steps {', '.join(shard.folder.ledger.steps)}, but this recipe has "
                f"the steps {', '.join(names)}: merge with the version that made the shards"
            )


class _NoTeacher(Teacher):
    """The teacher of a merge, which sends no request."""

    fingerprint = ""

    def __init__(self, name: str, model: str) -> None:
        self.name, self.model = name, model

    async def reply(self, request: Request) -> Reply:
        raise AssertionError(_NOTHING_RUNS)

    async def close(self) -> None:
        """Do nothing."""


class _NoVerifier:
    """The verifier of a merge, which runs no program."""

    async def verify(self, job: Job) -> Verdict:
        raise AssertionError(_NOTHING_RUNS)


class _NoSandbox:
    """The sandbox of a merge, which runs no program."""

    name = ""
    promises: frozenset[Promise] = frozenset()

    async def run(self, program: Program) -> Outcome:
        raise AssertionError(_NOTHING_RUNS)

    async def close(self) -> None:
        """Do nothing."""
