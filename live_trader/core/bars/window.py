"""The fixed-length window a bot looks through, and where a new bar stands against it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import Enum
from typing import Self

import numpy as np

from live_trader.core.bars.bar import Bar, Ticker, epoch, moment
from live_trader.core.bars.tape import Floats, Tape, Times
from live_trader.errors import BadData


class Place(Enum):
    """Where a bar stands against a window's last one."""

    NEXT = "next"
    GAP = "gap"
    REPEATED = "repeated"
    REVISED = "revised"
    OLDER = "older"


class _Reel:
    """Columns that only grow, shared by every window cut from them.

    `line` is the same in all reels that carry one run of bars on; `before` counts the bars that fell off.
    `times` and `values` are for reading only: nobody who holds a window can change another.
    """

    __slots__ = ("_times", "_values", "before", "filled", "line", "times", "values")

    def __init__(self, length: int, line: object, before: int = 0) -> None:
        capacity = max(2 * length, length + 256)
        self._values, self._times = np.empty((5, capacity)), np.empty(capacity, dtype=np.int64)
        self.values, self.times = self._values.view(), self._times.view()
        self.values.flags.writeable = self.times.flags.writeable = False
        self.filled = 0
        self.line = line
        self.before = before

    def append(self, time: int, bar: Bar) -> None:
        at = self.filled
        self._times[at] = time
        self._values[:, at] = (bar.open, bar.high, bar.low, bar.close, bar.volume)
        self.filled = at + 1

    def fill(self, times: Times, columns: Sequence[Floats] | Floats) -> None:
        """Begin with these bars."""
        self.filled = len(times)
        self._times[: self.filled] = times
        self._values[:, : self.filled] = columns


class Window:
    """The last `length` bars of one ticker: a value that never changes; `push` gives the next one.

    Windows pushed one from another share one growing reel, so a push copies nothing until the reel is full.
    """

    __slots__ = ("_end", "_reel", "length", "ticker")

    def __init__(self, ticker: Ticker, length: int, reel: _Reel, end: int) -> None:
        self.ticker = ticker
        self.length = length
        self._reel = reel
        self._end = end

    @classmethod
    def of(cls, ticker: Ticker, length: int, bars: Sequence[Bar]) -> Self:
        """The last `length` of these bars, which must be in order and enough."""
        if length < 1 or len(bars) < length:
            raise BadData(f"{ticker} has {len(bars)} bars where its window needs {length}")
        tape = Tape.of(ticker, bars[len(bars) - length :])
        return cls.ending(tape, length, length)

    @classmethod
    def ending(cls, tape: Tape, length: int, end: int) -> Self:
        """The window whose last bar is the one before index `end` of a tape."""
        if not 1 <= length <= end <= len(tape):
            raise BadData(f"{tape.ticker} has no window of {length} bars before bar {end} of {len(tape)}")
        part = tape.cut(end - length, end)
        reel = _Reel(length, object())
        reel.fill(part.times, (part.open, part.high, part.low, part.close, part.volume))
        return cls(tape.ticker, length, reel, length)

    def push(self, bar: Bar) -> Window:
        """The window that ends with this bar, which must be newer than the last."""
        time = epoch(bar.opened)
        if time <= self.end:
            raise BadData(f"{self.ticker}: the bar of {bar.opened} is not newer than {moment(self.end)}")
        reel, end = self._reel, self._end
        if reel.filled != end:
            reel, end = self._fresh(object()), self.length
        elif end == len(reel.times):
            reel.filled += 1  # so that a second push from here is seen to be a fork
            reel, end = self._fresh(reel.line), self.length
        reel.append(time, bar)
        return Window(self.ticker, self.length, reel, end + 1)

    def extend(self, bars: Iterable[Bar]) -> Window:
        """The window after pushing each of these bars."""
        window = self
        for bar in bars:
            window = window.push(bar)
        return window

    def place(self, bar: Bar) -> Place:
        """Where this bar stands against the last one of the window."""
        distance = epoch(bar.opened) - self.end
        if distance == self.ticker.timeframe.seconds:
            return Place.NEXT
        if distance > 0:
            return Place.GAP
        held = self.at(bar.opened)
        if held is None:
            return Place.OLDER
        return Place.REPEATED if held == bar else Place.REVISED

    def at(self, opened: datetime) -> Bar | None:
        """The bar of the window that opened then, or None."""
        times = self.times
        index = int(np.searchsorted(times, epoch(opened)))
        if index == len(times) or times[index] != epoch(opened):
            return None
        return self.tape.bar(index)

    def follows(self, other: Window) -> bool:
        """Whether this window is the other one pushed by exactly one bar."""
        mine, its = self._reel, other._reel
        return mine.line is its.line and mine.before + self._end == its.before + other._end + 1

    def carries_on(self, other: Window) -> bool:
        """Whether both were pushed from the same first window, so that where both have bars, they agree."""
        return self._reel.line is other._reel.line

    def _fresh(self, line: object) -> _Reel:
        start = self._end - self.length
        reel = _Reel(self.length, line, self._reel.before + start)
        reel.fill(self.times, self._reel.values[:, start : self._end])
        return reel

    def __len__(self) -> int:
        return self.length

    @property
    def end(self) -> int:
        """When the last bar opened, in seconds since 1970."""
        return int(self._reel.times[self._end - 1])

    @property
    def latest(self) -> list[float]:
        """Open, high, low, close and volume of the last bar."""
        values: list[float] = self._reel.values[:, self._end - 1].tolist()
        return values

    @property
    def last(self) -> Bar:
        return Bar(moment(self.end), *self.latest)

    @property
    def times(self) -> Times:
        return self._reel.times[self._end - self.length : self._end]

    @property
    def open(self) -> Floats:
        return self._column(0)

    @property
    def high(self) -> Floats:
        return self._column(1)

    @property
    def low(self) -> Floats:
        return self._column(2)

    @property
    def close(self) -> Floats:
        return self._column(3)

    @property
    def volume(self) -> Floats:
        return self._column(4)

    @property
    def tape(self) -> Tape:
        """The same bars as a tape, without copying."""
        return Tape(self.ticker, self.times, self.open, self.high, self.low, self.close, self.volume)

    def _column(self, row: int) -> Floats:
        return self._reel.values[row, self._end - self.length : self._end]
