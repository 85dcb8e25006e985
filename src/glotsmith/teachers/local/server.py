"""The program of the server process: reads its settings from stdin, serves, and exits when stdin closes.

It is a script without imports of glotsmith, so that it starts fast and holds no memory of the run.
"""

import json
import os
import sys
from importlib import import_module
from typing import Any

_ERRORS_ONLY = 1  #: verbosity of the log
_PROMPT_CACHE_MB = 256  #: cache of earlier prompts; the default is 8 GB, of which 270 requests of a run used half


def _parameters(xllamacpp: Any, settings: dict[str, Any]) -> Any:
    parameters = xllamacpp.CommonParams()
    parameters.model.path = settings["model"]
    parameters.api_keys = [settings["key"]]
    parameters.n_ctx = settings["context"] * settings["slots"]
    parameters.n_parallel = settings["slots"]
    parameters.cache_ram_mib = _PROMPT_CACHE_MB
    parameters.n_gpu_layers = settings["gpu_layers"]
    parameters.port = 0
    parameters.ui = False
    parameters.endpoint_slots = False
    parameters.verbosity = _ERRORS_ONLY
    for processor in (parameters.cpuparams, parameters.cpuparams_batch):
        processor.n_threads = settings["threads"]
    return parameters


def main() -> None:
    """Serve until stdin closes."""
    settings = json.loads(sys.stdin.buffer.readline())
    xllamacpp: Any = import_module("xllamacpp")
    server = xllamacpp.Server(_parameters(xllamacpp, settings))
    sys.stdout.write(f"{server.listening_address}\n")
    sys.stdout.flush()
    sys.stdin.buffer.read()
    os._exit(0)  # the server's threads need no orderly end


if __name__ == "__main__":
    main()
