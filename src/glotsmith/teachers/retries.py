"""Repeat failed requests: transient errors, such as a 429 or a 503, and the wait before the next attempt."""

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "milli": 1e-3, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?|\.\d+)\s*(ns|us|µs|ms|milli|s|m|h|d)[a-z]*\s*")
_EPOCH_S, _EPOCH_MS = 1e9, 1e12  #: a larger number of seconds, or of milliseconds, is a date
_MILLISECONDS = ("retry-after-ms", "x-ms-retry-after-ms")
_RESETS = {  #: header with the time until a rate limit resets → header with its remaining budget
    f"{prefix}ratelimit-reset{kind}": f"{prefix}ratelimit-remaining{kind}"
    for prefix in ("x-", "")
    for kind in ("", "-requests", "-tokens")
}


class TransientError(Exception):
    """An attempt failed, but the next one may succeed."""

    def __init__(
        self,
        what: str,
        *,
        wait_s: float = 0.0,
        congested: bool = False,
        affects_all: bool = False,
        server_reached: bool = True,
    ) -> None:
        super().__init__(what)
        self.wait_s = wait_s  #: seconds to wait, as the server requested
        self.congested = congested  #: the server was overloaded
        self.affects_all = affects_all  #: any other request would have failed too
        self.server_reached = server_reached  #: whether the server was reached


def retry_after(headers: Mapping[str, str], longest_s: float) -> float:
    """Return the seconds to wait that the headers request, from 0 to ``longest_s``; 0 without such a header.

    ``retry-after-ms``, then ``Retry-After``: seconds, a duration such as ``1m30s``, or an HTTP-date (RFC 9110
    §10.2.3). A date is compared with the ``Date`` of the response if there is one, so wrong clocks do not matter. Then
    ``x-ratelimit-reset-…``: the latest reset of the exhausted limits, or the earliest reset if no limit is exhausted.
    Malformed values are ignored.
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
    """Return the seconds until a time given as a number, a duration or a date; NaN for anything else."""
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
    """Return the seconds of a duration such as ``20ms``, ``1.5s`` or ``6m0s``; 0 for anything else."""
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
