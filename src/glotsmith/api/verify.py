"""Verify programs from Python: jobs in, verdicts out."""

from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager, closing, nullcontext
from pathlib import Path

from glotsmith.api.synchronous import synchronous
from glotsmith.cache import Cache
from glotsmith.records import Job, Verdict
from glotsmith.sandbox import open_sandbox
from glotsmith.verification import Verifier
from glotsmith.verification.verifier import verify_all


@asynccontextmanager
async def open_verifier(
    isolation: str = "auto", *, workers: int | None = None, cache: Path | str | None = None
) -> AsyncGenerator[Verifier]:
    """Open a sandbox and yield a verifier on it; the sandbox closes at the end of the block.

    Args:
        isolation: An isolation back end (``docs/sandbox.md``); ``auto`` takes the first that works.
        workers: The number of programs that run at once; by default one per processor.
        cache: A file that stores verdicts, so that no program runs twice.

    Raises:
        UsageError: The isolation back end is unknown.
        IsolationError: Programs cannot be isolated on this machine.

    """
    sandbox = open_sandbox(isolation, workers)
    try:
        with closing(Cache(Path(cache))) if cache is not None else nullcontext() as store:
            yield Verifier(sandbox, store)
    finally:
        await sandbox.close()


async def verify_async(
    jobs: Iterable[Job], isolation: str = "auto", *, workers: int | None = None, cache: Path | str | None = None
) -> list[Verdict]:
    """Return the verdicts on jobs, in their order.

    A job that cannot be judged has an ``infra:`` verdict with a sentence. The arguments are those of ``open_verifier``.

    Raises:
        UsageError: The isolation back end is unknown.
        IsolationError: Programs cannot be isolated on this machine.

    """
    async with open_verifier(isolation, workers=workers, cache=cache) as verifier:
        return await verify_all(verifier, list(jobs))


verify = synchronous(verify_async)
