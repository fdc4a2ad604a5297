"""Bars as columns: what is read from files, kept for tests and cut into windows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from live_trader.core.bars.bar import Bar, Ticker, epoch, moment
from live_trader.errors import BadData

Floats = NDArray[np.float64]
Times = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Tape:
    """An ordered run of bars as columns; times are the openings in seconds since 1970."""

    ticker: Ticker
    times: Times
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats

    @classmethod
    def of(cls, ticker: Ticker, bars: Sequence[Bar]) -> Self:
        """The bars, which must be in order, as columns."""
        times = np.array([epoch(bar.opened) for bar in bars], dtype=np.int64)
        if np.any(np.diff(times) <= 0):
            raise BadData(f"the bars of {ticker} are not in order of time")
        rows = np.array([(b.open, b.high, b.low, b.close, b.volume) for b in bars], dtype=np.float64)
        return cls(ticker, times, *np.ascontiguousarray(rows.reshape(-1, 5).T))

    def __len__(self) -> int:
        return len(self.times)

    def bar(self, index: int) -> Bar:
        """One bar of the tape."""
        return Bar(
            moment(int(self.times[index])),
            float(self.open[index]),
            float(self.high[index]),
            float(self.low[index]),
            float(self.close[index]),
            float(self.volume[index]),
        )

    def bars(self) -> Iterator[Bar]:
        """Every bar of the tape, oldest first."""
        return (self.bar(index) for index in range(len(self)))

    def cut(self, start: int, stop: int) -> Self:
        """The bars from start up to but not including stop, without copying."""
        part = slice(start, stop)
        return type(self)(
            self.ticker,
            self.times[part],
            self.open[part],
            self.high[part],
            self.low[part],
            self.close[part],
            self.volume[part],
        )
