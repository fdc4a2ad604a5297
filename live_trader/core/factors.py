"""Factors: where the price stands in its last bars and in its day, bar by bar over a whole tape.

A window of n is the n bars before the current one; `c` below is the current close, to which all is relative.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from live_trader.core.bars import Floats, Tape
from live_trader.core.rolling import highest, lowest, shift, total

VERSION = 1
WINDOWS = (10, 20, 30, 60, 100)
PARTS = ("highrel", "lowrel", "openrel", "rangerel", "pctchg", "sloperel", "position", "trendiness")
NAMES = (
    *(f"n{length}_{part}" for length in WINDOWS for part in PARTS),
    "day_bars",
    *(f"day_{part}" for part in PARTS),
)

_DAY = 86_400


def factors(tape: Tape) -> Iterator[Floats]:
    """The columns of `NAMES` in their order; a window that the tape does not fill yet is not a number.

    pctchg is (c - c n bars ago) / c in per cent, position 0 at the low of the window and 1 at its high (0.5
    where they are one), trendiness the way made over the way gone, sloperel the slope of the closes' best
    line a bar. The day's own bars count the current one.
    """
    for length in WINDOWS:
        yield from _window(tape, length)
    yield from _day(tape)


def _window(tape: Tape, length: int) -> Iterator[Floats]:
    close = tape.close
    high, low = shift(highest(tape.high, length), 1), shift(lowest(tape.low, length), 1)
    before, moved = shift(close, length), np.abs(np.diff(close, prepend=np.nan))
    spread = np.arange(length) - (length - 1) / 2.0
    slope = shift(total(close, length, spread), 1) / float(spread @ spread)
    yield from _relative(close, high, low, shift(tape.open, length), before, slope, total(moved, length))


def _day(tape: Tape) -> Iterator[Floats]:
    days = tape.times // _DAY
    starts = np.flatnonzero(np.diff(days, prepend=days[0] - 1))
    bounds = list(zip(starts.tolist(), [*starts[1:].tolist(), len(tape)], strict=True))
    close, first = tape.close, np.repeat(tape.open[starts], np.diff([*starts, len(tape)]))
    count = np.arange(len(tape)) - np.repeat(starts, np.diff([*starts, len(tape)])) + 1.0
    gone = np.abs(np.diff(close, prepend=np.nan))
    gone[starts] = np.abs(close[starts] - tape.open[starts])
    risen = close - first

    def within(values: Floats, of: np.ufunc) -> Floats:
        found = np.empty(len(values))
        for start, end in bounds:
            of.accumulate(values[start:end], out=found[start:end])
        return found

    leaning = within(risen * (count - 1.0), np.add) - within(risen, np.add) * (count - 1.0) / 2.0
    squares = count * (count * count - 1.0) / 12.0
    slope = leaning / np.where(squares > 0.0, squares, 1.0)
    yield count
    high, low = within(tape.high, np.maximum), within(tape.low, np.minimum)
    yield from _relative(close, high, low, first, first, slope, within(gone, np.add))


def _relative(
    close: Floats, high: Floats, low: Floats, first: Floats, before: Floats, slope: Floats, gone: Floats
) -> Iterator[Floats]:
    """The values of `PARTS`."""
    spread = high - low
    way = np.abs(close - before)
    yield high / close
    yield low / close
    yield first / close
    yield spread / close
    yield (close - before) / close * 100.0
    yield slope / close
    yield np.where(spread == 0.0, 0.5, (close - low) / np.where(spread == 0.0, 1.0, spread))
    yield np.where(gone == 0.0, 0.0, way / np.where(gone == 0.0, 1.0, gone))
