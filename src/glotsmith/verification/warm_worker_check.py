"""Check the warm workers of a language before they are used.

Interpreters differ between machines, and one that does not work after a fork could make every program fail. Therefore
the language's rows ``accepted`` and ``wrong`` are judged in a warm worker first. If one of the verdicts is wrong, the
programs of the language start cold.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from glotsmith.languages.proof_rows import read_proof_rows
from glotsmith.records import Job, Verdict

_CHECKED_ROWS = ("accepted", "wrong")
_log = logging.getLogger(__name__)


class WarmWorkerCheck:
    """Checks each language's warm workers once, and remembers the result."""

    def __init__(self, judge: Callable[[Job], Awaitable[Verdict]]) -> None:
        """Initialise with ``judge``, which runs a job in a warm worker."""
        self._judge = judge
        self._trusted: dict[str, bool] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def is_trusted(self, language: str) -> bool:
        """Return whether the language's warm workers give both rows their expected verdicts."""
        if language not in self._trusted:
            async with self._locks.setdefault(language, asyncio.Lock()):
                if language not in self._trusted:
                    self._trusted[language] = await self._check(language)
        return self._trusted[language]

    async def _check(self, language: str) -> bool:
        table = read_proof_rows(language)
        for title in _CHECKED_ROWS:
            if title not in table:
                continue
            verdict = await self._judge(table[title].job(language, title))
            if verdict.status not in table[title].expected_statuses:
                _log.warning(
                    "%s: the warm worker's verdict on the row %r is %s, so that programs start cold: %s",
                    *(language, title, verdict.status, verdict.detail or verdict.stderr[-300:]),
                )
                return False
        return True
