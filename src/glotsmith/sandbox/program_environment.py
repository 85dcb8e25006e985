"""What a program sees: its file system (read-only toolchains, its files, scratch), environment and user account."""

import os
import pwd
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from glotsmith.records import Limits, Program
from glotsmith.sandbox.user_namespace import USER

PROGRAM = "/box/program"  #: path of ``Program.files``, inside
WORKING_FOLDER = "/box/work"  #: the current directory, inside
TMP = "/tmp"  # noqa: S108 - the sandbox's own, a fresh tmpfs

#: System folders. Those that are symlinks on the host (``/bin`` → ``usr/bin``) are symlinks inside.
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")

#: Configuration files that toolchains need in order to start: no passwd, keys or resolver of the host. Files that a
#: single language needs are in its language card.
CONFIGURATION = (
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/alternatives",
    "/etc/localtime",
)

USER_NAME = "sandbox"  #: the program's user
_ACCOUNT_FILES = {
    "passwd": f"root:x:0:0::/:/bin/sh\n{USER_NAME}:x:{USER}:{USER}::{TMP}:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n",
    "group": f"root:x:0:\n{USER_NAME}:x:{USER}:\nnogroup:x:65534:\n",
}

_SEARCH = ("/usr/local/bin", "/usr/bin", "/bin")


def system_binds() -> Iterator[str]:
    """Yield the host paths that are bound read-only at the same path."""
    for path in (*SYSTEM, *CONFIGURATION):
        if Path(path).exists() and not (path in SYSTEM and Path(path).is_symlink()):
            yield path


def system_links() -> Iterator[tuple[str, str]]:
    """Yield ``(target, path)`` of system folders that are symlinks."""
    for path in SYSTEM:
        if Path(path).is_symlink():
            yield str(Path(path).readlink()), path


def toolchain_prefixes(program: Program) -> list[str]:
    """Return the program's toolchain prefixes that are not visible by default, outer ones first.

    Raises:
        OSError: a prefix does not exist, which is an error of the machine, not of the program.
        ValueError: a prefix is not absolute, or it is the root.

    """
    wanted: set[str] = set()
    for prefix in program.read_only:
        if not prefix.startswith("/") or not prefix.strip("/"):
            raise ValueError(f"Program.read_only contains {prefix!r}; it must contain absolute paths below the root")
        path = os.path.normpath(prefix)
        if not Path(path).exists():
            raise FileNotFoundError(f"the toolchain folder {path} does not exist")
        if path not in SYSTEM and not path.startswith("/usr/"):
            wanted.add(path)
    return sorted(wanted)


def scratch_sizes(limits: Limits) -> tuple[tuple[str, int], ...]:
    """Return the writable folders with their sizes in MiB.

    Shared memory counts as memory (Julia stores compiled code there), so it may be larger.
    """
    file_mb = max(limits.file_mb, 1)  # 0 would mean no limit
    return (WORKING_FOLDER, file_mb), (TMP, file_mb), ("/dev/shm", max(limits.file_mb, limits.memory_mb // 4))  # noqa: S108


def environment(program: Program, home: str, user: str = USER_NAME) -> dict[str, str]:
    """Return the complete environment of a program; ``home`` is its scratch folder."""
    bins = [f"{prefix}/bin" for prefix in program.read_only if Path(prefix, "bin").is_dir()]
    base = {"PATH": ":".join((*bins, *_SEARCH)), "HOME": home, "TMPDIR": home, "LANG": "C.UTF-8"}
    return {**base, "USER": user, "LOGNAME": user, **program.env}


def command(argv: Sequence[str], folder: str) -> list[str]:
    """Return the argv with ``@{dir}`` replaced by ``folder``."""
    return [word.replace("@{dir}", folder) for word in argv]


def file_bytes(data: str | bytes) -> bytes:
    """Return the bytes of a file. Lone surrogates are encoded as they are; the language rejects them."""
    return data if isinstance(data, bytes) else data.encode("utf-8", "surrogatepass")


def check_name(name: str) -> None:
    """Check that the name of a file stays in the program's folder.

    Raises:
        ValueError: it does not.

    """
    if not name or name.startswith("/") or ".." in name.split("/") or "\0" in name:
        raise ValueError(f"the files of a program must stay in its folder; {name!r} does not")


def write_files(files: Mapping[str, str | bytes], folder: Path) -> None:
    """Write ``Program.files`` into a fresh folder that no program can access yet.

    Raises:
        ValueError: the name of a file leaves the folder.

    """
    for name, data in files.items():
        check_name(name)
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file_bytes(data))
        path.chmod(0o644)
    for parent in {folder, *(parent for name in files for parent in (folder / name).parents if parent > folder)}:
        parent.chmod(0o755)  # the program may run as another user; the folder above is private


def write_accounts(folder: Path) -> list[tuple[str, str]]:
    """Write passwd and group into a new folder ``etc`` in ``folder``; return (host path, path inside) of each."""
    etc = folder / "etc"
    etc.mkdir()
    for name, text in _ACCOUNT_FILES.items():
        (etc / name).write_text(text)
        (etc / name).chmod(0o644)
    etc.chmod(0o755)
    return [(str(etc / name), f"/etc/{name}") for name in _ACCOUNT_FILES]


def own_user_name() -> str:
    """Return the name of this process's user; its number if it has no name."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())
