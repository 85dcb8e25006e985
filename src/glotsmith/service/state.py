"""What a service holds: a sandbox, the verifier on it, places for so many programs, counters."""

from dataclasses import dataclass, field

from glotsmith.records import Limits
from glotsmith.sandbox.base import Sandbox
from glotsmith.service.admission import Admission
from glotsmith.service.metrics import CountingSandbox, Metrics
from glotsmith.verification import Verifier

MAX_LIMITS = Limits(
    cpu_s=600.0,
    wall_s=3600.0,
    memory_mb=65_536,
    processes=4096,
    file_mb=4096,
    output_kb=32_768,
    build_memory_mb=65_536,
    build_cpu_s=600.0,
)


def min_limit(name: str) -> float:
    """Return the least that may be asked of a limit."""
    return 1 if isinstance(getattr(MAX_LIMITS, name), int) else 0.001


@dataclass(frozen=True)
class ServiceSettings:
    """How a service is set up."""

    jobs: int  #: programs at once
    queue: int = 64  #: further ones that may wait
    list_items: int = (
        100_000  #: jobs or lines that all lists may have together; each takes some KB until it is answered
    )
    token: str = field(default="", repr=False)  #: what ``Authorization: Bearer`` must say; empty: nothing
    expose: tuple[str, ...] = ()  #: folders that programs may ask to see, with all below them
    body_mb: int = 32
    body_s: float = 60.0  #: how long a body may take to arrive


class Service:
    """One service; made within its event loop."""

    def __init__(self, sandbox: Sandbox, settings: ServiceSettings) -> None:
        self.settings, self.metrics = settings, Metrics()
        self.sandbox: Sandbox = CountingSandbox(sandbox, self.metrics)
        self.verifier = Verifier(self.sandbox)
        self.admission = Admission(settings.jobs, settings.queue, settings.list_items)
        self.metrics.capacity.set(self.admission.capacity)
        self.metrics.listed.set_function(lambda: self.admission.listed)
        self.metrics.admitted.set_function(lambda: self.admission.admitted)
