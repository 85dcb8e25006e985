"""The contract of teachers, which answer each request with one reply."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple, Protocol

from glotsmith.records import Record, content_hash
from glotsmith.teachers.prices import ModelPrice

RequestStyle = Literal["chat", "completion"]


class Message(Record, frozen=True, kw_only=True):
    """One chat message."""

    role: Literal["system", "user", "assistant"]
    content: str


class Sampling(Record, frozen=True, kw_only=True):
    """Sampling parameters, with the field names of the OpenAI API."""

    temperature: float = 0.0
    top_p: float = 1.0
    max_tokens: int = 512
    stop: tuple[str, ...] = ()
    logprobs: int = 0  #: number of top logprobs to return for the first word of the reply; 0 for none
    repetition_penalty: float = 1.0  #: for servers that support it (vLLM, SGLang, TGI); 1 for none


class Request(Record, frozen=True, kw_only=True):
    """A request to a teacher for one reply."""

    call: str  #: name of the prompt: ``translate``, ``write_tests``, ``repair`` …
    item: str  #: key of the item; scripted replies are found by it
    sample: int = 0  #: index among the replies for this call and item; part of the seed
    messages: tuple[Message, ...] = ()  #: a chat request …
    prompt: str = ""  #: … or a completion request
    sampling: Sampling = Sampling()
    seed: int = 0
    context: dict[str, str] = {}  #: values in the prompt (``source``, ``language`` …), for rule-based teachers
    schema: str = ""  #: JSON schema of the reply, for teachers with ``structured``; "" for a free text
    former_call: str = ""  #: name of ``call`` in earlier versions, which files and addresses of scripted replies have

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
        schema: str = "",
        former_call: str = "",
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
            schema=schema,
            former_call=former_call,
        )

    @property
    def prompt_bytes(self) -> int:
        """Size of the prompt and the messages in UTF-8."""
        texts = (self.prompt, *(message.content for message in self.messages))
        return sum(len(text.encode("utf-8", "replace")) for text in texts)

    @property
    def key(self) -> str:
        """Content address: equal for requests that a server cannot distinguish, even if their items differ."""
        turns = [part for m in self.messages for part in (m.role, m.content)]
        s = self.sampling
        knobs = f"{s.temperature} {s.top_p} {s.max_tokens} {s.logprobs} {self.seed} {self.sample}"
        if s.repetition_penalty != 1.0:  # keeps the addresses of requests from before this field existed
            knobs += f" {s.repetition_penalty}"
        if self.schema:
            knobs += f" {self.schema}"
        return content_hash(self.prompt, *turns, "\x00", *s.stop, "\x00", knobs)


#: Characters around a word in a token: blanks, also as tokenisers write them (Ġ, ▁, Ċ), and punctuation.
WORD_EDGES = " \t\r\n\u0120\u2581\u010a.,:;!?*_`'\"()[]"


def first_word_position(tokens: Sequence[str]) -> int:
    """Return the index of the first token that is not only blanks and punctuation; 0 if there is none."""
    return next((n for n, token in enumerate(tokens) if token.strip(WORD_EDGES)), 0)


class Reply(Record, frozen=True, kw_only=True):
    """The reply of a teacher."""

    text: str
    finish_reason: Literal["stop", "length", "refused", "error"] = "stop"
    detail: str = ""  #: why the teacher refused or failed
    logprobs: dict[str, float] = {}  #: top tokens at the position of the first word → natural logprob
    input_tokens: int = 0
    output_tokens: int = 0
    cost: float | None = None  #: US dollars; 0 for a cached reply, None if the price is unknown


class FailedAttempt(NamedTuple):
    """Why the last attempt to ask a server failed, and when the next begins."""

    reason: str  #: in the words of the server
    next_attempt_s: float  #: seconds from now; 0 if it has started


class Waiting(NamedTuple):
    """The requests that a teacher has not answered yet."""

    requests: int
    seconds: float  #: since the last reply, or since the first of the requests where it is later
    failure: FailedAttempt | None = None  #: the last attempt, if it failed; None if nothing failed since the last reply


class TeacherLoad(NamedTuple):
    """The present load of a teacher, and how often its server has delayed it since the start."""

    in_flight: int  #: number of requests that the server is answering
    limit: int  #: largest number of requests in flight
    retries: int = 0
    rate_limited_s: float = 0.0  #: seconds in which a request waited because the server had refused it for its load


class ReplyRounds(Protocol):
    """How a teacher whose replies arrive later exchanges requests and replies with its server.

    Its ``reply`` raises ``RequestPostponed`` for a request without a reply. The run ends with open items, and starts
    again when replies have arrived.
    """

    async def open(self, folder: Path) -> None:
        """Use this folder of the run for files, and read the replies that have arrived."""
        ...

    async def send(self) -> None:
        """Send the requests that were postponed."""
        ...

    async def wait(self) -> bool:
        """Wait for replies as long as the options of the teacher allow; return whether any arrived."""
        ...

    def has_replies(self) -> bool:
        """Return whether the run has received a reply, in any start. Nothing is requested or counted."""
        ...

    def pending_sentence(self) -> str:
        """Return what the run waits for, and what to do."""
        ...


def model_label(teacher: "Teacher") -> str:
    """Return the name of the model of a teacher in tables and ledgers: ``openai small``."""
    return f"{teacher.name} {teacher.model}".strip()


class TeacherFault(NamedTuple):
    """Why the requests to a teacher cannot succeed, found before the first of them."""

    sentence: str
    certain: bool  #: False if requests may still succeed


class Teacher(Protocol):
    """The contract of all back ends (tested by ``tests/contracts/test_teachers.py``).

    A teacher answers requests concurrently and retries temporary failures. Other failures are replies with
    ``finish_reason`` ``refused`` (permanent: the same request is refused again) or ``error`` (never cached), which
    affect one item. It raises ``TeacherError`` only if no request can succeed: wrong key, unknown model, unreachable
    server. It belongs to one event loop.

    The constructor takes an instance of its ``Options``, or no argument if it has none.
    """

    name: str  #: as in ``--teacher``
    model: str  #: "" where there is none
    fingerprint: str  #: hash of everything that determines a reply, except the request; part of its address
    structured: bool = False  #: the server decodes only replies that satisfy ``Request.schema``
    notice: str = ""  #: information before the first request: the size and the licence of a model
    is_free: bool = False  #: no reply costs money: the model runs on this machine, or there is none
    price: ModelPrice | None = None  #: price of a token; None if it is unknown, or there is none
    rounds: ReplyRounds | None = None  #: exchange of replies that arrive later; None if requests are answered at once
    slots: int = 64  #: maximum number of requests in flight

    async def reply(self, request: Request) -> Reply:
        """Answer one request."""
        ...

    def address(self, request: Request) -> str:
        """Content address of the reply: equal only for requests that this teacher cannot distinguish.

        This default is for servers, which see only the prompt and the sampling parameters. A teacher that also uses the
        item or ``Request.context`` must include them in the address.
        """
        return content_hash(self.fingerprint, request.key)

    def failed_attempt(self) -> FailedAttempt | None:
        """Return the last attempt if it failed; None after a reply, and for teachers that do not try again."""
        return None

    def load(self) -> TeacherLoad | None:
        """Return the load; None for teachers that send every request at once and never repeat one."""
        return None

    async def find_fault(self) -> TeacherFault | None:
        """Return why no request can succeed; None if no fault is known. No reply is requested."""
        return None

    async def close(self) -> None:
        """Release connections; idempotent."""
        ...
