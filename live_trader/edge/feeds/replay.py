"""A tape played again in the present: each of its bars becomes the next slot of the clock."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from live_trader.core.bars import Tape, Ticker


def restamped(tape: Tape, ticker: Ticker, before: int, now: int) -> tuple[Tape, Tape]:
    """The tape on another ticker's clock: `before` bars that are closed now, and those that are to come."""
    step = ticker.timeframe.seconds
    first = now - now % step - before * step
    times = first + step * np.arange(len(tape), dtype=np.int64)
    moved = replace(tape, ticker=ticker, times=times)
    return moved.cut(0, before), moved.cut(before, len(tape))
