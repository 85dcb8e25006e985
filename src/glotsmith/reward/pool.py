"""A long-lived verifier in a background thread, for calls from any thread, event loop or forked process.

The first call that needs a pool opens it; it is closed at exit. A forked process (the worker of a data loader) inherits
memory but no threads, so it forgets the pools of its parent without closing them, and opens its own.
"""

import asyncio
import atexit
import os
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from typing import NamedTuple

from glotsmith.records import Job, Verdict
from glotsmith.sandbox import open_sandbox
from glotsmith.sandbox.base import Sandbox
from glotsmith.verification import Verifier
from glotsmith.verification.candidate_verifier import CandidateVerifier
from glotsmith.verification.verifier import verify_all


class PoolKey(NamedTuple):
    """The arguments of a pool."""

    isolation: str
    jobs: int | None


class VerifierPool:
    """A sandbox and its verifier, in a thread with its own event loop."""

    def __init__(self, key: PoolKey) -> None:
        """Open the sandbox and start the thread.

        Raises:
            UsageError: the isolation does not exist.
            IsolationError: programs cannot be isolated on this machine.

        """
        self._sandbox = open_sandbox(key.isolation, key.jobs or default_jobs())
        self._loop = asyncio.new_event_loop()
        self._verifier = CandidateVerifier(Verifier(self._sandbox))
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._serve, name="glotsmith-reward", daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(_wait_and_close(self._stop, self._sandbox))

    def submit(self, jobs: Sequence[Job]) -> Future[list[Verdict]]:
        """Start to verify jobs; return a future of their verdicts, in order. Cancelling it stops their programs."""
        return asyncio.run_coroutine_threadsafe(verify_all(self._verifier, jobs), self._loop)

    def close(self) -> None:
        """Stop the running programs and the thread; idempotent."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join()


async def _wait_and_close(stop: asyncio.Event, sandbox: Sandbox) -> None:
    await stop.wait()
    pending = asyncio.all_tasks() - {asyncio.current_task()}
    for task in pending:
        task.cancel()
    await asyncio.gather(*pending, return_exceptions=True)
    await sandbox.close()


_lock = threading.Lock()
_pools: dict[PoolKey, VerifierPool] = {}
_pools_of_parent: list[
    object
] = []  #: pools of the process that we were forked from: collecting them would touch its programs
_hooks_registered = False


def get_pool(isolation: str, jobs: int | None) -> VerifierPool:
    """Return the pool of this process for these arguments; open it if it is missing."""
    global _hooks_registered
    key = PoolKey(isolation, jobs)
    with _lock:
        if not _hooks_registered:
            os.register_at_fork(after_in_child=_forget_parent_pools)
            atexit.register(close)
            _hooks_registered = True
        if key not in _pools:
            _pools[key] = VerifierPool(key)
        return _pools[key]


def close() -> None:
    """Close the pools of this process; the next call opens new ones."""
    with _lock:
        while _pools:
            _pools.popitem()[1].close()


def _forget_parent_pools() -> None:
    """Forget the parent's pools and its lock, whose owner does not exist in this process."""
    global _lock
    _lock = threading.Lock()
    _pools_of_parent.append(dict(_pools))
    _pools.clear()


def default_jobs() -> int:
    """Return how many programs to run at once: the processors divided by the ranks on this machine."""
    ranks = os.environ.get("LOCAL_WORLD_SIZE", "")
    return max(1, len(os.sched_getaffinity(0)) // (int(ranks) if ranks.isdecimal() and int(ranks) else 1))
