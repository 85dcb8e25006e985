"""A verifier for steps that raises if the machine fails, so that the item stays open."""

from collections import Counter

from glotsmith.drop_reasons import Reason
from glotsmith.records import Job, Verdict
from glotsmith.step import Verify
from glotsmith.unanswered import Unanswered, failures_are_accepted
from glotsmith.verification.verifier import Verifier

_MACHINE_FAILURES = ("infra:sandbox", "infra:toolchain")  #: ``infra:refused`` is a fault of the job


class LanguageHealth:
    """The health of the verifier for the programs of one language (``unanswered.Health``)."""

    def __init__(self, verify: Verify, language: str, ran: Counter[str]) -> None:
        self.name = f"the verifier ({language})"
        self._verify = verify
        self._language = language
        self._ran = ran

    @property
    def answered(self) -> int:
        """The number of programs of the language that have a verdict."""
        return self._ran[self._language]

    async def works(self) -> bool:
        """Return whether the language's own example passes."""
        if isinstance(self._verify, Verifier):
            return await self._verify.passes_example(self._language)
        return self.answered > 0


class RaisingVerifier:
    """Wraps a verifier and raises failures of the machine as ``Unanswered``, unless they are accepted."""

    def __init__(self, verify: Verify) -> None:
        self._verify = verify
        self._ran = verify.ran if isinstance(verify, Verifier) else Counter[str]()
        self._health: dict[str, LanguageHealth] = {}

    async def verify(self, job: Job) -> Verdict:
        """Return the verdict on a program.

        Raises:
            Unanswered: the machine failed.

        """
        verdict = await self._verify.verify(job)
        if verdict.status in _MACHINE_FAILURES:
            if not failures_are_accepted():
                raise Unanswered(Reason.NOT_VERIFIED, verdict.detail or verdict.status, self._health_of(job.language))
        elif not isinstance(self._verify, Verifier):
            self._ran[job.language] += 1
        return verdict

    def _health_of(self, language: str) -> LanguageHealth:
        return self._health.setdefault(language, LanguageHealth(self._verify, language, self._ran))
