"""Longer bars from shorter ones, and which of them were already closed when a shorter one closed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from live_trader.core.bars import Tape, Ticker, Timeframe
from live_trader.errors import BadData


@dataclass(frozen=True, slots=True, eq=False)
class Resampled:
    """A tape of longer bars; when bar `i` of the shorter tape closed, its first `seen[i]` were closed too."""

    tape: Tape
    seen: NDArray[np.int64]


def resample(tape: Tape, timeframe: Timeframe) -> Resampled:
    """The closed bars of a longer timeframe; one that began before the tape, or is not over, is left out.

    A longer bar is over when a shorter one closes at its end or later, whatever is missing in between.
    """
    seconds, shorter = timeframe.seconds, tape.ticker.timeframe.seconds
    if seconds % shorter:
        raise BadData(f"{timeframe.name} is not made of whole bars of {tape.ticker.timeframe.name}")
    ticker = Ticker(tape.ticker.symbol, timeframe)
    if not len(tape):
        raise BadData(f"there is no bar of {tape.ticker} to make bars of {timeframe.name} from")
    slots = tape.times // seconds
    starts = np.flatnonzero(np.diff(slots, prepend=slots[0] - 1))
    ends = np.append(starts[1:], len(tape))
    over = (slots[starts] + 1) * seconds <= tape.times[-1] + shorter
    whole = over & ((np.arange(len(starts)) > 0) | (tape.times[0] % seconds == 0))
    longer = Tape(
        ticker,
        slots[starts][whole] * seconds,
        tape.open[starts][whole],
        np.maximum.reduceat(tape.high, starts)[whole],
        np.minimum.reduceat(tape.low, starts)[whole],
        tape.close[ends - 1][whole],
        np.add.reduceat(tape.volume, starts)[whole],
    )
    seen = np.searchsorted(longer.times + seconds, tape.times + shorter, side="right")
    return Resampled(longer, seen.astype(np.int64))
