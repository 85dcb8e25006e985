"""For root alone: a user namespace in which programs are ``nobody``, on the host, too.

A namespace that root makes maps the program's user to root: no capability, but root's files if any were visible, and
no limit on the number of processes, which Linux does not enforce for root. So root prepares one namespace, before
any program runs, that maps user 0 inside to root, for setting up mounts, and user 1000 inside to nobody.
"""

import os
import shutil
import subprocess
import weakref
from collections.abc import Iterable
from pathlib import Path

from glotsmith.errors import IsolationError
from glotsmith.sandbox.pipes import renumber_above

USER = 1000  #: the program's user and group, inside
NOBODY = 65534  #: what that is outside

#: How process 1 starts the program as ``USER``. It stays what it is: a process can't be killed with its parent unless
#: the parent may kill it, and the program can't touch it.
BECOME_USER = f"setpriv --reuid {USER} --regid {USER} --clear-groups --inh-caps=-all --bounding-set=-all --"


class UserNamespace:
    """A prepared namespace; it lives as long as a descriptor for it."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._finalize = weakref.finalize(self, os.close, fd)

    @classmethod
    def open(cls) -> "UserNamespace | None":
        """Make the namespace; None for an ordinary user, who needs none.

        Raises:
            IsolationError: root can't make it; the message says why.

        """
        return cls(_make()) if os.geteuid() == 0 else None

    def check_readable(self, paths: Iterable[str]) -> None:
        """Make sure that nobody can read the given prefixes.

        Raises:
            PermissionError: it can't; the message says what to do.

        """
        for path in paths:
            if os.stat(path).st_mode & 0o5 != 0o5:  # noqa: PTH116
                raise PermissionError(f"programs run as nobody, who can't read {path}; try chmod -R o+rX {path}")

    @property
    def path(self) -> str:
        """Where a child can open it; an inherited descriptor could get as far as the program."""
        return f"/proc/{os.getpid()}/fd/{self._fd}"

    @property
    def enter(self) -> tuple[str, ...]:
        """The words before a command that runs in it, as user 0; they leave no descriptor open."""
        return (shutil.which("nsenter") or "nsenter", f"--user={self.path}", "--")

    def close(self) -> None:
        """Let go of it; idempotent."""
        self._finalize()


def _make() -> int:
    lacking = [tool for tool in ("unshare", "nsenter", "setpriv") if shutil.which(tool) is None]
    if lacking:
        raise IsolationError(f"root needs {', '.join(lacking)} of util-linux to run programs as nobody")
    try:
        with subprocess.Popen(
            ["unshare", "--user", "sh", "-c", "echo; read line"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as holder:
            return _map(holder)
    except OSError as error:
        raise IsolationError(f"root can't make a user namespace: {error}") from error


def _map(holder: "subprocess.Popen[bytes]") -> int:
    """Write the maps of the namespace that ``holder`` is in, and forbid namespaces within it."""
    assert holder.stdout is not None
    assert holder.stderr is not None
    if not holder.stdout.readline():
        raise OSError(holder.stderr.read().decode(errors="replace").strip())
    for name in ("uid_map", "gid_map"):
        Path(f"/proc/{holder.pid}/{name}").write_text(f"0 0 1\n{USER} {NOBODY} 1\n")
    namespace = f"/proc/{holder.pid}/ns/user"
    forbid = "echo 0 > /proc/sys/user/max_user_namespaces"
    subprocess.run(["nsenter", f"--user={namespace}", "sh", "-c", forbid], check=False, capture_output=True)
    return renumber_above(os.open(namespace, os.O_RDONLY))
