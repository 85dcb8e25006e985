"""The limits and tolerances that a job may ask for: one check for files, rewards, the service and Python."""

import math

from glotsmith.records import Job, Limits

#: below it no toolchain starts a program
MIN_LIMITS = Limits(cpu_s=0.001, memory_mb=4, output_kb=1, file_mb=1)
#: an hour of CPU, and more space than a machine has; the service allows strangers less
MAX_LIMITS = Limits(cpu_s=3600.0, memory_mb=2**20, output_kb=2**20, file_mb=2**20)

#: field of a job → the limit that it sets
LIMIT_FIELDS = {
    "time_limit_s": "cpu_s",
    "memory_limit_mb": "memory_mb",
    "output_limit_kb": "output_kb",
    "file_limit_mb": "file_mb",
}
JUDGED_FIELDS = ("tests", "io", "program")  #: fields that say what is to hold; a job has one of them
TOLERANCE_FIELDS = ("tolerance", "absolute_tolerance")


def judged_fields_error(job: Job) -> str:
    """Return why it is not clear what is to hold for a job, as a sentence without its subject; "" where it is."""
    given = [name for name in JUDGED_FIELDS if getattr(job, name)]
    if not given:
        return f"has none of {', '.join(JUDGED_FIELDS)}, so nothing could be judged"
    if len(given) > 1:
        return f"has {' and '.join(given)}, of which only one can be judged: make a job of each"
    return ""


def limits_error(job: Job, most: Limits = MAX_LIMITS) -> str:
    """Return a sentence about the first limit or tolerance of a job that can't be acted on; "" for none."""
    for field, limit in LIMIT_FIELDS.items():
        asked, low, high = getattr(job, field), getattr(MIN_LIMITS, limit), getattr(most, limit)
        if asked is not None and not low <= asked <= high:  # NaN is not, either
            return f"{field} is {asked}; it must be from {low} to {high}"
    for field in TOLERANCE_FIELDS:
        asked = getattr(job, field)
        if not (math.isfinite(asked) and asked >= 0):
            return f"{field} is {asked}; it must be 0 or more, and finite"
    return ""
