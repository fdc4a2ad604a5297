"""Sums, extremes and averages over the last bars, whose every bit depends on those bars alone.

A running sum would carry rounding from where it began, and a decision would then depend on when a program was
started. Here a sum always adds the same numbers in the same order, oldest first.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from live_trader.core.bars import Floats

Flags = NDArray[np.bool_]
_FORGOTTEN = 1e-12


def shift(values: Floats, by: int) -> Floats:
    """The values `by` bars before; nothing is known of the first ones."""
    moved = np.full(len(values), np.nan)
    if by < len(values):
        moved[by:] = values[: len(values) - by]
    return moved


def total(values: Floats, count: int, weights: Floats | None = None) -> Floats:
    """The sum over the last `count` values, each times its weight where there are any, the oldest first."""
    sums = np.full(len(values), np.nan)
    if count > len(values):
        return sums
    size = len(values) - count + 1
    into = sums[count - 1 :]
    into[:] = 0.0
    for at in range(count):
        part = values[at : at + size]
        into += part if weights is None else part * weights[at]
    return sums


def mean(values: Floats, count: int) -> Floats:
    """The simple average of the last `count` values."""
    return np.asarray(total(values, count) / count)


def highest(values: Floats, count: int) -> Floats:
    """The highest of the last `count` values."""
    return _extreme(values, count, np.maximum)


def lowest(values: Floats, count: int) -> Floats:
    """The lowest of the last `count` values."""
    return _extreme(values, count, np.minimum)


def _extreme(values: Floats, count: int, of: np.ufunc) -> Floats:
    """By doubling: the extreme of n values is that of two overlapping runs of half as many or more."""
    found = np.full(len(values), np.nan)
    if count > len(values):
        return found
    run, width = values, 1
    while 2 * width <= count:
        run, width = of(run[width:], run[:-width]), 2 * width
    rest = count - width
    found[count - 1 :] = of(run[rest:], run[: len(run) - rest]) if rest else run
    return found


def fade(count: int) -> int:
    """After how many bars a Wilder average over `count` has forgotten its seed."""
    return 1 if count == 1 else math.ceil(math.log(_FORGOTTEN) / math.log1p(-1.0 / count))


def wilder(values: Floats, count: int) -> Floats:
    """Wilder's average, begun anew for every bar on the mean of the `count` values before its last `fade`."""
    steps = fade(count)
    average = shift(mean(values, count), steps)
    for back in range(steps - 1, -1, -1):
        average = (average * (count - 1) + shift(values, back)) / count
    return average


def rsi(close: Floats, count: int) -> Floats:
    """Wilder's relative strength index, 50 where nothing moved; it needs `rsi_memory` closes."""
    change = np.diff(close, prepend=np.nan)
    up, down = wilder(np.maximum(change, 0.0), count), wilder(np.maximum(-change, 0.0), count)
    moved = up + down
    return np.asarray(
        np.where(moved > 0.0, 100.0 * up / np.where(moved > 0.0, moved, 1.0), 50.0 + 0.0 * moved)
    )


def rsi_memory(count: int) -> int:
    """How many closes an RSI over `count` looks back on."""
    return fade(count) + count + 1


def last_where(flags: Flags) -> NDArray[np.int64]:
    """For every bar the index of the last one, itself included, that is flagged; -1 before there is one."""
    at = np.where(flags, np.arange(len(flags)), -1)
    return np.asarray(np.maximum.accumulate(at))
