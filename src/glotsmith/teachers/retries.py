"""Failures that may pass, and how long to wait for it."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


class Transient(Exception):
    """An attempt failed, but the next may not."""

    def __init__(
        self, what: str, *, wait_s: float = 0.0, congested: bool = False, blames_server: bool = False, met: bool = True
    ) -> None:
        super().__init__(what)
        self.wait_s = wait_s  #: seconds that the server asked to wait
        self.congested = congested  #: the server had too much to do
        self.blames_server = blames_server  #: it says nothing about the item: any other would have met the same
        self.met = met  #: whether a server was there at all


def retry_after(headers: Mapping[str, str], longest_s: float) -> float:
    """Return the seconds that ``Retry-After`` asks to wait, between 0 and ``longest_s``; 0 without the header.

    Seconds or an HTTP-date (RFC 9110 §10.2.3). A date is compared with the response's own ``Date`` where there is
    one, so that a wrong clock on either side does not matter. A malformed value counts as none.
    """
    value = headers.get("retry-after", "").strip()
    try:
        seconds = float(value)
    except ValueError:
        seconds = _seconds_until(value, headers.get("date", ""))
    return min(max(seconds, 0.0), longest_s) if math.isfinite(seconds) else 0.0


def _seconds_until(date: str, now: str) -> float:
    until = _parse_date(date)
    return (until - (_parse_date(now) or datetime.now(UTC))).total_seconds() if until else 0.0


def _parse_date(text: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)
