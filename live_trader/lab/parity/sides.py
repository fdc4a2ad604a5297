"""Live and past as two sides that can be measured and held against each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

import numpy as np

from live_trader.core import outcome
from live_trader.core.bars import epoch
from live_trader.core.outcome import Equity
from live_trader.core.positions import Trade

Span = tuple[datetime | None, datetime | None]


def within(span: Span, when: datetime) -> bool:
    """Whether this moment is in the span."""
    start, stop = span
    return (start is None or when >= start) and (stop is None or when < stop)


def traded(trade: Trade) -> tuple[Any, ...]:
    """Everything about a trade but its number."""
    return tuple(getattr(trade, name) for name in trade.__struct_fields__ if name != "id")


@dataclass(frozen=True, slots=True)
class Side:
    """The trades of one side, and its equity since it first moved; None where no bar was seen."""

    trades: tuple[Trade, ...]
    equity: Equity | None

    @classmethod
    def of(cls, trades: Sequence[Trade], worth: Mapping[int, float], began: float, span: Span) -> Self:
        """The part of an account that is in the span; `worth` is by the moments at which bars closed."""
        start, stop = (None if each is None else epoch(each) for each in span)
        moments = sorted(worth)
        before = [at for at in moments if start is not None and at <= start]
        inside = [at for at in moments[len(before) :] if stop is None or at <= stop]
        if not inside:
            return cls(tuple(trades), None)
        initial = worth[before[-1]] if before else began
        times = (
            np.array(inside, dtype=np.int64) - 1
        )  # a bar that closes at midnight belongs to the day before
        values = np.array([worth[at] for at in inside], dtype=np.float64)
        moved = np.flatnonzero(values != initial)
        begins = max(0, int(moved[0]) - 1) if len(moved) else len(values) - 1
        return cls(tuple(trades), Equity(initial, times[begins:], values[begins:]))

    @property
    def columns(self) -> outcome.Trades:
        """The trades as the statistics read them."""
        return outcome.Trades.of(_plain(self.trades))


def _plain(trades: Iterable[Trade]) -> Iterable[outcome.Trade]:
    for each in trades:
        yield outcome.Trade(
            epoch(each.opened),
            epoch(each.closed),
            each.direction,
            float(each.entry),
            float(each.exit),
            float(each.quantity),
            float(each.profit),
            float(each.fees),
            each.reason,
        )
