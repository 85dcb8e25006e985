"""What a teacher is: something that answers requests, one reply each."""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple, Protocol

from glotsmith.records import Record, content_hash

RequestStyle = Literal["chat", "completion"]


class Message(Record, frozen=True, kw_only=True):
    """One chat message."""

    role: Literal["system", "user", "assistant"]
    content: str


class Sampling(Record, frozen=True, kw_only=True):
    """How to sample; the field names are the OpenAI API's."""

    temperature: float = 0.0
    top_p: float = 1.0
    max_tokens: int = 512
    stop: tuple[str, ...] = ()
    logprobs: int = 0  #: top logprobs wanted for the reply's first word; 0 for none
    repetition_penalty: float = 1.0  #: of servers that have it (vLLM, SGLang, TGI under this name); 1 for none


class Request(Record, frozen=True, kw_only=True):
    """One question to a teacher, for one reply."""

    call: str  #: which prompt of which recipe: ``translate``, ``write_tests``, ``repair`` …
    item: str  #: key of the item it is about; scripted replies are found by it
    sample: int = 0  #: index among the replies wanted for this call and item; part of the seed
    messages: tuple[Message, ...] = ()  #: a chat request …
    prompt: str = ""  #: … or a completion request
    sampling: Sampling = Sampling()
    seed: int = 0
    context: dict[str, str] = {}  #: what the prompt was made of (``source``, ``language`` …), for rule-based teachers

    @classmethod
    def for_style(
        cls,
        style: RequestStyle,
        text: str,
        *,
        call: str,
        item: str,
        sample: int = 0,
        sampling: Sampling,
        seed: int = 0,
        context: Mapping[str, str] | None = None,
    ) -> "Request":
        """Return a request with ``text`` as the user's message of a chat, or as the prompt of a completion."""
        chat = style == "chat"
        return cls(
            call=call,
            item=item,
            sample=sample,
            messages=(Message(role="user", content=text),) if chat else (),
            prompt="" if chat else text,
            sampling=sampling,
            seed=seed,
            context=dict(context or {}),
        )

    @property
    def key(self) -> str:
        """Content address: equal for requests that a server can't tell apart, whichever item they are about."""
        turns = [part for m in self.messages for part in (m.role, m.content)]
        s = self.sampling
        knobs = f"{s.temperature} {s.top_p} {s.max_tokens} {s.logprobs} {self.seed} {self.sample}"
        if s.repetition_penalty != 1.0:  # so that addresses from before there was one stay
            knobs += f" {s.repetition_penalty}"
        return content_hash(self.prompt, *turns, "\x00", *s.stop, "\x00", knobs)


#: What may stand around a word in a token: blanks, as text or as tokenisers write them (Ġ, ▁, Ċ), and marks.
WORD_EDGES = " \t\r\n\u0120\u2581\u010a.,:;!?*_`'\"()[]"


def first_word_position(tokens: Sequence[str]) -> int:
    """Return the position of a reply's first token that is more than blanks and marks; 0 if there is none."""
    return next((n for n, token in enumerate(tokens) if token.strip(WORD_EDGES)), 0)


class Reply(Record, frozen=True, kw_only=True):
    """A teacher's answer."""

    text: str
    finish_reason: Literal["stop", "length", "refused", "error"] = "stop"
    detail: str = ""  #: why it refused or failed
    logprobs: dict[str, float] = {}  #: top tokens of the first position with a word → logprob (natural)
    input_tokens: int = 0
    output_tokens: int = 0
    cost: float = 0.0  #: US dollars; 0 for a cached reply


class FailedAttempt(NamedTuple):
    """Why the last attempt to ask a server failed, and when the next begins."""

    reason: str  #: in the words of the server
    next_attempt_s: float  #: seconds from now; 0 if it has begun


class Waiting(NamedTuple):
    """The requests that a teacher has not answered yet."""

    requests: int
    seconds: float  #: since the last reply, or since the first of the requests where it is later
    failure: FailedAttempt | None = None  #: of the last attempt; None while nothing failed since the last reply


class Teacher(Protocol):
    """The contract of every back end (``tests/contracts/test_teachers.py`` holds them to it).

    A teacher is asked concurrently. It retries by itself what may pass; what does not is a reply with
    ``finish_reason`` ``refused`` (permanent: a repetition gives the same reply) or ``error`` (never cached), which
    costs one item. It raises ``TeacherError`` only when no request can succeed: wrong key, unknown model, unreachable
    server. It belongs to one event loop.

    A class is made from its ``Options``, a record nested in it or beside it, or from nothing if it has none.
    """

    name: str  #: as in ``--teacher``
    model: str  #: "" where there is none
    fingerprint: str  #: everything beside the request that determines a reply; part of the cache's address
    notice: str = ""  #: what a user must know before the first request: the size and the licence of a model

    async def reply(self, request: Request) -> Reply:
        """Answer one request."""
        ...

    def address(self, request: Request) -> str:
        """Content address of the reply: equal only for requests that this teacher can't tell apart.

        This default, for those that inherit it, is a server's, which sees nothing but prompt and sampling. A teacher
        that also looks at the item or at ``Request.context`` must put what it looks at into the address.
        """
        return content_hash(self.fingerprint, request.key)

    def failed_attempt(self) -> FailedAttempt | None:
        """Return the last attempt if it failed; None after a reply, and for teachers that do not try again."""
        return None

    async def close(self) -> None:
        """Release connections; idempotent."""
        ...
