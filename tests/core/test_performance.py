"""Every figure of a run is held to an independent library, or to the plain formula where none has it."""

from __future__ import annotations

import math
from dataclasses import asdict

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from live_trader.core import performance
from live_trader.core.outcome import DAY, Equity, Trade, Trades
from live_trader.core.signals import Direction
from live_trader.errors import BadData

quantstats = pytest.importorskip("quantstats")
START = 1_325_376_000  # Sunday 2012-01-01


def curve(seed: int, days: int = 400, bars_a_day: int = 4) -> Equity:
    """A random account over whole days, some of them missing."""
    random = np.random.default_rng(seed)
    kept = np.flatnonzero(np.arange(days) % 7 < 5)
    times = (START + kept[:, None] * DAY + np.arange(bars_a_day) * (DAY // bars_a_day)).ravel()
    steps = random.standard_t(4, len(times)) * 0.003 + random.normal(0, 0.0004)
    return Equity(1000.0, times, 1000.0 * np.cumprod(1.0 + steps))


def some_trades(seed: int, equity: Equity, count: int = 150) -> Trades:
    """Random trades, one after the other, inside the times of an equity curve."""
    random = np.random.default_rng(seed)
    at = np.sort(random.choice(len(equity.times), 2 * count, replace=False))
    entry, leave = random.uniform(50, 60, count), random.uniform(50, 60, count)
    side = random.choice([1, -1], count).astype(np.int8)
    fees = random.uniform(0, 0.3, count)
    return Trades(
        entered=equity.times[at[::2]],
        exited=equity.times[at[1::2]],
        side=side,
        entry=entry,
        exit=leave,
        quantity=np.full(count, 2.0),
        profit=side * (leave - entry) * 2.0 - fees,
        fees=fees,
        reason=np.full(count, "signal"),
    )


def daily(equity: Equity) -> pd.Series:
    """The daily returns as pandas makes them, the first against the initial capital."""
    series = pd.Series(equity.values, index=pd.to_datetime(equity.times, unit="s"))
    ends = series.resample("D").last().dropna()
    return ends.div(ends.shift(fill_value=equity.initial)).sub(1.0)


@pytest.mark.parametrize("seed", range(6))
def test_daily_ratios_are_those_of_quantstats(seed: int) -> None:
    equity = curve(seed)
    returns, a_year = performance.returns(equity)
    theirs = daily(equity)
    assert returns == pytest.approx(theirs.to_numpy(), abs=1e-14)
    assert performance.sharpe(returns, 252) == pytest.approx(quantstats.stats.sharpe(theirs, periods=252))
    assert performance.sortino(returns, 252) == pytest.approx(quantstats.stats.sortino(theirs, periods=252))
    ours = performance.measure(some_trades(seed, equity), equity)
    assert ours.sharpe == pytest.approx(quantstats.stats.sharpe(theirs, periods=a_year))
    assert ours.sortino == pytest.approx(quantstats.stats.sortino(theirs, periods=a_year))
    assert ours.volatility == pytest.approx(
        quantstats.stats.volatility(theirs, periods=a_year, prepare_returns=False)
    )


@pytest.mark.parametrize("seed", range(6))
def test_drawdown_and_calmar_are_those_of_quantstats_bar_by_bar(seed: int) -> None:
    equity = curve(seed)
    ours = performance.measure(some_trades(seed, equity), equity)
    bars = pd.Series(
        np.diff(equity.values, prepend=equity.initial) / np.append(equity.initial, equity.values[:-1]),
        index=pd.to_datetime(equity.times, unit="s"),
    )
    deepest = -quantstats.stats.max_drawdown(bars)
    assert ours.drawdown == pytest.approx(deepest)
    assert performance.underwater(equity).max() == pytest.approx(deepest)
    years = (equity.times[-1] - equity.times[0]) / (365.25 * DAY)
    annual = quantstats.stats.cagr(bars, periods=len(bars) / years)
    assert ours.annual_return == pytest.approx(annual)
    assert ours.calmar == pytest.approx(annual / deepest)
    assert ours.total_return == pytest.approx(quantstats.stats.comp(bars))


@pytest.mark.parametrize("seed", range(6))
def test_trade_figures_and_exposure_are_those_of_backtesting_py(seed: int) -> None:
    stats = pytest.importorskip("backtesting._stats")
    equity = curve(seed)
    trades = some_trades(seed, equity)
    index = pd.to_datetime(equity.times, unit="s")
    first, last = np.searchsorted(equity.times, trades.entered), np.searchsorted(equity.times, trades.exited)
    frame = pd.DataFrame(
        {
            "Size": trades.side * trades.quantity,
            "EntryBar": first,
            "ExitBar": last - 1,  # theirs counts the bar at whose open a trade ended as held
            "EntryPrice": trades.entry,
            "ExitPrice": trades.exit,
            "PnL": trades.profit,
            "ReturnPct": trades.profit,
            "EntryTime": index[first],
            "ExitTime": index[last],
        }
    )
    frame["Duration"] = frame["ExitTime"] - frame["EntryTime"]
    values = np.append(equity.initial, equity.values[1:])
    prices = pd.DataFrame({"Close": values}, index=index)
    theirs = stats.compute_stats(frame, values, prices, None)
    ours = performance.measure(trades, Equity(equity.initial, equity.times, values))
    assert ours.trades == theirs["# Trades"]
    assert ours.win_rate == pytest.approx(theirs["Win Rate [%]"] / 100)
    assert ours.profit_factor == pytest.approx(theirs["Profit Factor"])
    assert ours.expectancy == pytest.approx(theirs["Expectancy [%]"] / 100)
    assert ours.best_trade == pytest.approx(theirs["Best Trade [%]"] / 100)
    assert ours.worst_trade == pytest.approx(theirs["Worst Trade [%]"] / 100)
    assert ours.exposure == pytest.approx(theirs["Exposure Time [%]"] / 100)
    assert ours.drawdown == pytest.approx(-theirs["Max. Drawdown [%]"] / 100)
    assert ours.drawdown_seconds == theirs["Max. Drawdown Duration"].total_seconds()
    assert ours.annual_return == pytest.approx(theirs["CAGR [%]"] / 100)
    assert ours.average_seconds == pytest.approx(frame["Duration"].mean().total_seconds())


@pytest.mark.parametrize("seed", range(6))
def test_averages_and_runs_of_trades_are_those_of_quantstats(seed: int) -> None:
    """Each trade stands for a period there."""
    equity = curve(seed)
    trades = some_trades(seed, equity)
    ours, profits = performance.measure(trades, equity), pd.Series(trades.profit)
    stats = quantstats.stats
    assert ours.average_win == pytest.approx(stats.avg_win(profits, prepare_returns=False))
    assert ours.average_loss == pytest.approx(stats.avg_loss(profits, prepare_returns=False))
    assert ours.payoff == pytest.approx(stats.payoff_ratio(profits, prepare_returns=False))
    assert ours.profit_factor == pytest.approx(stats.profit_factor(profits, prepare_returns=False))
    assert ours.win_rate == pytest.approx(stats.win_rate(profits, prepare_returns=False))
    assert ours.longest_wins == stats.consecutive_wins(profits, prepare_returns=False)
    assert ours.longest_losses == stats.consecutive_losses(profits, prepare_returns=False)


@pytest.mark.parametrize("seed", range(6))
def test_recovery_and_turnover_are_what_pandas_adds_up(seed: int) -> None:
    equity = curve(seed)
    trades = some_trades(seed, equity)
    ours = performance.measure(trades, equity)
    values = pd.Series([equity.initial, *equity.values])
    assert ours.recovery == pytest.approx(trades.profit.sum() / (values.cummax() - values).max())
    frame = pd.DataFrame({"quantity": trades.quantity, "entry": trades.entry, "exit": trades.exit})
    dealt = frame.eval("quantity * (entry + exit)").sum()
    years = pd.Timedelta(int(equity.times[-1] - equity.times[0]), "s") / pd.Timedelta(365.25, "D")
    assert ours.turnover == pytest.approx(dealt / years / pd.Series(equity.values).mean())


@pytest.mark.parametrize("seed", range(6))
def test_weeks_and_months_are_those_of_pandas(seed: int) -> None:
    equity = curve(seed)
    trades = some_trades(seed, equity)
    ours = performance.measure(trades, equity)
    series = pd.Series(equity.values, index=pd.to_datetime(equity.times, unit="s"))
    for rule, share in (("W-SUN", ours.profitable_weeks), ("M", ours.profitable_months)):
        ends = series.resample(rule).last().dropna()
        assert share == pytest.approx((ends.diff().fillna(ends.iloc[0] - equity.initial) > 0).mean())
    table = performance.months(trades, equity)
    ends = series.resample("M").last()
    assert [(row.year, row.month) for row in table] == [(end.year, end.month) for end in ends.index]
    changes = ends.div(ends.shift(fill_value=equity.initial)).sub(1.0)
    assert [row.change for row in table] == pytest.approx(changes.tolist())
    assert sum(row.profit for row in table) == pytest.approx(equity.values[-1] - equity.initial)
    exits = pd.Series(trades.profit, index=pd.to_datetime(trades.exited, unit="s")).resample("M")
    counts = exits.count().reindex(ends.index, fill_value=0)
    assert [row.trades for row in table] == counts.tolist()
    assert sum(row.wins for row in table) == ours.wins


profits = st.lists(st.floats(-100, 100).map(lambda x: round(x, 2)), min_size=1, max_size=60)


def listed(amounts: list[float]) -> Trades:
    return Trades.of(
        Trade(START + i * 60, START + i * 60 + 30, Direction.LONG, 10.0, 11.0, 1.0, amount, 0.5, "stop")
        for i, amount in enumerate(amounts)
    )


@given(profits)
def test_trade_figures_follow_their_formulas(amounts: list[float]) -> None:
    """Win rate, averages, factor and System 4's expectancy, straight from their definitions."""
    equity = Equity(10_000.0, START + 60 * np.arange(len(amounts)), 10_000.0 + np.cumsum(amounts))
    ours = performance.measure(listed(amounts), equity)
    won, lost = [a for a in amounts if a > 0], [a for a in amounts if a < 0]
    even = len(amounts) - len(won) - len(lost)
    assert (ours.wins, ours.losses) == (len(won), len(lost))
    assert ours.net_profit == pytest.approx(sum(amounts), abs=1e-9)
    assert ours.fees == pytest.approx(0.5 * len(amounts))
    assert ours.average_win == (pytest.approx(sum(won) / len(won)) if won else None)
    assert ours.average_loss == (pytest.approx(sum(lost) / len(lost)) if lost else None)
    assert ours.profit_factor == (pytest.approx(sum(won) / -sum(lost)) if lost else None)
    rate = ours.win_rate or 0.0
    loss_rate = 1.0 - rate - even / len(amounts)
    classic = rate * (ours.average_win or 0.0) + loss_rate * (ours.average_loss or 0.0)
    assert ours.expectancy == pytest.approx(classic, abs=1e-9)
    if ours.drawdown_money:
        assert ours.recovery == pytest.approx(sum(amounts) / ours.drawdown_money, abs=1e-9)


@given(st.lists(st.booleans(), max_size=60))
def test_longest_run_counts_like_a_child_would(flags: list[bool]) -> None:
    text = "".join("x" if flag else " " for flag in flags)
    assert performance.longest_run(np.array(flags, dtype=bool)) == max(map(len, text.split(" ")))


@given(st.integers(0, 10_000))
def test_the_fast_drawdown_equals_the_slow_one(seed: int) -> None:
    random = np.random.default_rng(seed)
    values = 100.0 + np.cumsum(random.integers(-3, 4, 50)).astype(float)
    equity = Equity(100.0, START + DAY * np.arange(50), values)
    peak, since, deep, money, long = 100.0, 0, 0.0, 0.0, 0
    for index, value in enumerate(values):
        long = max(long, (index - since) * DAY) if value < peak or index - since > 1 else long
        if value >= peak:
            peak, since = value, index
        deep, money = max(deep, (peak - value) / peak), max(money, peak - value)
    assert performance.drawdown(equity) == (pytest.approx(deep), money, long)


def test_turnover_is_what_was_traded_in_a_year_over_the_mean_account() -> None:
    equity = Equity(100.0, np.array([START, START + 365.25 * DAY], dtype=np.int64), np.array([100.0, 300.0]))
    trades = Trades.of([Trade(START, START + DAY, Direction.SHORT, 50.0, 40.0, 3.0, 30.0, 0.0, "target")])
    ours = performance.measure(trades, equity)
    assert ours.turnover == pytest.approx(3.0 * (50.0 + 40.0) / 200.0)
    assert ours.trades_a_year == pytest.approx(1.0)
    assert ours.annual_return == pytest.approx(2.0)


def test_no_trade_at_all_has_figures_where_they_have_a_meaning_and_none_elsewhere() -> None:
    equity = Equity(100.0, START + DAY * np.arange(40), np.full(40, 100.0))
    ours = asdict(performance.measure(Trades.of([]), equity))
    missing = {name for name, value in ours.items() if value is None}
    ratios = {"win_rate", "expectancy", "average_win", "average_loss", "payoff", "profit_factor", "sharpe"}
    assert missing == ratios | {
        "sortino",
        "calmar",
        "recovery",
        "best_trade",
        "worst_trade",
        "average_seconds",
    }
    assert all(math.isfinite(value) for value in ours.values() if value is not None)
    assert {value for value in ours.values() if value is not None} == {0}


def test_trades_come_back_as_they_went_in_but_ordered_by_their_end() -> None:
    early = Trade(START, START + 60, Direction.LONG, 1.0, 1.1, 5.0, 0.5, 0.0, "target")
    late = Trade(START - 60, START + 120, Direction.SHORT, 1.0, 1.1, 5.0, -0.6, 0.1, "stop")
    assert list(Trades.of([late, early])) == [early, late]


def test_a_trade_that_came_and_went_inside_a_bar_still_counts_as_held() -> None:
    times = START + 60 * np.arange(4)
    inside = Trade(START + 60, START + 60, Direction.LONG, 1.0, 1.1, 5.0, 0.5, 0.0, "target")
    assert performance.held(Trades.of([inside]), times).tolist() == [False, True, False, False]


def test_a_ruined_account_has_lost_everything_and_no_more() -> None:
    equity = Equity(100.0, START + 4 * DAY * np.arange(3), np.array([50.0, 0.0, 0.0]))
    ours = performance.measure(Trades.of([]), equity)
    assert (ours.annual_return, ours.total_return, ours.drawdown) == (-1.0, -1.0, 1.0)
    assert math.isfinite(ours.sharpe or 0.0)


def test_an_hour_is_not_made_a_year() -> None:
    equity = Equity(100.0, START + 60 * np.arange(60), 100.0 + np.arange(60.0))
    ours = performance.measure(Trades.of([]), equity)
    assert (ours.annual_return, ours.calmar, ours.sharpe, ours.sortino) == (None, None, None, None)
    assert ours.total_return == pytest.approx(0.59)


@pytest.mark.parametrize(("initial", "bars"), [(0.0, 3), (-1.0, 3), (100.0, 0)])
def test_an_account_without_money_or_bars_is_refused(initial: float, bars: int) -> None:
    with pytest.raises(BadData, match="equity begins with"):
        Equity(initial, START + DAY * np.arange(bars), np.full(bars, 100.0))
