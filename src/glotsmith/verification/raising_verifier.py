"""A runner of which a step gets verdicts only: where the machine failed it raises, so that the item stays open."""

from collections import Counter

from glotsmith.drop_reasons import Reason
from glotsmith.records import Job, Verdict
from glotsmith.step import Verify
from glotsmith.unanswered import Unanswered, failures_are_accepted
from glotsmith.verification.verifier import Verifier

_MACHINE = ("infra:sandbox", "infra:toolchain")  #: ``infra:refused`` is a matter of the job


class LanguageHealth:
    """The health of the runner for the programs of one language (``unanswered.Health``)."""

    def __init__(self, verify: Verify, language: str, ran: Counter[str]) -> None:
        self.name = f"the runner ({language})"
        self._verify = verify
        self._language = language
        self._ran = ran

    @property
    def answered(self) -> int:
        """How many programs of the language had a verdict."""
        return self._ran[self._language]

    async def works(self) -> bool:
        """Return whether the language's own example passes now."""
        if isinstance(self._verify, Verifier):
            return await self._verify.passes_example(self._language)
        return self.answered > 0


class RaisingVerifier:
    """Another runner, whose failures are raised as ``Unanswered`` unless they are accepted."""

    def __init__(self, verify: Verify) -> None:
        self._verify = verify
        self._ran = verify.ran if isinstance(verify, Verifier) else Counter[str]()
        self._health: dict[str, LanguageHealth] = {}

    async def verify(self, job: Job) -> Verdict:
        """Return a verdict on the program.

        Raises:
            Unanswered: the machine failed.

        """
        verdict = await self._verify.verify(job)
        if verdict.status in _MACHINE:
            if not failures_are_accepted():
                raise Unanswered(Reason.NOT_VERIFIED, verdict.detail or verdict.status, self._health_of(job.language))
        elif not isinstance(self._verify, Verifier):
            self._ran[job.language] += 1
        return verdict

    def _health_of(self, language: str) -> LanguageHealth:
        return self._health.setdefault(language, LanguageHealth(self._verify, language, self._ran))
