"""Tells what programs do to a folder: a thread-free watch by inotify, and its files as they are."""

import ctypes
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_HEADER = struct.Struct("iIII")  #: watch, mask, cookie, length of the name
_ACTIONS = {0x1: "read", 0x2: "written", 0x4: "changed", 0x20: "opened", 0x40: "moved", 0x80: "moved", 0x100: "made"}
_ACTIONS |= {0x200: "deleted", 0x400: "deleted"}
_libc = ctypes.CDLL(None, use_errno=True)


class Watch:
    """What happens in some folders, and in all folders that are in them when it begins."""

    def __init__(self, folders: list[Path]) -> None:
        self._descriptor = _libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if self._descriptor < 0:
            raise OSError(ctypes.get_errno(), "inotify cannot be had")
        below = [below for folder in folders for below in folder.rglob("*") if below.is_dir()]
        self._folders = {self._add(folder): folder for folder in (*folders, *below)}

    def _add(self, folder: Path) -> int:
        number = _libc.inotify_add_watch(self._descriptor, os.fsencode(folder), sum(_ACTIONS))
        if number < 0:
            raise OSError(ctypes.get_errno(), f"{folder} cannot be watched")
        return number

    def seen(self) -> set[str]:
        """Return what happened since the last call: ``opened PATH``, ``made PATH`` …"""
        return set(self._events())

    def _events(self) -> Iterator[str]:
        while True:
            try:
                block = os.read(self._descriptor, 1 << 16)
            except BlockingIOError:
                return
            while block:
                number, mask, _, length = _HEADER.unpack_from(block)
                name = block[_HEADER.size : _HEADER.size + length].rstrip(b"\0")
                block = block[_HEADER.size + length :]
                if number < 0:
                    raise OSError("more has happened than the kernel's queue holds")
                path = self._folders[number] / os.fsdecode(name)
                yield from (f"{action} {path}" for bit, action in _ACTIONS.items() if mask & bit)

    def close(self) -> None:
        """End the watch."""
        os.close(self._descriptor)


@contextmanager
def watch(*folders: Path) -> Iterator[Watch]:
    """Watch some folders."""
    observed = Watch(list(folders))
    try:
        yield observed
    finally:
        observed.close()
