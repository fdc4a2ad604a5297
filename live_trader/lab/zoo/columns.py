"""What the exhibits are made with: honest columns, fillings and filters."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from live_trader.core.bars import Floats, Tape, Times

DAY, HOUR = 86_400, 3_600
Column = Callable[[Tape], Floats]

EXHIBITS: dict[str, Column] = {}
"""Every leaking feature by name; its docstring says what is wrong with it."""


def exhibit(column: Column) -> Column:
    """Put this column on show under its name."""
    EXHIBITS[column.__name__.replace("_", " ")] = column
    return column


def pad(values: Floats, before: int, after: int = 0) -> Floats:
    """The values with so many NaN before and after them."""
    return np.concatenate((np.full(before, np.nan), values, np.full(after, np.nan)))


def rolling(values: Floats, bars: int) -> Floats:
    """The mean of the last so many values, NaN until there are so many."""
    if len(values) < bars:
        return np.full(len(values), np.nan)
    return pad(sliding_window_view(values, bars).mean(axis=1), bars - 1)


def changes(tape: Tape) -> Floats:
    """The change of the logarithm of the close, bar by bar."""
    return np.diff(np.log(tape.close), prepend=np.log(tape.close[0]))


def strength(tape: Tape) -> Floats:
    """An honest oscillator: the mean of the last 14 changes over their mean size."""
    return rolling(changes(tape), 14) / (rolling(np.abs(changes(tape)), 14) + 1e-12)


def ahead(values: Floats, bars: int) -> Floats:
    """The values that many bars earlier than they are known."""
    return pad(values[bars:], 0, bars)


def periods(times: Times, seconds: int) -> tuple[Times, Times]:
    """For each bar the number of its hour or day, and where in the tape that one's last bar is."""
    numbers = times // seconds
    last = np.searchsorted(numbers, numbers, side="right") - 1
    return numbers - numbers[0], last


def twelve(tape: Tape) -> int:
    """The seconds of a larger bar, twelve of the tape's own."""
    return 12 * tape.ticker.timeframe.seconds


def smooth(values: Floats, share: float) -> Floats:
    """A moving mean with a fading past, starting from the first value."""
    out = np.empty(len(values))
    level = float(values[0])
    for at, value in enumerate(values.tolist()):
        level += share * (value - level)
        out[at] = level
    return out


def filled_back(values: Floats) -> Floats:
    """Holes filled with the next value there is."""
    at = np.where(np.isfinite(values), np.arange(len(values)), len(values) - 1)
    filled: Floats = values[np.minimum.accumulate(at[::-1])[::-1]]
    return filled
