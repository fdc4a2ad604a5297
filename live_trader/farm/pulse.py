"""What a worker shows of itself while it lives: one small shared page per ticker that survives its death."""

from __future__ import annotations

import math
import mmap
import os
import struct
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Self

from live_trader.core.bars import Ticker
from live_trader.errors import BadSettings

_HEAD = struct.Struct("<4sIdqqqqqqqqqqq?ddddddddd")
_MAGIC = b"ITP6"
_TEXT = 256
_TEXTS = 3
_SIZE = _HEAD.size + _TEXTS * _TEXT
NONE = -1


class Phase(IntEnum):
    """What the worker's loop is doing."""

    BOOTING = 0
    CONNECTING = 1
    PRIMING = 2
    SERVING = 3
    STOPPED = 4
    FAILED = 5


@dataclass(slots=True)
class Beat:
    """The figures on a pulse page; times of bars are openings in seconds since 1970, or NONE."""

    phase: Phase = Phase.BOOTING
    beaten: float = 0.0  # on the machine's monotonic clock, which all its processes share
    pid: int = 0
    last_bar: int = NONE
    owed_after: int = NONE
    answered: int = 0
    refused: int = 0
    faults: int = 0  # in all, and of them:
    unreachable: int = 0  # calls nobody answered,
    garbled: int = 0  # answers that are not the protocol,
    conflicts: int = 0  # signals where a different one stands,
    unaccepted: int = 0  # signals the server does not take;
    late: int = 0  # and bars answered too late to be traded
    heavy: bool = False  # some model is served by its own pipeline, with all its libraries
    signal: float = math.nan
    long: float = math.nan
    short: float = math.nan
    long_needs: float = math.nan
    short_needs: float = math.nan
    received: float = math.nan  # seconds from a bar's close: until the worker had it,
    features: float = math.nan  # until the features were known,
    models: float = math.nan  # until the models had answered,
    lag: float = math.nan  # and until that was acknowledged as stored
    version: str = ""
    reason: str = ""
    held: str = ""  # why its signals are neutral whatever its models say


def path_of(run_path: Path, ticker: Ticker) -> Path:
    """The page of this ticker in a farm's run folder."""
    return run_path / f"{ticker.symbol}_{ticker.timeframe.name}.pulse"


class Pulse:
    """One page, mapped into memory: its worker writes, anybody may read."""

    def __init__(self, path: Path, descriptor: int, *, writable: bool) -> None:
        self.path = path
        self._descriptor = descriptor
        access = mmap.ACCESS_WRITE if writable else mmap.ACCESS_READ
        self._page = mmap.mmap(descriptor, _SIZE, access=access)

    @classmethod
    def own(cls, path: Path) -> Self:
        """The page for its one writer; a second writer on this machine is refused."""
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        if not _lock(descriptor):
            os.close(descriptor)
            raise BadSettings(
                f"another process already serves {path.stem.replace('_', ' ')} from this work path",
                "Stop it first, or give this farm a work path of its own",
            )
        if os.fstat(descriptor).st_size != _SIZE:
            os.ftruncate(descriptor, 0)
            os.ftruncate(descriptor, _SIZE)
        return cls(path, descriptor, writable=True)

    @classmethod
    def watch(cls, path: Path) -> Self | None:
        """The page for a reader, or None while its worker has not made it."""
        try:
            descriptor = os.open(path, os.O_RDONLY)
        except FileNotFoundError:
            return None
        if os.fstat(descriptor).st_size != _SIZE:
            os.close(descriptor)
            return None
        return cls(path, descriptor, writable=False)

    def write(self, beat: Beat) -> None:
        """Put all figures and texts on the page."""
        head = _HEAD.pack(
            _MAGIC, beat.phase, beat.beaten, beat.pid, beat.last_bar, beat.owed_after,
            beat.answered, beat.refused, beat.faults, beat.unreachable, beat.garbled, beat.conflicts,
            beat.unaccepted, beat.late, beat.heavy,
            beat.signal, beat.long, beat.short, beat.long_needs, beat.short_needs,
            beat.received, beat.features, beat.models, beat.lag,
        )  # fmt: skip
        self._page[:] = head + _padded(beat.version) + _padded(beat.reason) + _padded(beat.held)

    def read(self) -> Beat | None:
        """The figures now on the page, or None when nobody has written one."""
        magic, phase, *figures = _HEAD.unpack_from(self._page)
        if magic != _MAGIC:
            return None
        return Beat(Phase(phase), *figures, *(self._text(index) for index in range(_TEXTS)))

    def close(self) -> None:
        """Let go of the page, and of the writer's lock with it."""
        self._page.close()
        os.close(self._descriptor)

    def _text(self, index: int) -> str:
        start = _HEAD.size + index * _TEXT
        return self._page[start : start + _TEXT].rstrip(b"\0").decode(errors="replace")


def _padded(text: str) -> bytes:
    return text.encode()[:_TEXT].ljust(_TEXT, b"\0")


def _lock(descriptor: int) -> bool:
    try:
        import fcntl
    except ImportError:  # no flock here: the signal's key keeps a second worker harmless
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
