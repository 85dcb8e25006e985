"""A long-lived verifier in a background thread, for calls from any thread, event loop or forked process.

The first call that needs a verifier thread starts it; it is stopped at exit. A forked process (the worker of a data
loader) inherits memory but no threads, so it forgets the verifier threads of its parent without stopping them, and
starts its own.
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


class VerifierThreadKey(NamedTuple):
    """The arguments of a verifier thread."""

    isolation: str
    jobs: int | None


class VerifierThread:
    """A sandbox and its verifier, in a thread with its own event loop."""

    def __init__(self, key: VerifierThreadKey) -> None:
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
_verifier_threads: dict[VerifierThreadKey, VerifierThread] = {}
#: those of the parent process, kept referenced: their finalizers would affect the programs of the parent
_threads_of_parent: list[object] = []
_hooks_registered = False


def get_verifier_thread(isolation: str, jobs: int | None) -> VerifierThread:
    """Return the verifier thread of this process for these arguments; start it if it is missing."""
    global _hooks_registered
    key = VerifierThreadKey(isolation, jobs)
    with _lock:
        if not _hooks_registered:
            os.register_at_fork(after_in_child=_forget_threads_of_parent)
            atexit.register(close)
            _hooks_registered = True
        if key not in _verifier_threads:
            _verifier_threads[key] = VerifierThread(key)
        return _verifier_threads[key]


def close() -> None:
    """Stop the verifier threads of this process; the next call starts new ones."""
    with _lock:
        while _verifier_threads:
            _verifier_threads.popitem()[1].close()


def _forget_threads_of_parent() -> None:
    """Forget the parent's verifier threads and its lock, whose owner does not exist in this process."""
    global _lock
    _lock = threading.Lock()
    _threads_of_parent.append(dict(_verifier_threads))
    _verifier_threads.clear()


def default_jobs() -> int:
    """Return how many programs to run at once: the processors divided by the ranks on this machine."""
    ranks = os.environ.get("LOCAL_WORLD_SIZE", "")
    return max(1, len(os.sched_getaffinity(0)) // (int(ranks) if ranks.isdecimal() and int(ranks) else 1))
