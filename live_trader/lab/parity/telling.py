"""A finished comparison in the words that are kept for the pages: figures, groups, and what is unequal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final

from live_trader.core.performance import figures
from live_trader.core.positions import Trade
from live_trader.edge.proof import (
    DifferenceText,
    GroupText,
    PairText,
    ProofText,
    ShareText,
    SideText,
    TradeText,
)
from live_trader.lab.parity.report import Difference, Parity
from live_trader.lab.parity.sides import Side, Span, traded
from live_trader.lab.reports.drawing import thinned

_LISTED: Final = 200
_POINTS: Final = 400


def told(found: Parity, made: datetime, currency: str, span: Span = (None, None)) -> ProofText:
    """This comparison as it is kept."""
    return ProofText(
        made=made,
        since=span[0],
        until=span[1],
        currency=currency,
        signals=found.signals,
        equal_signals=found.equal_signals,
        trades=found.trades,
        equal_trades=found.equal_trades,
        tickers=tuple(
            ShareText(ticker=str(ticker), signals=count, equal=equal)
            for ticker, (count, equal) in sorted(found.tickers.items())
        ),
        live=_side(found.live),
        past=_side(found.past),
        pairs=_pairs(found.live, found.past),
        differences=tuple(map(_difference, found.differences[:_LISTED])),
        more=max(0, len(found.differences) - _LISTED),
    )


def _side(side: Side | None) -> SideText | None:
    if side is None or side.equity is None:
        return None
    times, values = side.equity.times, side.equity.values
    drawn = thinned(values, _POINTS)
    return SideText(
        figures=figures(side.columns, side.equity),
        curve=tuple(zip(times[drawn].tolist(), values[drawn].tolist(), strict=True)),
        strategies=_groups(side.trades, lambda each: each.slot),
        months=_groups(side.trades, lambda each: f"{each.closed:%Y-%m}"),
    )


def _groups(trades: Iterable[Trade], name: Callable[[Trade], str]) -> tuple[GroupText, ...]:
    gathered: dict[str, list[Trade]] = {}
    for each in trades:
        gathered.setdefault(name(each), []).append(each)
    return tuple(
        GroupText(
            name=key,
            trades=len(some),
            wins=sum(each.profit > 0 for each in some),
            profit=float(sum(each.profit for each in some)),
        )
        for key, some in sorted(gathered.items())
    )


def _pairs(live: Side | None, past: Side | None) -> tuple[PairText, ...]:
    """The trades that are not on both sides, each beside the one that began with it, where there is one."""
    if live is None or past is None:
        return ()
    here, there = (Counter(map(traded, each.trades)) for each in (live, past))
    alone: dict[tuple[datetime, str, str], list[Trade | None]] = {}
    for at, (side, other) in enumerate(((live, there), (past, here))):
        for each in side.trades:
            if traded(each) not in other:
                alone.setdefault((each.opened, each.slot, str(each.ticker)), [None, None])[at] = each
    return tuple(
        PairText(strategy=slot, ticker=ticker, opened=opened, live=_trade(one), past=_trade(other))
        for (opened, slot, ticker), (one, other) in sorted(alone.items())[:_LISTED]
    )


def _trade(trade: Trade | None) -> TradeText | None:
    if trade is None:
        return None
    return TradeText(
        direction=trade.direction.value,
        quantity=str(trade.quantity),
        entry=str(trade.entry),
        exit=str(trade.exit),
        closed=trade.closed,
        reason=trade.reason,
        profit=str(trade.profit),
    )


def _difference(each: Difference) -> DifferenceText:
    return DifferenceText(
        kind=each.kind,
        ticker=str(each.ticker),
        time=each.when,
        live=each.live,
        past=each.past,
        cause=each.cause.value,
    )
