"""Space the requests to a server evenly, so that they keep its limits of requests and tokens per minute.

Each request is assigned the earliest start that the limits allow (the generic cell rate algorithm without a burst). So
in any minute at most one request more than the limit is sent. The tokens of a request are expected at its start and
corrected after its reply.
"""

from glotsmith.teachers.limiter import Clock

_MINUTE_S = 60.0


class RequestPace:
    """Assigns the starts of the requests to one server."""

    def __init__(self, requests_per_minute: float, tokens_per_minute: float, clock: Clock | None = None) -> None:
        """Create a pace; 0 stands for no limit."""
        self._clock = clock or Clock()
        self._request_s = _MINUTE_S / requests_per_minute if requests_per_minute else 0.0
        self._token_s = _MINUTE_S / tokens_per_minute if tokens_per_minute else 0.0
        self._next_request = self._next_token = self._clock.now()
        self._tokens = self._replies = 0

    @property
    def is_limited(self) -> bool:
        """Whether there is any limit."""
        return bool(self._request_s or self._token_s)

    def expected_tokens(self, at_most: int) -> int:
        """Return the mean number of tokens of a request; before the first reply, what this one has at most."""
        return round(self._tokens / self._replies) if self._replies else at_most

    def reserve(self, tokens: int) -> float:
        """Assign a start to a request with this expected number of tokens; return the seconds until then."""
        now = self._clock.now()
        start = max(now, self._next_request, self._next_token)
        self._next_request = start + self._request_s
        self._next_token = start + tokens * self._token_s
        return start - now

    def correct(self, expected: int, actual: int) -> None:
        """Correct the expected number of tokens of a request whose reply arrived; 0 if it failed."""
        self._next_token += (actual - expected) * self._token_s
        if actual:
            self._tokens, self._replies = self._tokens + actual, self._replies + 1
