"""Derive the CPU limit of a candidate from the CPU time of the Python original for the same tests.

The limit is ``max(floor_s, factor × reference × factor of the language)`` and the time in which the language may load
libraries, and at most the limit of the language. A suite stores the time of its original in steps
(``round_reference``), so that two measurements nearly always agree, and with them the bytes of a dataset.
"""

import math

import msgspec

from glotsmith.languages.card import Card, get_card
from glotsmith.records import Job, Record

_STEP = 4.0  #: ratio of consecutive steps of the stored time
SHORTEST_REFERENCE_S = _STEP**-5  #: the shortest stored time, 1 ms: with the default factor its limit is the floor


class ReferenceLimits(Record, frozen=True, kw_only=True):
    """How a CPU limit is derived from the CPU time of the Python original; seconds are those of the reference machine.

    ``benchmarks/reference_limits.py`` shows how much of these limits right programs use.
    """

    floor_s: float = 0.025  #: CPU seconds that every candidate may use
    factor: float = 25.0  #: CPU time that a candidate may use, as a multiple of the original's

    def cpu_s(self, card: Card, reference_s: float) -> float:
        """Return the CPU limit of a candidate in seconds, in the language of a card.

        Args:
            card: the language.
            reference_s: CPU seconds of the Python original; 0 if they were not measured.

        """
        if not reference_s:
            return card.limits.cpu_s
        derived = max(self.floor_s, self.factor * reference_s * card.limits.reference_factor)
        return min(derived + card.limits.library_s, card.limits.cpu_s)

    def apply(self, job: Job) -> Job:
        """Return a job with the derived CPU limit, unless it has a limit or the original was not measured."""
        if job.time_limit_s is not None or not job.reference_s:
            return job
        card = get_card(job.language)
        limit = self.cpu_s(card, job.reference_s)
        return msgspec.structs.replace(job, time_limit_s=limit, load_limit_s=min(card.limits.library_s, limit))


def round_reference(seconds: float) -> float:
    """Return the next step that is not shorter than a measured CPU time: 1 ms and its multiples by powers of four."""
    steps = math.ceil(math.log(max(seconds, SHORTEST_REFERENCE_S) / SHORTEST_REFERENCE_S, _STEP) - 1e-9)
    return SHORTEST_REFERENCE_S * _STEP**steps
