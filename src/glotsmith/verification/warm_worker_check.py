"""A warm worker is believed when it has shown that it can pass, and can fail.

Interpreters differ from machine to machine: one that does not survive being forked could call every program broken.
So a language's rows ``accepted`` and ``wrong`` are judged warm before any other program is; where either verdict is not
what it should be, the language's programs start cold.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from glotsmith.languages.proof_rows import read_proof_rows
from glotsmith.records import Job, Verdict

_WITNESSES = ("accepted", "wrong")
_log = logging.getLogger(__name__)


class WarmWorkerCheck:
    """Knows, for each language, whether its warm workers are believed."""

    def __init__(self, judge: Callable[[Job], Awaitable[Verdict]]) -> None:
        """``judge`` runs a job warm."""
        self._judge = judge
        self._known: dict[str, bool] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def is_trusted(self, language: str) -> bool:
        """Return whether the language's warm workers judge its witnesses rightly."""
        if language not in self._known:
            async with self._locks.setdefault(language, asyncio.Lock()):
                if language not in self._known:
                    self._known[language] = await self._examine(language)
        return self._known[language]

    async def _examine(self, language: str) -> bool:
        table = read_proof_rows(language)
        for title in _WITNESSES:
            if title not in table:
                continue
            verdict = await self._judge(table[title].job(language, title))
            if verdict.status not in table[title].expected_statuses:
                _log.warning(
                    "%s: a warm worker calls the program %r %s, so programs start cold: %s",
                    *(language, title, verdict.status, verdict.detail or verdict.stderr[-300:]),
                )
                return False
        return True
