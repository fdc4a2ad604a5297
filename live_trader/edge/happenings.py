"""What happens to a farm: a line each, in one file that all its processes add to and its server takes in."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Final, Literal, NamedTuple

from msgspec import DecodeError, Meta, Struct
from msgspec.json import Decoder, encode

from live_trader.edge.clock import Clock
from live_trader.edge.wire.v1 import Time

Sort = Literal["restart", "swap", "refusal", "fault"]
Happened = Callable[[Sort, str, str], None]
"""Says that something of this sort has happened, in which respect, and what exactly."""

FILE: Final = "happenings.jsonl"
_MOST_BYTES: Final = 1 << 20
_AT_ONCE: Final = 64 << 10
_LONGEST: Final = 500
_EVERY_S: Final = 10.0
_MOST_KEPT: Final = 10_000


class Happening(Struct, frozen=True, kw_only=True):
    """One sentence about one part of the farm: a ticker, the server, feed or desk, or the farm itself."""

    at: Time
    sort: Sort
    who: Annotated[str, Meta(max_length=100)]
    text: Annotated[str, Meta(max_length=_LONGEST)]


_DECODER: Final = Decoder(Happening)


class Sparing:
    """Lets the same trouble be told once in a while, with how often it came in between."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._told: dict[tuple[str, str], tuple[float, int]] = {}

    def allows(self, who: str, what: str, text: str) -> str:
        """The text to tell now, or nothing for what was told a moment ago."""
        now = self._clock.monotonic()
        if len(self._told) > _MOST_KEPT:
            self._told.clear()
        told, untold = self._told.get((who, what), (now - _EVERY_S, 0))
        if now - told < _EVERY_S:
            self._told[who, what] = (told, untold + 1)
            return ""
        self._told[who, what] = (now, 0)
        return f"{text} (and {untold} more since the last)" if untold else text


class Happenings:
    """Adds to the file of one farm; what cannot be written costs the line and nothing else."""

    def __init__(self, run_path: Path, clock: Clock) -> None:
        self._path = run_path / FILE
        self._clock = clock
        self._sparing = Sparing(clock)

    def of(self, who: str) -> Happened:
        """What one part of the farm says of itself; in one respect at most a line every few seconds."""

        def happened(sort: Sort, what: str, text: str) -> None:
            if told := self._sparing.allows(who, what, text):
                self.add(sort, who, told)

        return happened

    def add(self, sort: Sort, who: str, text: str) -> None:
        """Add a line."""
        told = Happening(at=self._clock.now(), sort=sort, who=who[:100], text=text[:_LONGEST])
        with contextlib.suppress(OSError):  # a full disk costs the line, not the farm
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._turn()
            handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            try:
                os.write(handle, encode(told) + b"\n")  # in one piece, so that lines of processes never mix
            finally:
                os.close(handle)

    def _turn(self) -> None:
        """Begin a new file once this one is long; without a lock, which a stalled process could keep."""
        with contextlib.suppress(FileNotFoundError):
            if self._path.stat().st_size > _MOST_BYTES:
                self._path.replace(_before(self._path))


def unheard(sort: Sort, what: str, text: str) -> None:
    """Nobody is told, where nobody listens."""


class Place(NamedTuple):
    """How far the file was read: which file that was, and where in it."""

    file: int = 0
    offset: int = 0


def read(run_path: Path, place: Place) -> tuple[Sequence[Happening], Place]:
    """Some of the lines that were added after this place, and the place after them; none at the end."""
    path = run_path / FILE
    for each in (_before(path), path):
        try:
            with each.open("rb") as file:
                number = os.fstat(file.fileno()).st_ino
                if each != path and number != place.file and _exists(path, place.file):
                    continue  # read already: the reader is in the file that follows it
                size = os.fstat(file.fileno()).st_size
                offset = place.offset if number == place.file and place.offset <= size else 0
                file.seek(offset)
                whole = file.read(_AT_ONCE).rpartition(b"\n")[0]
        except FileNotFoundError:
            continue
        if whole:
            lines = whole.split(b"\n")
            return [found for line in lines if (found := _decoded(line))], Place(
                number, offset + len(whole) + 1
            )
        place = Place(number, offset)
    return [], place


def _exists(path: Path, number: int) -> bool:
    with contextlib.suppress(FileNotFoundError):
        return path.stat().st_ino == number
    return False


def _decoded(line: bytes) -> Happening | None:
    """The happening of a line, or None for one that a crash or a full disk has torn."""
    try:
        return _DECODER.decode(line)
    except (DecodeError, UnicodeDecodeError):
        return None


def _before(path: Path) -> Path:
    return path.with_suffix(".old")
