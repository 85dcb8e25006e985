"""The reason why the sampling of one problem in one language stopped, and the number of rows from its replies."""

from enum import StrEnum

from glotsmith.counts import counted
from glotsmith.records import Record


class StopReason(StrEnum):
    """A reason to stop. Its value is its name in the ledger; ``because`` is a clause that completes a sentence."""

    because: str

    def __new__(cls, name: str, because: str) -> "StopReason":
        """Return a member that equals the string ``name`` and has the attribute ``because``."""
        member = str.__new__(cls, name)
        member._value_ = name
        member.because = because
        return member

    LIMIT = "limit", "the maximum number of replies was requested"
    ENOUGH = "enough", "enough distinct programs passed"
    LOW_PASS_RATE = "low_pass_rate", "no program passed, and another reply is too unlikely to pass"
    FEW_NEW_ROWS = "few_new_rows", "another reply is too unlikely to give a new distinct row"
    BUDGET = "budget", "replies for other problems are expected to give more rows within the budget"
    REPETITION = "repetition", "a round of at least four replies had no new program"
    REFUSED = "refused", "the teacher refuses"
    NO_FURTHER_REPLY = "no_further_reply", "the teacher has no further reply"


class SamplingEnd(Record, frozen=True, kw_only=True):
    """The reason for the end of sampling for one problem in one language, with its counts and costs."""

    language: str
    reason: StopReason
    replies: int  #: requested for candidates, without repairs
    failed: int  #: replies without a passing program; failures of the server or the machine do not count
    passed: int  #: replies with a passing program
    rows: int  #: passing programs that deduplication within the problem keeps
    tokens: int  #: number of tokens of prompts and replies, with repairs
    cost: float = 0.0  #: US dollars

    @property
    def sentence(self) -> str:
        """A sentence with the reason, and the numbers of replies, passing programs, rows and tokens."""
        return (
            f"{self.language}: sampling stopped after {counted(self.replies, 'reply')}, because {self.reason.because} "
            f"({self.reason}). {self.passed} passed, {counted(self.rows, 'distinct row')}, "
            f"{counted(self.tokens, 'token')}."
        )
