"""Repeat failed requests: transient errors, such as a 429 or a 503, and the wait before the next attempt."""

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "milli": 1e-3, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?|\.\d+)\s*(ns|us|µs|ms|milli|s|m|h|d)[a-z]*\s*")
_EPOCH_S, _EPOCH_MS = 1e9, 1e12  #: from here on a number of seconds, or of milliseconds, is a date
_MILLISECONDS = ("retry-after-ms", "x-ms-retry-after-ms")
_RESETS = {  #: when a budget is full again → how much of it is left
    f"{prefix}ratelimit-reset{kind}": f"{prefix}ratelimit-remaining{kind}"
    for prefix in ("x-", "")
    for kind in ("", "-requests", "-tokens")
}


class TransientError(Exception):
    """An attempt failed, but the next may not."""

    def __init__(
        self,
        what: str,
        *,
        wait_s: float = 0.0,
        congested: bool = False,
        blames_server: bool = False,
        server_reached: bool = True,
    ) -> None:
        super().__init__(what)
        self.wait_s = wait_s  #: seconds that the server asked to wait
        self.congested = congested  #: the server had too much to do
        self.blames_server = blames_server  #: it says nothing about the item: any other would have met the same
        self.server_reached = server_reached  #: whether a server was there at all


def retry_after(headers: Mapping[str, str], longest_s: float) -> float:
    """Return the seconds that the headers ask to wait, between 0 and ``longest_s``; 0 where they ask for nothing.

    ``retry-after-ms``, then ``Retry-After``: seconds, a duration such as ``1m30s``, or an HTTP-date (RFC 9110
    §10.2.3). A date is compared with the response's own ``Date`` where there is one, so that a wrong clock on either
    side does not matter. Then ``x-ratelimit-reset-…``: of the budgets of which nothing is left the last that is full
    again, or, where all have something left, the first. A malformed value counts as none.
    """
    now = headers.get("date", "")
    for name in _MILLISECONDS:
        if (value := headers.get(name, "").strip()) and math.isfinite(seconds := _number(value)):
            return _clamp(seconds / 1000, longest_s)
    if value := headers.get("retry-after", "").strip():
        return _clamp(_until(value, now), longest_s)
    return _clamp(_until_reset(headers, now), longest_s)


def _clamp(seconds: float, longest_s: float) -> float:
    return min(max(seconds, 0.0), longest_s) if math.isfinite(seconds) else 0.0


def _until(value: str, now: str) -> float:
    """Return the seconds until a moment that is written as a number, a duration or a date; NaN for none of them."""
    seconds = _number(value)
    if math.isfinite(seconds) and seconds >= _EPOCH_S:
        moment = seconds / 1000 if seconds >= _EPOCH_MS else seconds
        return moment - (_parse_date(now) or datetime.now(UTC)).timestamp()
    return seconds if math.isfinite(seconds) else parse_duration(value.lower()) or _seconds_until(value, now)


def _until_reset(headers: Mapping[str, str], now: str) -> float:
    waits = {reset: _until(value, now) for reset in _RESETS if (value := headers.get(reset, "").strip())}
    waits = {reset: seconds for reset, seconds in waits.items() if math.isfinite(seconds)}
    spent = [seconds for reset, seconds in waits.items() if _number(headers.get(_RESETS[reset], "")) <= 0]
    return max(spent) if spent else min(waits.values(), default=0.0)


def parse_duration(text: str) -> float:
    """Return a duration such as ``20ms``, ``1.5s`` or ``6m0s`` in seconds; 0 for anything else."""
    parts = _DURATION.findall(text.strip())
    if not parts or not re.fullmatch(f"(?:{_DURATION.pattern})+", text.strip()):
        return 0.0
    return sum(float(number) * _UNITS[unit] for number, unit in parts)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _seconds_until(date: str, now: str) -> float:
    until = _parse_date(date)
    return (until - (_parse_date(now) or datetime.now(UTC))).total_seconds() if until else 0.0


def _parse_date(text: str) -> datetime | None:
    for parse in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            date = parse(text)
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
        return date if date.tzinfo else date.replace(tzinfo=UTC)
    return None
