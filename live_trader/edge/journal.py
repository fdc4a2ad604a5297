"""An append-only file of records, each vouched for by its checksum; a torn tail is found and cut."""

from __future__ import annotations

import os
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from live_trader.errors import BadData, Refused
from live_trader.experts.bundle.atomic import private, settle

_NAME = "journal-{:06}.log"
_CHECKSUM = 9  # eight hexadecimal digits and a space


class Journal:
    """The journal of one folder for its one writer; it is kept in parts, of which only the last one grows.

    What `append` took is on the disk once `sync` returns. The process that has it open is named in its lock,
    which dies with the process.
    """

    def __init__(self, folder: Path) -> None:
        private(folder)
        self._folder = folder
        self._lock = _locked(folder)
        kept = parts(folder)
        self.cut = _mended(kept[-1]) if kept else 0
        self._file: int | None = None
        if kept:
            self._file = os.open(kept[-1], os.O_WRONLY | os.O_APPEND)
        self._dirty = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def last(self) -> Path | None:
        """The part that grows."""
        kept = parts(self._folder)
        return kept[-1] if kept else None

    def begin(self, record: bytes) -> None:
        """Begin a new part with this record; it appears whole or not at all."""
        self.sync()
        number = int(self.last.stem.rpartition("-")[2]) + 1 if self.last else 1
        path = self._folder / _NAME.format(number)
        draft = path.with_suffix(".new")
        draft.unlink(missing_ok=True)
        file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        _write(file, _line(record))
        os.fsync(file)
        draft.rename(path)
        settle(self._folder)
        if self._file is not None:
            os.close(self._file)
        self._file = file

    def append(self, record: bytes) -> None:
        """Add a record."""
        assert self._file is not None, "a journal begins before it grows"
        _write(self._file, _line(record))
        self._dirty = True

    def sync(self) -> None:
        """Return when everything is on the disk."""
        if self._dirty and self._file is not None:
            os.fsync(self._file)
            self._dirty = False

    def close(self) -> None:
        """Let go of the files and of the lock."""
        self.sync()
        if self._file is not None:
            os.close(self._file)
            self._file = None
        os.close(self._lock)


def parts(folder: Path) -> list[Path]:
    """The files of a journal, oldest first."""
    return sorted(folder.glob("journal-*.log"))


def records(path: Path, offset: int = 0) -> Iterator[tuple[int, bytes]]:
    """Every whole record from this offset on, with where the next one begins; a torn tail is left out.

    A record that is damaged with others behind it is an error: what comes after it cannot be trusted.
    """
    with path.open("rb") as file:
        file.seek(offset)
        for line in file:
            record = _read(line)
            if record is None:
                if file.read(1) and line.endswith(b"\n"):
                    raise BadData(
                        f"{path} is damaged at byte {offset}",
                        "Put a copy of it in its place, or move the folder away to begin a new account",
                    )
                return
            offset += len(line)
            yield offset, record


def holder(folder: Path) -> int | None:
    """The process that has the journal of this folder open, or None."""
    private(folder)
    try:
        descriptor = _locked(folder, note=False)
    except Refused:
        return int((folder / "lock").read_text() or 0) or None
    os.close(descriptor)
    return None


def _mended(path: Path) -> int:
    """Cut what was not written to its end; how many bytes that were."""
    end = 0
    for offset, _ in records(path):
        end = offset
    torn = path.stat().st_size - end
    if torn:
        os.truncate(path, end)
    return torn


def _line(record: bytes) -> bytes:
    return b"%08x %s\n" % (zlib.crc32(record), record)


def _read(line: bytes) -> bytes | None:
    record = line[_CHECKSUM:-1]
    return record if line == _line(record) else None


def _write(file: int, data: bytes) -> None:
    while data:
        data = data[os.write(file, data) :]


def _locked(folder: Path, *, note: bool = True) -> int:
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _flock(descriptor)
    except OSError:
        os.close(descriptor)
        raise Refused(
            f"another process has the journal in {folder} open", "Stop the other desk of this work path"
        ) from None
    if note:
        os.lseek(descriptor, 0, os.SEEK_SET)
        os.ftruncate(descriptor, 0)
        os.write(descriptor, b"%d" % os.getpid())
    return descriptor


if sys.platform == "win32":
    import msvcrt

    def _flock(descriptor: int) -> None:
        os.lseek(descriptor, 1 << 20, os.SEEK_SET)  # beyond the name, which others have to read
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _flock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
