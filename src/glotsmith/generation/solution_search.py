"""The search for solutions of one task: its candidates so far, the passing ones, and the losses."""

from collections.abc import Callable, Sequence

import msgspec

from glotsmith.counts import counted
from glotsmith.drop_reasons import Reason
from glotsmith.generation.sampling_plan import SamplingEvidence, StoppingRule
from glotsmith.generation.suite_outcomes import describe_failure
from glotsmith.languages.equal_programs import EqualPrograms
from glotsmith.records import Candidate, Lineage, Solution, Task, Verdict, content_hash
from glotsmith.sampling_end import StopReason
from glotsmith.step import Dropped, Kept, Result
from glotsmith.teachers.base import Reply

#: A function that is called with each passing program of a task, in order. It returns whether the program is a new row.
RowCheck = Callable[[str], bool]


class TranslationAttempt(msgspec.Struct, frozen=True):
    """One reply, its program and the verdict on it."""

    sample: int
    reply: Reply
    code: str | None  #: None if the reply contains no program
    lineage: Lineage
    verdict: Verdict | None = None  #: None until the program has run


class SolutionSearch:
    """The state of the search for solutions of one task: its candidates so far, the passing ones, and the losses."""

    def __init__(self, task: Task, rule: StoppingRule, row_check: RowCheck | None = None) -> None:
        """Begin the search; ``row_check`` decides which programs count as rows, by default every distinct program."""
        self._task, self._rule, self._row_check = task, rule, row_check
        self._programs = EqualPrograms(task.language)
        self._passes: dict[str, bool] = {}  #: program → whether it passed
        self._passed: list[TranslationAttempt] = []
        self._lost: list[Dropped] = []
        self._replies: list[Reply] = []
        self.requested = 0  #: first replies: replies to translation requests, without repairs
        self._unanswered = 0  #: first replies that are a refusal or an error
        self._failures = 0  #: replies without a passing program
        self._repeated_passes = 0  #: replies that repeat a passing program
        self._unjudged = 0  #: replies whose program has no verdict
        self._rows = 0  #: passing programs that are new distinct rows
        self._stop: StopReason | None = None

    def next_round(self) -> int:
        """Return how many replies to request next; 0 to stop."""
        decision = self._stop or self._rule.next_round(self._task.language, self._evidence())
        if isinstance(decision, int):
            return decision
        self.stop(decision)
        return 0

    def stop(self, reason: StopReason) -> None:
        """Stop for a reason, unless there is an earlier one."""
        self._stop = self._stop or reason

    def _evidence(self) -> SamplingEvidence:
        return SamplingEvidence(
            requested=self.requested,
            failures=self._failures,
            answered=self._count_answered() - self._unjudged,
            passed=len(self._passed) + self._repeated_passes,
            programs=len(self._passed),
            rows=self._rows,
            tokens=self._count_tokens(),
        )

    def _count_answered(self) -> int:
        return self.requested - self._unanswered

    def _count_tokens(self) -> int:
        return sum(r.input_tokens + r.output_tokens for r in self._replies)

    @property
    def has_programs(self) -> bool:
        """Whether a reply had a program."""
        return bool(self._passes)

    def record_reply(self, attempt: TranslationAttempt) -> bool:
        """Count a first reply, store its loss, if any, and return whether its program must be verified."""
        self.requested += 1
        self._replies.append(attempt.reply)
        self._unanswered += attempt.reply.finish_reason in ("refused", "error")
        if attempt.reply.finish_reason == "refused" and self._passes:
            return False  # the teacher has no more candidates: the end of sampling, and not a loss
        if attempt.code is None:
            self._failures += attempt.reply.finish_reason != "error"
            self._lose(attempt, *_why_no_code(attempt.reply))
            return False
        program = self._programs.representative(attempt.code)
        if (passed := self._passes.get(program)) is not None:
            self._failures += not passed
            self._repeated_passes += passed
            self._lose(attempt, Reason.DUPLICATE_CANDIDATE, "")
            return False
        self._passes[program] = False
        return True

    def add_attempts(self, attempts: Sequence[TranslationAttempt]) -> None:
        """Add a verified candidate and its repairs, in order. The last of them may have passed."""
        self._replies += [attempt.reply for attempt in attempts[1:]]
        for attempt in attempts:
            verdict = attempt.verdict
            if verdict is None:
                self._lose(attempt, *_why_no_code(attempt.reply))
            elif verdict.passed:
                self._passed.append(attempt)
                self._rows += self._row_check is None or self._row_check(attempt.code or "")
                self._passes[self._programs.representative(attempt.code or "")] = True
            else:
                self._failures += not verdict.is_infra
                self._unjudged += verdict.is_infra and attempt is attempts[-1]
                reason = Reason.NOT_VERIFIED if verdict.is_infra else Reason.FAILED_VERIFICATION
                self._lose(attempt, reason, describe_failure(self._task.tests, verdict))

    def _lose(self, attempt: TranslationAttempt, reason: Reason, detail: str) -> None:
        has_candidate = attempt.code is not None and reason != Reason.DUPLICATE_CANDIDATE
        candidate = Candidate(
            task=self._task.id,
            language=self._task.language,
            code=attempt.code or "",
            verdict=attempt.verdict,
            lineage=attempt.lineage,
        )
        key = f"{self._task.id}:{len(self._lost)}"
        self._lost.append(Dropped(reason, detail, key, candidate if has_candidate else None))

    def result(self) -> Result[Solution]:
        """Return the solutions and the losses of this task."""
        kept = tuple(self._solution(attempt, self._pass_rate()) for attempt in self._passed)
        lost = tuple(self._lost)
        if not kept:
            lost = (*lost, self._task_drop())
        cost, tokens = sum(r.cost or 0.0 for r in self._replies), self._count_tokens()
        end = self._evidence().end(self._task.language, self._stop or StopReason.LIMIT, cost)
        return Result(kept=kept, dropped=lost, cost=cost, tokens=tokens, sampling=end)

    def _pass_rate(self) -> float:
        """Return passing programs, also after a repair / first replies with an answer; at most 1."""
        answered = self._count_answered()
        return min(1.0, (len(self._passed) + self._repeated_passes) / answered) if answered else 0.0

    def _task_drop(self) -> Dropped:
        """Return the drop of the task.

        If all losses have one reason, it is the drop reason, except a failed verification. Otherwise the drop reason is
        ``NO_PASSING_SOLUTION``. A repeated program does not count as a reason: it may be recorded as lost before the
        program that it repeats is verified.
        """
        losses = [loss for loss in self._lost if loss.reason != Reason.DUPLICATE_CANDIDATE]
        first = losses[0]
        if {loss.reason for loss in losses} == {first.reason} and first.reason != Reason.FAILED_VERIFICATION:
            return Dropped(first.reason, first.detail)
        return Dropped(Reason.NO_PASSING_SOLUTION, f"{counted(self.requested, 'reply')}; first: {first.detail}")

    def _solution(self, attempt: TranslationAttempt, pass_rate: float) -> Kept[Solution]:
        code = attempt.code or ""
        identity = content_hash(self._task.id, code)
        return Kept(
            identity,
            Solution(id=identity, task=self._task, code=code, lineage=attempt.lineage, pass_rate=round(pass_rate, 4)),
        )


def _why_no_code(reply: Reply) -> tuple[Reason, str]:
    match reply.finish_reason:
        case "refused":
            return Reason.TEACHER_REFUSED, reply.detail
        case "error":
            return Reason.TEACHER_FAILED, reply.detail
        case _:
            return Reason.NO_CODE, reply.text[:200]
