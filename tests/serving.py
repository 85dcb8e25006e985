"""A real ``glotsmith serve`` of its own process, for tests that talk to one."""

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path


class Serving:
    """A service on a free port of the loopback; ``address`` is its URL."""

    address: str

    def __init__(self, *options: str, env: Mapping[str, str] | None = None) -> None:
        argv = [sys.executable, "-m", "glotsmith", "serve", "--port", "0", *options]
        self.process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env={**os.environ, **(env or {})}
        )
        assert self.process.stderr is not None
        self.output_lines: list[str] = []
        for line in self.process.stderr:
            self.output_lines.append(line)
            if found := re.search(r"Serving at (\S+)", line):
                self.address = found[1]
                break
        else:
            raise RuntimeError(f"it does not serve: {''.join(self.output_lines)}")
        self._reader = threading.Thread(target=self._listen)
        self._reader.start()

    def _listen(self) -> None:
        assert self.process.stderr is not None
        with self.process.stderr as stream:
            self.output_lines.extend(stream)

    @property
    def pid(self) -> int:
        """The process's number."""
        return self.process.pid

    @property
    def folders(self) -> list[Path]:
        """The folders that its sandbox has for programs now."""
        roots = [
            root for parent in ("/dev/shm", "/tmp") for root in Path(parent).glob(f"glotsmith-sandbox-*-{self.pid}-*")
        ]
        return [folder for root in roots for folder in root.iterdir()]

    def stop(self, signum: int = signal.SIGTERM, seconds: float = 30) -> int:
        """Send a signal, wait for the end, and return the exit code."""
        self.process.send_signal(signum)
        return self.wait(seconds)

    def wait(self, seconds: float = 30) -> int:
        """Wait for the end, and return the exit code."""
        try:
            return self.process.wait(seconds)
        finally:
            self.process.kill()
            self.process.wait()
            self._reader.join()
