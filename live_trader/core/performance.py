"""What trades and an equity curve amount to: every figure by which a strategy is judged."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from live_trader.core.bars import Floats, Times
from live_trader.core.outcome import DAY, YEAR, Equity, Trades

Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Month:
    """One calendar month: its change in money and as a share, and the trades that ended in it."""

    year: int
    month: int
    profit: float
    change: float
    trades: int
    wins: int


@dataclass(frozen=True, slots=True)
class Performance:
    """Every figure of one run; None where a figure has no meaning, as an average win without a win.

    Shares are fractions, not per cent. A win is a profit above zero after fees, a loss one below. Sharpe,
    Sortino and volatility are of daily returns, a day ending at midnight UTC and a year having as many days
    as the tape shows; there is no risk-free rate. Sortino divides by the root mean square of the losing days
    over all days. Recovery is net profit over the deepest fall in money. Exposure is the share of bars with
    an open trade; turnover is what was bought and sold in a year over the mean equity.
    """

    trades: int
    wins: int
    losses: int
    net_profit: float
    gross_profit: float
    gross_loss: float
    fees: float
    win_rate: float | None
    expectancy: float | None
    average_win: float | None
    average_loss: float | None
    payoff: float | None
    profit_factor: float | None
    best_trade: float | None
    worst_trade: float | None
    longest_wins: int
    longest_losses: int
    average_seconds: float | None
    trades_a_year: float
    total_return: float
    annual_return: float | None
    volatility: float | None
    sharpe: float | None
    sortino: float | None
    calmar: float | None
    drawdown: float
    drawdown_money: float
    drawdown_seconds: int
    recovery: float | None
    profitable_weeks: float
    profitable_months: float
    exposure: float
    turnover: float


def measure(trades: Trades, equity: Equity) -> Performance:
    """Every figure of these trades and this equity."""
    profit = trades.profit
    wins, losses = profit[profit > 0.0], profit[profit < 0.0]
    won, lost, net = float(wins.sum()), float(-losses.sum()), float(profit.sum())
    average_win, average_loss = _mean(wins), _mean(losses)
    daily, a_year = returns(equity)
    depth, money, seconds = drawdown(equity)
    annual = _annual(equity)
    return Performance(
        trades=len(trades),
        wins=len(wins),
        losses=len(losses),
        net_profit=net,
        gross_profit=won,
        gross_loss=lost,
        fees=float(trades.fees.sum()),
        win_rate=_ratio(len(wins), len(trades)),
        expectancy=_mean(profit),
        average_win=average_win,
        average_loss=average_loss,
        payoff=_ratio(average_win, None if average_loss is None else -average_loss),
        profit_factor=_ratio(won, lost),
        best_trade=float(profit.max()) if len(profit) else None,
        worst_trade=float(profit.min()) if len(profit) else None,
        longest_wins=longest_run(profit > 0.0),
        longest_losses=longest_run(profit < 0.0),
        average_seconds=_mean(trades.exited - trades.entered),
        trades_a_year=len(trades) / equity.years,
        total_return=float(equity.values[-1]) / equity.initial - 1.0,
        annual_return=annual,
        volatility=_scaled(_spread(daily), a_year),
        sharpe=sharpe(daily, a_year),
        sortino=sortino(daily, a_year),
        calmar=_ratio(annual, depth),
        drawdown=depth,
        drawdown_money=money,
        drawdown_seconds=seconds,
        recovery=_ratio(net, money),
        profitable_weeks=_share_up(equity, _weeks(equity.times)),
        profitable_months=_share_up(equity, _months(equity.times)),
        exposure=float(held(trades, equity.times).mean()),
        turnover=_turnover(trades, equity),
    )


def figures(trades: Trades, equity: Equity) -> dict[str, float | None]:
    """Every figure by its name, but for turnover, which needs to know what a unit of each symbol is worth."""
    return {name: value for name, value in asdict(measure(trades, equity)).items() if name != "turnover"}


def sharpe(returns: Floats, a_year: float) -> float | None:
    """Mean return over its spread, in a year of this many returns; None without any spread."""
    return _scaled(_ratio(_mean(returns), _spread(returns)), a_year)


def sortino(returns: Floats, a_year: float) -> float | None:
    """Mean return over the root mean square of the losses, in a year of this many returns."""
    below = np.minimum(returns, 0.0)
    downside = float(np.sqrt(np.mean(below * below))) if len(returns) > 1 else 0.0
    return _scaled(_ratio(_mean(returns), downside), a_year)


def returns(equity: Equity) -> tuple[Floats, float]:
    """The return of each day on the tape, and how many such days make a year."""
    days = equity.times // DAY
    ends = _ends(equity, days)
    before = np.concatenate(([equity.initial], ends[:-1]))
    alive = before > 0.0
    change = np.where(alive, ends / np.where(alive, before, 1.0) - 1.0, 0.0)
    calendar = int(days[-1] - days[0]) + 1
    return np.asarray(change), len(ends) / calendar * 365.25


def underwater(equity: Equity) -> Floats:
    """How far below its highest so far the equity stands as each bar closes, as a share."""
    peak = np.maximum.accumulate(np.maximum(equity.values, equity.initial))
    share: Floats = 1.0 - equity.values / peak
    return share


def drawdown(equity: Equity) -> tuple[float, float, int]:
    """The deepest fall from a peak as a share and in money, and the longest time in seconds below a peak."""
    peak = np.maximum.accumulate(np.maximum(equity.values, equity.initial))
    below = peak - equity.values
    return float((below / peak).max()), float(below.max()), _longest_below(below > 0.0, equity.times)


def months(trades: Trades, equity: Equity) -> tuple[Month, ...]:
    """Every calendar month of the tape."""
    labels = _months(equity.times)
    ends = _ends(equity, labels)
    before = np.concatenate(([equity.initial], ends[:-1]))
    names = labels[_last(labels)]
    at = np.minimum(np.searchsorted(names, _months(trades.exited)), len(names) - 1)
    counts = np.bincount(at, minlength=len(names))
    wins = np.bincount(at, weights=trades.profit > 0.0, minlength=len(names))
    return tuple(
        Month(
            1970 + int(name) // 12,
            int(name) % 12 + 1,
            float(end - start),
            float(end / start - 1.0),
            int(n),
            int(w),
        )
        for name, start, end, n, w in zip(names, before, ends, counts, wins, strict=True)
    )


def held(trades: Trades, times: Times) -> Flags:
    """For each bar whether some trade was open in it; one that came and went inside a bar was."""
    steps = np.zeros(len(times) + 1, dtype=np.int64)
    np.add.at(steps, np.searchsorted(times, trades.entered), 1)
    np.add.at(steps, np.searchsorted(times, np.maximum(trades.exited, trades.entered + 1)), -1)
    return np.asarray(np.cumsum(steps[:-1]) > 0)


def longest_run(flags: Flags) -> int:
    """The greatest number of true values in a row."""
    return int(np.diff(_stops(flags)).max()) - 1


def _stops(flags: Flags) -> Times:
    return np.concatenate(([-1], np.flatnonzero(~flags), [len(flags)]))


def _longest_below(below: Flags, times: Times) -> int:
    stops = _stops(below)
    peaks, ends = np.maximum(stops[:-1], 0), np.minimum(stops[1:], len(times) - 1)
    return int(((times[ends] - times[peaks]) * (np.diff(stops) > 1)).max())


def _weeks(times: Times) -> Times:
    return (times // DAY + 3) // 7


def _months(times: Times) -> Times:
    return times.astype("datetime64[s]").astype("datetime64[M]").astype(np.int64)


def _last(labels: Times) -> Times:
    """Where each run of equal labels ends."""
    return np.append(np.flatnonzero(np.diff(labels)), len(labels) - 1)


def _ends(equity: Equity, labels: Times) -> Floats:
    ends: Floats = equity.values[_last(labels)]
    return ends


def _share_up(equity: Equity, labels: Times) -> float:
    return float(np.mean(np.diff(_ends(equity, labels), prepend=equity.initial) > 0.0))


def _annual(equity: Equity) -> float | None:
    """The growth of a year; of less than a week it would be a guess."""
    if equity.years < 7 * DAY / YEAR:
        return None
    growth = float(equity.values[-1]) / equity.initial
    if growth <= 0.0:
        return -1.0
    return math.expm1(min(math.log(growth) / equity.years, 700.0))


def _turnover(trades: Trades, equity: Equity) -> float:
    traded = float(np.sum(trades.quantity * (trades.entry + trades.exit)))
    return traded / float(np.mean(equity.values)) / equity.years


def _mean(values: Floats | Times) -> float | None:
    return float(values.mean()) if len(values) else None


def _spread(values: Floats) -> float | None:
    return float(values.std(ddof=1)) if len(values) > 1 else None


def _ratio(above: float | None, below: float | None) -> float | None:
    return None if above is None or not below else above / below


def _scaled(value: float | None, a_year: float) -> float | None:
    return None if value is None else float(value * np.sqrt(a_year))
