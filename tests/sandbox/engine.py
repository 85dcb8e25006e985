#!/usr/bin/python3
"""A fake container engine: it logs its command lines and runs "containers" in bubblewrap.

Containers are files in the folder ``containers`` beside this script. If a file ``down`` exists, all commands fail; with
``slow``, containers need half a second to start.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(sys.argv[0]).resolve().parent
CONTAINERS = HERE / "containers"
FLAGS = {"--rm", "--interactive", "--read-only", "--no-healthcheck", "--read-only-tmpfs=false"}
IMAGE = "glotsmith/toolchains"


def fail(message: str) -> None:
    sys.stderr.write(message + "\n")
    sys.exit(1)


def kill(name: str) -> None:
    container = CONTAINERS / name
    pid = int(container.read_text() or 0) if container.exists() else 0
    if not pid:
        fail(f"Error: No such container: {name}")
    try:
        os.kill(pid, signal.SIGSTOP)  # bubblewrap must not start the container in the meantime
        inside = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        for process in inside or [pid]:
            os.kill(int(process), signal.SIGKILL)
        os.kill(pid, signal.SIGCONT)
    except (ProcessLookupError, FileNotFoundError):
        fail(f"Error: {name} is not running")


def run(words: list[str]) -> int:
    options: dict[str, list[str]] = {}
    while words[0].startswith("--"):
        option = words.pop(0)
        options.setdefault(option, []).append("" if option in FLAGS else words.pop(0))
    words.pop(0)  # the image
    (name,) = options["--name"]
    if (HERE / "slow").exists():
        time.sleep(0.5)
    argv = ["bwrap", "--unshare-all", "--unshare-user", "--uid", "1000", "--gid", "1000", "--die-with-parent"]
    argv += ["--as-pid-1", "--ro-bind", "/usr", "/usr", "--proc", "/proc", "--dev", "/dev"]
    for folder in ("/bin", "/sbin", "/lib", "/lib64"):
        if Path(folder).exists():
            argv += ["--symlink", f"usr{folder}", folder]
    argv += ["--size", options["--shm-size"][0].rstrip("m") + "000000", "--perms", "1777", "--tmpfs", "/dev/shm"]
    for mount in options["--tmpfs"]:
        path, _, rest = mount.partition(":")
        size = dict(o.partition("=")[::2] for o in rest.split(","))["size"]
        argv += ["--perms", "1777", "--size", str(int(size.rstrip("m")) << 20), "--tmpfs", path]
    for mount in options["--mount"]:
        parts = dict(o.partition("=")[::2] for o in mount.split(","))
        argv += ["--ro-bind", parts["source"], parts["target"]]
    argv += ["--remount-ro", "/", "--chdir", options["--workdir"][0], "--", options["--entrypoint"][0], *words]
    process = subprocess.Popen(argv)
    (HERE / name).write_text(str(process.pid))
    (HERE / name).rename(CONTAINERS / name)
    code = process.wait()
    (CONTAINERS / name).unlink(missing_ok=True)
    return code if code >= 0 else 128 - code


def main() -> int:
    CONTAINERS.mkdir(exist_ok=True)
    verb, *words = sys.argv[1:]
    with (HERE / "log").open("a") as log:
        log.write("\x00".join(sys.argv[1:]).replace("\n", "\\n") + "\n")
    if (HERE / "down").exists():
        fail("Cannot connect to the daemon")
    if verb == "image" and words != ["inspect", IMAGE]:
        fail("Error: No such image")
    elif verb == "kill":
        kill(words[-1])
    elif verb == "ps":
        print(*(path.name for path in CONTAINERS.iterdir()), sep="\n")
    elif verb == "rm":
        for name in words[1:]:
            if (CONTAINERS / name).read_text() if (CONTAINERS / name).exists() else "":
                kill(name)
            (CONTAINERS / name).unlink(missing_ok=True)
    elif verb == "run":
        return run(words)
    return 0


if __name__ == "__main__":
    sys.exit(main())
