"""Start Ray on this machine, or connect to a Ray cluster, without messages on the terminal."""

import logging
import os
import socket
from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from glotsmith.errors import UsageError
from glotsmith.installation import install_command

_CONNECT_TIMEOUT_S = 10.0
_LOCAL_STORE = 100 << 20  #: bytes of the object store of a local cluster; messages are small
_QUIET = {  # turns off messages of Ray that a user does not need
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_LOG_TO_STDERR": "0",
    "RAY_DISABLE_IMPORT_WARNING": "1",
    "RAY_DISABLE_FAILURE_SIGNAL_HANDLER": "1",  # prints the stack of the process at SIGTERM
}
_CHEAP = {  # turns off parts that a local cluster does not need and that take CPU time from the programs
    "RAY_enable_metrics_collection": "0",
    "RAY_enable_open_telemetry": "0",
    "RAY_event_stats": "0",
    "RAY_task_events_report_interval_ms": "0",
    "RAY_enable_worker_prestart": "0",
    "RAY_prestart_worker_first_driver": "0",
}


def load_ray() -> Any:
    """Return the module ``ray``. It is typed as ``Any`` since its types are incomplete."""
    return import_module("ray")


def start_ray(address: str) -> None:
    """Connect to the cluster at an address; without an address, start one of one node on this machine.

    Raises:
        UsageError: Ray is not installed, or no cluster has the address.

    """
    if find_spec("ray") is None:
        raise UsageError(f"the executor ray needs the extra ray. Install it: {install_command('ray')}")
    if address:
        _check_address(address)
    os.environ.update(_missing(_QUIET))
    # Ray prints faults of nodes on our terminal, also with log_to_driver=False.
    internals: Any = import_module("ray._private.worker")
    internals.print_to_stdstream = _discard
    try:
        if address:
            _init(address=address)
        else:
            _start_local()
    except Exception as error:  # Ray states a slow start by an exception without a class of its own
        what = f"connect to a Ray cluster at {address}" if address else "start Ray on this machine"
        raise UsageError(f"cannot {what}: {error}") from error


def stop_ray() -> None:
    """Disconnect, and end the cluster if it was started here; idempotent."""
    if load_ray().is_initialized():
        load_ray().shutdown()


def _start_local() -> None:
    with _few_processes(), _defaults_set(_CHEAP):
        _init(address="local", object_store_memory=_LOCAL_STORE, include_dashboard=False)


def _init(**options: Any) -> None:
    load_ray().init(**options, log_to_driver=False, logging_level=logging.ERROR)


def _missing(variables: dict[str, str]) -> dict[str, str]:
    """Return the variables that the environment does not have."""
    return {name: value for name, value in variables.items() if name not in os.environ}


@contextmanager
def _defaults_set(variables: dict[str, str]) -> Generator[None]:
    """Set the variables that the environment does not have; the processes that start in the block keep them."""
    added = _missing(variables)
    os.environ.update(added)
    try:
        yield
    finally:
        for name in added:
            os.environ.pop(name, None)


@contextmanager
def _few_processes() -> Generator[None]:
    """Let ``ray.init`` start no log monitor, autoscaler and dashboard, for which it has no options.

    These names of Ray are private. A version without them starts all its processes.
    """
    parameter: Any = import_module("ray._private.parameter")
    services: Any = import_module("ray._private.services")
    ray_params: Any = getattr(parameter, "RayParams", None)
    start_api_server: Any = getattr(services, "start_api_server", None)
    if not (ray_params and start_api_server and hasattr(ray_params(), "no_monitor")):
        yield
        return
    parameter.RayParams = partial(ray_params, include_log_monitor=False, no_monitor=True)
    services.start_api_server = _start_no_dashboard
    try:
        yield
    finally:
        parameter.RayParams, services.start_api_server = ray_params, start_api_server


def _start_no_dashboard(*_: object, **__: object) -> tuple[str, None]:
    return "", None


def _check_address(address: str) -> None:
    """Connect once, because Ray tries an address for minutes and prints each failure.

    Raises:
        UsageError: nothing answers there, or the address names no host and port.

    """
    found = _address_here() if address == "auto" else address
    host, _, port = found.removeprefix("ray://").rpartition(":")
    if not (host and port.isdigit()):
        raise UsageError(f"the address of the Ray cluster is {address!r}; it must be HOST:PORT or auto")
    try:
        socket.create_connection((host.strip("[]"), int(port)), _CONNECT_TIMEOUT_S).close()
    except (OSError, OverflowError) as error:
        where = address if address == found else f"{found} (the address that Ray finds for {address})"
        raise UsageError(f"cannot connect to a Ray cluster at {where}: {error}") from error


def _address_here() -> str:
    """Return the address that Ray takes for ``auto``: of the environment, a process, or the file of a past cluster.

    Raises:
        UsageError: there is none.

    """
    services: Any = import_module("ray._private.services")
    try:
        return str(services.get_ray_address_from_environment("auto", None))
    except ConnectionError as error:
        message = (
            "no Ray cluster runs on this machine. Start one with `ray start --head`, or pass --ray-address HOST:PORT"
        )
        raise UsageError(message) from error


def _discard(*_: object, **__: object) -> None:
    """Replace a function that prints."""
