"""Run programs in every local back end while descriptors are taken: ``occupied.py PATTERN FILE``.

PATTERN is JSON: ``taken`` and ``closed`` are descriptors, ``most`` is an optional limit of open files. The results are
written to FILE as JSON, because standard streams may be closed.
"""

import asyncio
import json
import os
import resource
import sys
import traceback
from pathlib import Path

from glotsmith.errors import IsolationError
from glotsmith.records import CompilerServer, Limits, Program, WarmInterpreter
from glotsmith.sandbox import open_sandbox

AT_ONCE = 8
PYTHON = ("/usr/bin/python3", "-I", "-S")  #: the module site would take most of the time of a program
INTERPRETER = """
import os, sys
sys.warm = True
os.environ["GLOTSMITH_FORK"] = "1"
os.fork()
exec(open("/box/program/main.py").read())
"""
COMPILER = """
import sys
read, write = sys.stdin.buffer.read, sys.stdout.buffer.write
number = lambda: int.from_bytes(read(4), "big")
block = lambda data: len(data).to_bytes(4, "big") + data
while True:
    files = [(read(number()), read(number())) for _ in range(number())]
    write(b"\\0" + block(b"") + len(files).to_bytes(4, "big") + b"".join(block(n) + block(d) for n, d in files))
    sys.stdout.flush()
"""
LISTING = "print(*sorted(map(int, os.listdir('/proc/self/fd'))))"
LIMITS = Limits(cpu_s=20, wall_s=60, memory_mb=256)
PROGRAMS = {
    "shell": Program(files={}, argv=("sh", "-c", "cat; ls /proc/self/fd"), stdin="in ", limits=LIMITS),
    "built": Program(
        files={},
        build=("sh", "-c", "printf '#!/bin/sh\\ncat; ls /proc/self/fd' >made; chmod +x made"),
        argv=("./made",),
        stdin="in ",
        limits=LIMITS,
    ),
    "interpreter": Program(
        files={"main.py": f"import os, sys\nprint(input(), 'warm' if hasattr(sys, 'warm') else 'cold')\n{LISTING}"},
        argv=(*PYTHON, "@{dir}/main.py"),
        warm=WarmInterpreter(argv=(*PYTHON, "@{dir}/interpreter.py"), files={"interpreter.py": INTERPRETER}),
        stdin="in",
        limits=LIMITS,
    ),
    "server": Program(
        files={"main.py": f"import os, sys\nprint('warm' if 'made' in sys.argv[0] else 'cold')\n{LISTING}"},
        argv=(*PYTHON, "@{dir}/main.py"),
        server=CompilerServer(
            argv=(*PYTHON, "@{dir}/compiler.py"),
            files={"compiler.py": COMPILER},
            sources={"main.py": "made.py"},
            run=(*PYTHON, "@{dir}/made.py"),
        ),
        limits=LIMITS,
    ),
}


def take(pattern: dict[str, list[int]], file: int) -> None:
    """Open and close descriptors of this process as a pattern says."""
    if pattern["most"]:
        most = pattern["most"][0]
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, max(most, resource.getrlimit(resource.RLIMIT_NOFILE)[1])))
    for number in pattern["taken"]:
        if number != file:
            os.dup2(file, number)
    for number in pattern["closed"]:
        os.close(number)


async def results(name: str, *, warm: bool) -> list[list[str]]:
    """Run programs at the same time; return (kind, ending, stdout, detail) of each."""
    sandbox = open_sandbox(name, AT_ONCE, warm=warm)
    try:
        kinds = [kind for kind in PROGRAMS for _ in range(AT_ONCE)]
        outcomes = await asyncio.gather(*(sandbox.run(PROGRAMS[kind]) for kind in kinds))
    finally:
        await sandbox.close()
    return [[k, o.ending, " ".join(o.stdout.decode().split()), o.detail] for k, o in zip(kinds, outcomes, strict=True)]


def main() -> None:
    """Write the results by back end; the error message if a back end does not work."""
    pattern, path = json.loads(sys.argv[1]), Path(sys.argv[2])
    file = os.open(path, os.O_WRONLY | os.O_CREAT)
    take(pattern, file)
    found: dict[str, object] = {}
    for name in ("bubblewrap", "unshare", "none"):
        for warm in (False, True):
            try:
                found[f"{name} {'warm' if warm else 'cold'}"] = asyncio.run(results(name, warm=warm))
            except IsolationError as error:
                found[f"{name} {'warm' if warm else 'cold'}"] = str(error)
            except Exception:
                found[f"{name} {'warm' if warm else 'cold'}"] = traceback.format_exc()
    os.write(file, json.dumps(found).encode())


if __name__ == "__main__":
    main()
