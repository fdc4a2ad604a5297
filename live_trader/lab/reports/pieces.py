"""Pieces of a page that any run over the past has: its account, its months, its trades and its figures."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from html import escape

import numpy as np

from live_trader.core.bars import Floats, moment
from live_trader.core.outcome import Equity, Trade, Trades
from live_trader.core.performance import Month, Performance, underwater
from live_trader.lab.reports.drawing import (
    LEFT,
    RIGHT,
    WIDTH,
    Scale,
    Text,
    area,
    calendar,
    columns,
    drawing,
    line,
    rows,
    tag,
    thinned,
    ticks,
)
from live_trader.lab.reports.page import amount, fine, lasting, number, percent, table, tone

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def account(equity: Equity, text: Text, others: Mapping[str, Equity] | None = None) -> str:
    """The equity over time, and how far it stands under its highest; faint lines are for comparison."""
    shown, water = thinned(equity.values), underwater(equity)
    deep = thinned(water)
    first, last = int(equity.times[0]), int(equity.times[-1])
    across = Scale(float(first), float(max(last, first + 1)), LEFT, WIDTH - RIGHT)
    faint = list((others or {}).values())
    reach = np.concatenate([equity.values, [equity.initial], *(each.values for each in faint)])
    up, down = Scale.around(reach, 292.0, 12.0), Scale(0.0, max(float(water.max()), 1e-9) * 1.1, 320.0, 410.0)
    dates = [(float(at), name) for at, name in calendar(first, last)]
    ghosts = [
        line(across.places(each.times[kept]), up.places(each.values[kept]), class_="ghost")
        for each in faint
        for kept in [thinned(each.values)]
    ]
    xs, ys = across.places(equity.times[shown]), up.places(equity.values[shown])
    sunk = across.places(equity.times[deep]), down.places(water[deep])
    return drawing(
        rows(up, text),
        rows(down, lambda share: percent(share, fine(down.high)), 3),
        columns(dates, across, 12.0, 410.0),
        *ghosts,
        area(xs.tolist(), ys.tolist(), up(max(up.low, min(equity.initial, up.high))), class_="wash"),
        line(xs, ys, class_="curve"),
        area(sunk[0].tolist(), sunk[1].tolist(), 320.0, class_="water"),
        height=436.0,
        label="Equity and drawdown over time",
        class_="chart",
        data_hover=_hover(xs.tolist(), equity, shown.tolist(), water, text),
    )


def _hover(xs: list[float], equity: Equity, shown: list[int], water: Floats, text: Text) -> str:
    """What the pointer tells above each place of the curve."""
    step, digits = max(1, len(shown) // 600), max(1, fine(float(water.max())))
    told = [
        [
            round(x, 1),
            f"{moment(int(equity.times[at])):%Y-%m-%d %H:%M}",
            f"{text(float(equity.values[at]))} · {percent(float(water[at]), digits)} under its peak",
        ]
        for x, at in zip(xs[::step], shown[::step], strict=True)
    ]
    return json.dumps(told, separators=(",", ":"))


def months(given: Sequence[Month]) -> str:
    """A year a line, a month a cell, the deeper the colour the larger the change."""
    largest = max((abs(month.change) for month in given), default=0.0) or 1.0
    years: dict[int, dict[int, Month]] = {}
    for month in given:
        years.setdefault(month.year, {})[month.month] = month
    lines = []
    for year, found in years.items():
        whole = float(np.prod([1.0 + month.change for month in found.values()])) - 1.0
        cells = [_month(found.get(number), largest) for number in range(1, 13)]
        lines.append(tag("tr", tag("th", str(year)), *cells, _cell(whole, 0.0, "year")))
    head = tag("tr", *(tag("th", name) for name in ("", *MONTHS, "Year")))
    whole_table = tag("table", tag("thead", head), tag("tbody", *lines), class_="months")
    return tag("div", whole_table, class_="wide")


def _month(month: Month | None, largest: float) -> str:
    if month is None:
        return tag("td")
    return _cell(month.change, abs(month.change) / largest, f"{month.trades} trades, {month.wins} won")


def _cell(change: float, depth: float, title: str) -> str:
    shade = f"--depth:{6 + 54 * depth:.0f}%" if depth else ""
    return tag("td", percent(change, 1, sign=True), class_=tone(change), style=shade, title=title)


def figures(done: Performance, text: Text) -> str:
    """Every figure of a run, in four groups."""
    groups = {
        "Result": (
            ("Net profit", text(done.net_profit)),
            ("Total return", percent(done.total_return)),
            ("Annual return", percent(done.annual_return)),
            ("Gross profit", text(done.gross_profit)),
            ("Gross loss", text(-done.gross_loss)),
            ("Fees", text(-done.fees)),
            ("Profitable months", percent(done.profitable_months, 0)),
            ("Profitable weeks", percent(done.profitable_weeks, 0)),
        ),
        "Risk": (
            ("Sharpe", number(done.sharpe)),
            ("Sortino", number(done.sortino)),
            ("Calmar", number(done.calmar)),
            ("Volatility", percent(done.volatility)),
            ("Maximum drawdown", percent(-done.drawdown, max(1, fine(done.drawdown)))),
            ("Longest below a peak", lasting(done.drawdown_seconds)),
            ("Recovery factor", number(done.recovery)),
            ("Exposure", percent(done.exposure, 0)),
        ),
        "Trades": (
            ("Trades", f"{done.trades:,}"),
            ("Win rate", percent(done.win_rate)),
            ("Profit factor", number(done.profit_factor)),
            ("Expectancy", amount(text, done.expectancy)),
            ("Average win", amount(text, done.average_win)),
            ("Average loss", amount(text, done.average_loss)),
            ("Win to loss", number(done.payoff)),
        ),
        "Rhythm": (
            ("Best trade", amount(text, done.best_trade)),
            ("Worst trade", amount(text, done.worst_trade)),
            ("Wins in a row", str(done.longest_wins)),
            ("Losses in a row", str(done.longest_losses)),
            ("Average trade lasts", lasting(done.average_seconds)),
            ("Trades a year", number(done.trades_a_year, 0)),
            ("Turnover a year", f"{number(done.turnover, 0)} \N{MULTIPLICATION SIGN}"),
        ),
    }
    return tag("div", *(_group(name, lines) for name, lines in groups.items()), class_="groups")


def _group(name: str, lines: Iterable[tuple[str, str]]) -> str:
    told = (tag("dt", escape(label)) + tag("dd", escape(text)) for label, text in lines)
    return tag("div", tag("h3", escape(name)), tag("dl", *told))


def spread(trades: Trades, text: Text) -> str:
    """How many trades ended with which profit, losses to the left."""
    profit = trades.profit
    if not len(profit):
        return tag("p", "There was no trade.", class_="lead")
    low, high = np.minimum(np.quantile(profit, 0.005), 0.0), np.maximum(np.quantile(profit, 0.995), 0.0)
    marks = ticks(float(low), float(high), 6)
    step = (marks[1] - marks[0]) / 6.0 if len(marks) > 1 else float(high - low) or 1.0
    edges = step * np.arange(np.floor(low / step), np.ceil(high / step) + 1.5)
    counts, _ = np.histogram(np.clip(profit, edges[0], edges[-1]), edges)
    width = WIDTH / 2.0
    across = Scale(float(edges[0]), float(edges[-1]), LEFT, width - RIGHT)
    up = Scale(0.0, float(counts.max()) * 1.08, 210.0, 12.0)
    bars = [
        tag(
            "rect",
            x=across(low) + 0.5,
            width=max(across(high) - across(low) - 1.0, 0.5),
            y=up(float(count)),
            height=210.0 - up(float(count)),
            class_="gain" if low + high > 0.0 else "loss",
        )
        for low, high, count in zip(edges[:-1].tolist(), edges[1:].tolist(), counts.tolist(), strict=True)
    ]
    return drawing(
        rows(up, lambda count: f"{count:,.0f}", 4, right=width - RIGHT),
        columns([(mark, text(mark)) for mark in marks], across, 12.0, 210.0),
        *bars,
        height=236.0,
        width=width,
        label="Distribution of the profit of a trade",
    )


def listed(trades: Trades, text: Text, price: Text, most: int = 20) -> str:
    """The newest trades, one a line."""
    newest = [trades.trade(at) for at in range(len(trades) - 1, max(len(trades) - most, 0) - 1, -1)]
    heads = ("Entered", "Side", "Entry", "Exit", "Held", "Profit", "Fees", "Ended by")
    return table(heads, (_listed(trade, text, price) for trade in newest), class_="trades")


def _listed(trade: Trade, text: Text, price: Text) -> tuple[str, ...]:
    return (
        f"{moment(trade.entered):%Y-%m-%d %H:%M}",
        tag("span", trade.side.value, class_=trade.side.value),
        price(trade.entry),
        price(trade.exit),
        lasting(trade.exited - trade.entered),
        tag("span", text(trade.profit), class_=tone(trade.profit)),
        text(trade.fees),
        escape(trade.reason),
    )
