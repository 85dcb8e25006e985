"""User namespace and uid mapping for root: on the host, the programs of root run as the user ``nobody``.

A user namespace that root creates for each program would map the program's user to root. The program would have no
capabilities, but it could read root's files if any were visible, and Linux does not enforce a limit on the number of
root's processes. Therefore root prepares one user namespace before any program runs. It maps user 0 inside to root,
for setting up mounts, and user 1000 inside to nobody.
"""

import os
import shutil
import subprocess
import weakref
from collections.abc import Iterable
from pathlib import Path

from glotsmith.errors import IsolationError
from glotsmith.sandbox.pipes import renumber_above

USER = 1000  #: user and group of programs inside the namespace
NOBODY = 65534  #: the same user and group on the host

#: Shell words with which process 1 starts the program as ``USER``. Process 1 keeps user 0, for two reasons: the kernel
#: kills it at the death of its parent only if the parent may signal it, and the program must not be able to signal it.
EXEC_AS_USER = f"setpriv --reuid {USER} --regid {USER} --clear-groups --inh-caps=-all --bounding-set=-all --"


class UserNamespace:
    """A prepared user namespace; it exists as long as its descriptor is open."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._finalize = weakref.finalize(self, os.close, fd)

    @classmethod
    def open(cls) -> "UserNamespace | None":
        """Create the namespace; return None for an ordinary user, who does not need it.

        Raises:
            IsolationError: root cannot create it; the message says why.

        """
        return cls(_create()) if os.geteuid() == 0 else None

    def check_readable(self, paths: Iterable[str]) -> None:
        """Check that the permissions of these paths let the user ``nobody`` read them.

        Raises:
            PermissionError: the user ``nobody`` cannot read a path; the message says what to do.

        """
        for path in paths:
            if os.stat(path).st_mode & 0o5 != 0o5:  # noqa: PTH116
                raise PermissionError(f"user nobody cannot read {path}. Run: chmod -R o+rX {path}")

    @property
    def path(self) -> str:
        """The path at which a child process opens the namespace.

        The descriptor is not inherited, because the program could use it.
        """
        return f"/proc/{os.getpid()}/fd/{self._fd}"

    @property
    def enter_argv(self) -> tuple[str, ...]:
        """The argv prefix that runs a command as user 0 in the namespace, and leaves no further descriptor open."""
        return (shutil.which("nsenter") or "nsenter", f"--user={self.path}", "--")

    def close(self) -> None:
        """Close the descriptor; idempotent."""
        self._finalize()


def _create() -> int:
    lacking = [tool for tool in ("unshare", "nsenter", "setpriv") if shutil.which(tool) is None]
    if lacking:
        raise IsolationError(
            f"root needs {', '.join(lacking)} to run programs as user nobody. Run: apt install util-linux"
        )
    try:
        with subprocess.Popen(
            ["unshare", "--user", "sh", "-c", "echo; read line"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as holder:
            return _write_uid_mapping(holder)
    except OSError as error:
        raise IsolationError(f"root cannot create a user namespace: {error}") from error


def _write_uid_mapping(holder: "subprocess.Popen[bytes]") -> int:
    """Write the uid and gid maps of the holder's namespace, and forbid namespaces inside; return its descriptor."""
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
