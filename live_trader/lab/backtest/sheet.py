"""The report of a back-test: one page on which a run, or a grid of them, can be looked at with pleasure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from html import escape

import numpy as np

from live_trader.core import performance
from live_trader.core.bars import moment
from live_trader.core.events import slot
from live_trader.core.outcome import Equity, Trades
from live_trader.core.performance import Performance
from live_trader.core.rolling import Flags
from live_trader.lab.backtest.combination import Combined
from live_trader.lab.backtest.grid import Result, Task, thinned
from live_trader.lab.backtest.ledger import columns
from live_trader.lab.backtest.together import Together
from live_trader.lab.reports import account, cards, figures, listed, months, page, section, spread, table
from live_trader.lab.reports.drawing import tag
from live_trader.lab.reports.page import fine, lasting, number, percent, tone

_MOST = 40


def sheet(results: Sequence[Result], combined: Combined | None, weights: Mapping[str, float]) -> str:
    """The whole page: the portfolio and all runs where there are several, the best run in full."""
    best = max(results, key=lambda each: each.performance.net_profit)
    parts = [_head(results, best)]
    if combined is not None:
        parts += [_portfolio(results, combined), _weights(weights)]
    if len(results) > 1:
        parts.append(_runs(results))
    parts += _whole(best, alone=len(results) == 1)
    return page(f"Back-test: {best.task.name}", *parts)


def account_sheet(done: Together, tasks: Sequence[Task], weights: Mapping[str, float]) -> str:
    """The page of an account that many strategies shared: the whole of it, and what each brought."""
    trades = columns(done.trades, tasks[0].terms)
    title = f"{len(tasks)} strategies on one account"
    about = "Bar by bar through the desk's own book: each met what the others held, and the account's limits."
    return page(
        f"Back-test: {title}",
        tag("h1", title) + tag("p", about, class_="sub"),
        _cards(done.performance),
        section("Equity and drawdown", account(thinned(done.equity), _round), says="After all costs."),
        section("What each brought", _brought(done, tasks, weights)),
        section("Month by month", months(performance.months(trades, done.equity))),
        _trades(trades, done.performance, lambda value: f"{value:,.5f}"),
        *_refused(done.refused),
        _footer(done.fingerprint),
    )


def _brought(done: Together, tasks: Sequence[Task], weights: Mapping[str, float]) -> str:
    rows = []
    for task in tasks:
        mine = [float(each.profit) for each in done.trades if each.slot == slot(task.bot, task.ticker)]
        won = sum(profit > 0.0 for profit in mine) / len(mine) if mine else None
        total = tag("span", _money(sum(mine)), class_=tone(sum(mine)))
        rows.append(
            (
                sum(mine),
                (escape(task.name), percent(weights[task.name], 1), f"{len(mine):,}", percent(won), total),
            )
        )
    ranked = [row for _, row in sorted(rows, key=lambda each: -each[0])[:_MOST]]
    return table(("Run", "Weight", "Trades", "Won", "Profit"), ranked)


def _head(results: Sequence[Result], best: Result) -> str:
    first, last = moment(min(each.first for each in results)), moment(max(each.last for each in results))
    days = f"{first.day} {first:%B %Y} to {last.day} {last:%B %Y}"
    bars, runs = sum(each.bars for each in results), len(results)
    about = f"{bars:,} bars from {days}, every order through the desk's own book and risk rules"
    title = best.task.name if runs == 1 else f"{runs} back-tests"
    return tag("h1", escape(title)) + tag("p", about, class_="sub")


def _portfolio(results: Sequence[Result], combined: Combined) -> str:
    runs = {each.task.name: each.equity for each in results}
    start = combined.equity.initial
    return section(
        "All of them as one portfolio",
        _cards(performance.measure(Trades.of([]), combined.equity), with_trades=False),
        account(combined.equity, _round, _scaled(runs, start)),
        says=f"Weights set {len(combined.since)} times from what was known by then. Faint: each run alone.",
    )


def _scaled(runs: Mapping[str, Equity], start: float) -> dict[str, Equity]:
    return {
        name: Equity(start, each.times, each.values * (start / each.initial))
        for name, each in list(runs.items())[:_MOST]
    }


def _weights(weights: Mapping[str, float]) -> str:
    ranked = sorted(weights.items(), key=lambda each: -each[1])
    rows = [(escape(name), percent(weight, 1)) for name, weight in ranked if weight > 0.0][:_MOST]
    says = (
        "What would be deployed after the last bar." if rows else "None earned a share: all would stay cash."
    )
    return section("Weights to go on with", table(("Run", "Weight"), rows), says=says)


def _runs(results: Sequence[Result]) -> str:
    heads = ("Run", "Net profit", "Return", "Sharpe", "Drawdown", "Trades", "Win rate", "Profit factor")
    ranked = sorted(results, key=lambda each: -each.performance.net_profit)[:_MOST]
    says = f"The best {_MOST} of {len(results)}." if len(results) > _MOST else "The best first."
    return section("Every run", table(heads, [_run(each) for each in ranked]), says=says)


def _run(result: Result) -> tuple[str, ...]:
    done = result.performance
    return (
        escape(result.task.name),
        tag("span", f"{done.net_profit:,.0f}", class_=tone(done.net_profit)),
        percent(done.total_return, 1, sign=True),
        number(done.sharpe),
        percent(-done.drawdown, max(1, fine(done.drawdown))),
        f"{done.trades:,}",
        percent(done.win_rate),
        number(done.profit_factor),
    )


def _whole(result: Result, *, alone: bool) -> list[str]:
    """One run with all there is to see of it."""
    trades, done = columns(result.trades, result.task.terms), result.performance
    parts = [
        _cards(done) if alone else section(result.task.name, _cards(done), says="On an account of its own."),
        section("Equity and drawdown", account(result.equity, _round), says="After all costs."),
        section("Month by month", months(performance.months(trades, result.equity))),
        _trades(trades, done, _price(result)),
    ]
    return [*parts, *_refused(result.refused), _footer(result.fingerprint)]


def _refused(refused: Mapping[str, int]) -> list[str]:
    if not refused:
        return []
    rows = [(escape(rule), f"{count:,}") for rule, count in sorted(refused.items())]
    says = "How often which rule of risk said no to an entry."
    return [section("Refused", table(("Rule", "Times"), rows), says=says)]


def _footer(fingerprint: str) -> str:
    return tag("footer", f"Fingerprint of all trades: {fingerprint}")


def _trades(trades: Trades, done: Performance, price: Callable[[float], str]) -> str:
    halves = (
        tag("div", tag("h3", "Profit of a trade"), spread(trades, _round)),
        tag("div", tag("h3", "How they end"), _ends(trades)),
    )
    newest = listed(trades, _money, price)
    more = tag("details", tag("summary", "The newest trades"), newest)
    return section("Trades", tag("div", *halves, class_="pair"), figures(done, _money), more)


def _ends(trades: Trades) -> str:
    """What each side, and each way to end, brought."""
    groups = [("long", trades.side > 0), ("short", trades.side < 0)]
    groups += [(reason, trades.reason == reason) for reason in np.unique(trades.reason).tolist()]
    rows = [
        (
            escape(name),
            f"{int(mine.sum()):,}",
            percent(float((trades.profit[mine] > 0.0).mean()), 0),
            _told(mine, trades),
        )
        for name, mine in groups
        if mine.any()
    ]
    return table(("", "Trades", "Won", "Profit"), rows)


def _told(mine: Flags, trades: Trades) -> str:
    total = float(trades.profit[mine].sum())
    return tag("span", _money(total), class_=tone(total))


def _price(result: Result) -> Callable[[float], str]:
    """Prices with as many decimals as the instrument has."""
    tick = result.task.terms.instruments[result.task.ticker.symbol].tick
    decimals = max(-int(tick.normalize().as_tuple().exponent), 0)
    return lambda value: f"{value:,.{decimals}f}"


def _round(value: float) -> str:
    return f"{value:,.0f}".replace("-", "\N{MINUS SIGN}")


def _money(value: float) -> str:
    return f"{value:,.2f}".replace("-", "\N{MINUS SIGN}")


def _cards(done: Performance, *, with_trades: bool = True) -> str:
    shown = [
        ("Net profit", percent(done.total_return, 1, sign=True), tone(done.total_return)),
        ("A year", percent(done.annual_return, 1, sign=True), tone(done.annual_return)),
        ("Sharpe", number(done.sharpe), tone(done.sharpe)),
        ("Drawdown", percent(-done.drawdown, max(1, fine(done.drawdown))), ""),
        ("Below a peak", lasting(done.drawdown_seconds), ""),
    ]
    if with_trades:
        shown += [
            ("Trades", f"{done.trades:,}", ""),
            ("Win rate", percent(done.win_rate), ""),
            ("Profit factor", number(done.profit_factor), tone((done.profit_factor or 1.0) - 1.0)),
        ]
    return cards(shown)
