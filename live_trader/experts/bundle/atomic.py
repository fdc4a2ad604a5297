"""Folders that appear whole or not at all, whenever the process or the machine dies."""

from __future__ import annotations

import os
import secrets
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

INCOMING = ".incoming-"


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """While inside, no other process is in here with the same folder; it is made when it is missing."""
    private(folder)
    with os.fdopen(os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o600), "r+b") as lock:
        _lock(lock.fileno())
        for stale in folder.glob(f"{INCOMING}*"):
            discard(stale)
        yield


def private(folder: Path) -> None:
    """Make the folder and those above it, for this user alone."""
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    for each in reversed(missing):
        each.mkdir(mode=0o700, exist_ok=True)


def write(path: Path, content: bytes) -> None:
    """A new file with this content, on the disk when this returns, for this user alone."""
    private(path.parent)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def replace(path: Path, content: bytes) -> None:
    """The file with this content in place of what it held: a reader sees the old or the new."""
    fresh = path.with_name(f"{INCOMING}{secrets.token_hex(8)}")
    write(fresh, content)
    fresh.replace(path)
    settle(path.parent)


@contextmanager
def incoming(parent: Path) -> Iterator[Path]:
    """A new folder to fill, gone at the end unless made to appear; for use inside `alone` of the parent."""
    fresh = parent / f"{INCOMING}{secrets.token_hex(8)}"
    fresh.mkdir(mode=0o700)
    try:
        yield fresh
    finally:
        discard(fresh)


def appear(fresh: Path, folder: Path) -> None:
    """Give a filled folder its name, which nothing may have yet."""
    for each in (fresh, *fresh.rglob("*")):
        if each.is_dir():
            settle(each)
    fresh.rename(folder)
    settle(folder.parent)


def discard(path: Path) -> None:
    """Remove a file or folder nobody will miss, for as far as it can be removed."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def settle(folder: Path) -> None:
    """Make the names in a folder outlive a power cut, where the system can."""
    if sys.platform == "win32":
        return  # Windows opens no folders; its file system orders renames itself
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


if sys.platform == "win32":
    import msvcrt

    def _lock(handle: int) -> None:
        msvcrt.locking(handle, msvcrt.LK_LOCK, 1)

else:
    import fcntl

    def _lock(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX)
