"""The state of a service: settings, sandbox, verifier, admission, metrics; and the limits of programs from clients."""

from dataclasses import dataclass, field

from glotsmith.records import Limits
from glotsmith.sandbox.base import Sandbox
from glotsmith.service.admission import Admission
from glotsmith.service.metrics import CountingSandbox, Metrics
from glotsmith.verification import Verifier

SERVICE_MAX_LIMITS = Limits(
    cpu_s=600.0,
    cold_start_s=600.0,
    load_s=600.0,
    idle_s=3600.0,
    wall_s=3600.0,
    memory_mb=65_536,
    processes=4096,
    file_mb=4096,
    output_kb=32_768,
    build_memory_mb=65_536,
    build_cpu_s=600.0,
)


def min_limit(name: str) -> float:
    """Return the minimum of a limit. With ``idle_s`` = 0, a program may be idle for ``wall_s``."""
    if name in ("idle_s", "cold_start_s", "load_s"):
        return 0.0
    return 1 if isinstance(getattr(SERVICE_MAX_LIMITS, name), int) else 0.001


@dataclass(frozen=True)
class ServiceSettings:
    """The settings of a service."""

    jobs: int  #: number of programs at once
    queue: int = 64  #: number of additional requests that may wait
    list_items: int = 100_000  #: largest number of jobs or lines of all lists in progress; each needs some KB
    token: str = field(default="", repr=False)  #: token of ``Authorization: Bearer``; empty: no token is needed
    expose: tuple[str, ...] = ()  #: folders that programs may read, with all subfolders
    body_mb: int = 32  #: size limit of a body
    body_s: float = 60.0  #: time limit for reading a body, in seconds


class Service:
    """One service; create it in its event loop."""

    def __init__(self, sandbox: Sandbox, settings: ServiceSettings) -> None:
        self.settings, self.metrics = settings, Metrics()
        self.sandbox: Sandbox = CountingSandbox(sandbox, self.metrics)
        self.verifier = Verifier(self.sandbox)
        self.admission = Admission(settings.jobs, settings.queue, settings.list_items)
        self.metrics.capacity.set(self.admission.capacity)
        self.metrics.listed.set_function(lambda: self.admission.listed)
        self.metrics.admitted.set_function(lambda: self.admission.admitted)
