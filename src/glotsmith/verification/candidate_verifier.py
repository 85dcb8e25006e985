"""Judge the candidates of models: with CPU limits that the Python original determines, and equal candidates once."""

import asyncio
from collections import OrderedDict, defaultdict

import msgspec

from glotsmith.languages.equal_programs import EqualPrograms
from glotsmith.languages.reference_limits import ReferenceLimits
from glotsmith.records import Job, Status, Verdict
from glotsmith.step import Verify

#: verdicts that equal programs share. The messages of other verdicts name lines. If programs shared them, repairs would
#: depend on the order of the programs.
_SHARED: frozenset[Status] = frozenset({"pass", "fail:wrong", "fail:timeout", "fail:memory", "fail:output"})
_MAX_SUITES = 1024  #: number of suites whose verdicts are remembered
_MAX_PROGRAMS = 256  #: number of programs that are remembered for one suite


class _SuiteVerdicts:
    """The verdicts on the candidates of one suite."""

    def __init__(self, language: str) -> None:
        self.programs = EqualPrograms(language)
        self.verdicts: dict[str, Verdict] = {}  #: text of a representative → verdict
        self.locks = defaultdict[str, asyncio.Lock](asyncio.Lock)


class CandidateVerifier:
    """Wraps a verifier for recipes, evaluation and rewards, which judge many candidates of one problem.

    Candidates that differ only in comments and white space get the verdict on the first of them. A verdict whose
    message may name lines (``fail:compile``, ``fail:runtime``) and a failure of the machine are not shared.
    """

    def __init__(self, verify: Verify, limits: ReferenceLimits | None = None) -> None:
        self._verify = verify
        self._limits = limits or ReferenceLimits()
        self._suites = OrderedDict[Job, _SuiteVerdicts]()

    async def verify(self, job: Job) -> Verdict:
        """Return the verdict on a candidate.

        Raises:
            Unanswered: the machine failed, and the wrapped verifier raises that.
            UsageError: there is no such language.

        """
        job = self._limits.apply(job)
        suite = self._suite(job)
        first = suite.programs.representative(job.code or job.program)
        async with suite.locks[first]:
            verdict = suite.verdicts.get(first)
            if verdict is None:
                verdict = await self._verify.verify(job)
                if verdict.status in _SHARED:
                    suite.verdicts[first] = verdict
        return msgspec.structs.replace(verdict, id=job.id)

    def _suite(self, job: Job) -> _SuiteVerdicts:
        """Return the verdicts on the candidates of a job's suite, and remember it as the last one used."""
        key = msgspec.structs.replace(job, id="", code="", program="program" if job.program else "")
        suite = self._suites.pop(key, None)
        if suite is None or len(suite.programs) > _MAX_PROGRAMS:
            suite = _SuiteVerdicts(job.language)
        self._suites[key] = suite
        if len(self._suites) > _MAX_SUITES:
            self._suites.popitem(last=False)
        return suite
