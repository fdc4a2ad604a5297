"""What sizing reads off the last bars of a ticker: how far it moves, and whether much of it changes hands."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from live_trader.core.bars import Bar
from live_trader.core.sizing import Plan

ONE = Decimal(1)


def average_range(bars: Sequence[Bar], count: int) -> float:
    """The mean true range of the last `count` bars; 0 before there are that many and one more."""
    if len(bars) <= count:
        return 0.0
    total, before = 0.0, bars[-count - 1].close
    for bar in bars[-count:]:
        total += max(bar.high, before) - min(bar.low, before)
        before = bar.close
    return total / count


def volume_factor(bars: Sequence[Bar], plan: Plan) -> Decimal:
    """How much larger or smaller a position may be for the last bar's volume; 1 when that cannot be told."""
    if len(bars) < plan.volume_bars:
        return ONE
    total = 0.0
    for bar in bars[-plan.volume_bars :]:
        total += bar.volume
    return factor(bars[-1].volume, total / plan.volume_bars, plan)


def factor(volume: float, mean: float, plan: Plan) -> Decimal:
    """The plan's factor for this volume against the mean."""
    if volume > plan.high_volume * mean:
        return plan.high_factor
    return plan.low_factor if volume < plan.low_volume * mean else ONE
