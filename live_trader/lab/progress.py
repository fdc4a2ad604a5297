"""How far long work has come: a bar with the time left on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable
from shutil import get_terminal_size
from types import TracebackType
from typing import Protocol, Self, TextIO

_EVERY_S, _SHORT_S = 10.0, 1.0


class Progress(Protocol):
    """Is told of each piece of work that is done."""

    def expect(self, pieces: int) -> None:
        """So many more pieces are to be done."""
        ...

    def done(self, what: str, again: bool = False) -> None:
        """One piece is done; `again` when it only had to be read from the cache."""
        ...


class Quiet:
    """Says nothing."""

    def expect(self, pieces: int) -> None:
        """Not told."""

    def done(self, what: str, again: bool = False) -> None:
        """Not told."""


QUIET = Quiet()


class Shown:
    """Shows a person how far the work has come."""

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream, self._clock = stream, clock
        self._wide = stream.isatty()
        self._began = self._said = clock()
        self._whole = self._finished = self._cached = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._wide and self._whole:
            self._stream.write("\r\x1b[K")
            self._stream.flush()

    def expect(self, pieces: int) -> None:
        """So many more pieces are to be done."""
        self._whole += pieces

    def done(self, what: str, again: bool = False) -> None:
        """One piece is done; `again` when it only had to be read from the cache."""
        self._finished += 1
        self._cached += again
        now = self._clock()
        if not self._wide and now - self._said < (_EVERY_S if self._finished < self._whole else _SHORT_S):
            return
        self._said = now
        text = f"{self._finished} of {self._whole}, {self._left(now)} left: {what}"
        if self._wide:
            width = get_terminal_size().columns
            self._stream.write("\r\x1b[K" + f"{self._bar()} {text}"[: width - 1])
        else:
            self._stream.write(text + "\n")
        self._stream.flush()

    def _left(self, now: float) -> str:
        worked = self._finished - self._cached
        if not worked:
            return "unknown time"
        return duration((now - self._began) / worked * (self._whole - self._finished))

    def _bar(self) -> str:
        filled = 20 * self._finished // max(self._whole, 1)
        return f"[{'#' * filled}{'.' * (20 - filled)}]"


def duration(seconds: float) -> str:
    """So many seconds as a person says it."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"
