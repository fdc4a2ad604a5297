"""Trades and equity of a run as the columns that statistics and reports read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from live_trader.core import outcome
from live_trader.core.bars import Floats, Times, epoch
from live_trader.core.instruments import cents
from live_trader.core.positions import Trade
from live_trader.lab.backtest.setting import Entrant, Terms


def columns(trades: Iterable[Trade], terms: Terms) -> outcome.Trades:
    """These trades as columns; a quantity times its price is what it is worth in the account's money."""

    def row(trade: Trade) -> outcome.Trade:
        symbol = trade.ticker.symbol
        worth = terms.instruments[symbol].multiplier * terms.rate(symbol)
        return outcome.Trade(
            epoch(trade.opened),
            epoch(trade.closed),
            trade.direction,
            float(trade.entry),
            float(trade.exit),
            float(trade.quantity * worth),
            float(trade.profit),
            float(trade.fees),
            trade.reason,
        )

    return outcome.Trades.of(row(trade) for trade in trades)


def earned(entrant: Entrant, trades: Sequence[Trade], terms: Terms) -> Floats:
    """What these trades of one strategy have brought by the close of each bar, open positions included."""
    tape, symbol = entrant.tape, entrant.tape.ticker.symbol
    size, rate = len(tape), terms.rate(symbol)
    multiplier = float(terms.instruments[symbol].multiplier)
    first = np.searchsorted(tape.times, [epoch(trade.opened) for trade in trades])
    end = np.searchsorted(tape.times, [epoch(trade.closed) for trade in trades])
    booked = np.zeros(size + 1)
    np.add.at(booked, end, [float(trade.profit) for trade in trades])
    values = np.cumsum(booked[:-1])
    for trade, start, stop in zip(trades, first.tolist(), end.tolist(), strict=True):
        if start < stop:
            scale = float(trade.quantity) * multiplier * trade.direction.sign * float(rate)
            fee = cents(terms.market.fee(terms.instruments[symbol], trade.quantity, trade.entry) * rate)
            values[start:stop] += (tape.close[start:stop] - float(trade.entry)) * scale - float(fee)
    values[-1] = booked.sum()
    return np.asarray(values)


def equity(runs: Sequence[tuple[Entrant, Sequence[Trade]]], terms: Terms) -> outcome.Equity:
    """What the account was worth as each bar of any of these tapes closed."""
    times: Times = np.unique(np.concatenate([entrant.tape.times for entrant, _ in runs]))
    total = np.full(len(times), float(terms.capital))
    for entrant, trades in runs:
        brought = np.concatenate(([0.0], earned(entrant, trades, terms)))
        total += brought[np.searchsorted(entrant.tape.times, times, side="right")]
    return outcome.Equity(float(terms.capital), times, total)
