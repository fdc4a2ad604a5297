"""Looks over the desk's shoulder: its book as the journal has it, whether or not a desk runs."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from live_trader.core.book import Book
from live_trader.core.events import Report
from live_trader.core.positions import Position, Trade
from live_trader.edge import diary
from live_trader.edge.diary import Entry, Page, Record
from live_trader.edge.journal import holder, parts
from live_trader.edge.terms import now_of
from live_trader.errors import NotRunning

_MARKS, _WIDE, _ENDED = 360, 90, 5
_WORDS = 2
_BLOCKS = "▁▂▃▄▅▆▇█"


class Watch:
    """Follows the journal of one folder as it grows, and remembers how the account came to be what it is."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path: Path | None = None
        self._offset = 0
        self._page: Page | None = None
        self._equity: deque[Decimal] = deque(maxlen=_MARKS)
        self._ended: deque[Trade] = deque(maxlen=_ENDED)

    def look(self) -> dict[str, Any]:
        """The account now, as plain figures."""
        found = figures(self.page().book, running=holder(self._folder) is not None)
        last_trades = [ended(each) for each in reversed(self._ended)]
        return {**found, "last_trades": last_trades, "last_equity": [str(each) for each in self._equity]}

    def page(self) -> Page:
        """Where the desk stands now."""
        kept = parts(self._folder)
        if not kept:
            raise NotRunning(
                f"no desk has ever kept a journal in {self._folder}", "Enable one: desk.enabled = true"
            )
        newest = kept[-1]
        if newest != self._path:
            self._path, self._offset, self._page = newest, 0, diary.opened(newest)
        assert self._page is not None
        for offset, record in diary.read(newest, self._offset):
            if record.number > self._page.number:
                self._page.turn(record)
                self._note(record, self._page.book.equity)
            self._offset = offset
        return self._page

    def _note(self, record: Record, equity: Decimal) -> None:
        if not self._equity or self._equity[-1] != equity:
            self._equity.append(equity)
        if isinstance(record, Entry):
            self._ended.extend(each.trade for each in record.commands if isinstance(each, Report))


def figures(book: Book, *, running: bool) -> dict[str, Any]:
    """An account as a program reads it; money is text, so that no digit is lost."""
    open_ = [position(book, each) for each in book.positions.values()]
    return {
        "running": running,
        "state": book.state.value,
        "as_of": f"{now_of(book):%Y-%m-%dT%H:%M:%SZ}",
        "currency": book.currency,
        "equity": str(book.equity),
        "cash": str(book.cash),
        "profit_today": str(book.equity - book.day_began_with),
        "drawdown": float(round(book.drawdown, 6)),
        "leverage": float(round(book.leverage, 4)),
        "trades": book.serial,
        "trades_today": book.trades_today,
        "portfolio_version": max(0, book.version),
        "positions": open_,
        "orders": [
            {
                "id": each.id,
                "ticker": str(each.ticker),
                "side": each.side.value,
                "kind": each.kind.value,
                "role": each.role.value,
                "quantity": str(each.remaining),
                "price": None if each.price is None else str(each.price),
                "status": each.status.value,
            }
            for each in book.orders.values()
        ],
    }


def position(book: Book, held: Position) -> dict[str, Any]:
    """One position with its profit at the last close, in the account's currency."""
    symbol = held.ticker.symbol
    profit = held.profit(book.instruments[symbol], book.price(symbol)) * book.rate(symbol) - held.fees
    entry = held.entered_for / held.entered if held.entered else Decimal(0)
    return {
        "trade": held.trade,
        "ticker": str(held.ticker),
        "direction": held.direction.value,
        "quantity": str(held.held),
        "entry": str(entry.quantize(book.instruments[symbol].tick)),
        "price": str(book.price(symbol)),
        "stop": None if held.stop is None else str(held.stop),
        "target": None if held.target is None else str(held.target),
        "profit": str(round(profit, 2)),
        "since": f"{held.opened:%Y-%m-%dT%H:%M:%SZ}",
        "leaving": held.leaving,
    }


def ended(trade: Trade) -> dict[str, Any]:
    """A trade that is over."""
    return {
        "trade": trade.id,
        "ticker": str(trade.ticker),
        "direction": trade.direction.value,
        "quantity": str(trade.quantity),
        "reason": trade.reason,
        "profit": str(round(trade.profit, 2)),
        "closed": f"{trade.closed:%Y-%m-%dT%H:%M:%SZ}",
    }


_HEAD = ("TICKER", "SIDE", "QUANTITY", "ENTRY", "PRICE", "STOP", "TARGET", "PROFIT", "HELD FOR")


def cells(each: Mapping[str, Any], now: datetime) -> tuple[str, ...]:
    """One position as the words people read."""
    return (
        each["ticker"],
        each["direction"] + (f" (leaving: {each['leaving']})" if each["leaving"] else ""),
        each["quantity"],
        each["entry"],
        each["price"],
        each["stop"] or "",
        each["target"] or "",
        f"{Decimal(each['profit']):+,.2f}",
        lasted(now - datetime.fromisoformat(each["since"])),
    )


def lasted(span: timedelta) -> str:
    """A span as a clock shows it, with days in front where there are any."""
    seconds = max(0, int(span.total_seconds()))
    clock = f"{seconds // 3600 % 24}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return f"{seconds // 86_400} d {clock}" if seconds >= 86_400 else clock


def drawn(found: Mapping[str, Any], now: datetime) -> RenderableType:
    """The account for a terminal: figures, the way equity went, what is held, and what ended last."""
    head = Text(summary(found), style="bold")
    if found["state"] != "ACTIVE":
        head.append(f"  {found['state']}", style="bold red")
    if not found["running"]:
        head.append("  no desk is running", style="bold red")
    held = _listed(_HEAD, (cells(each, now) for each in found["positions"]), profit=7)
    parts: list[RenderableType] = [head, Text(curve(found["last_equity"]), style="cyan"), Text()]
    parts.append(held if found["positions"] else Text("nothing is held", style="dim"))
    if found["last_trades"]:
        rows = (_over(each, now) for each in found["last_trades"])
        parts += [Text(), _listed(("LAST TRADES", "SIDE", "QUANTITY", "PROFIT", "BY", "AGO"), rows, profit=3)]
    return Group(*parts)


def _over(each: Mapping[str, Any], now: datetime) -> tuple[str, ...]:
    ago = lasted(now - datetime.fromisoformat(each["closed"]))
    profit = f"{Decimal(each['profit']):+,.2f}"
    return each["ticker"], each["direction"], each["quantity"], profit, each["reason"], ago


def _listed(head: Sequence[str], rows: Iterable[tuple[str, ...]], profit: int) -> Table:
    """A table whose sides and profits are coloured."""
    table = Table(box=None, pad_edge=False)
    for place, name in enumerate(head):
        table.add_column(name, no_wrap=True, justify="left" if place < _WORDS or name == "BY" else "right")
    for row in rows:
        words = [Text(cell) for cell in row]
        words[1].stylize("green" if row[1].startswith("long") else "red")
        words[profit].stylize("red" if row[profit].startswith("-") else "green")
        table.add_row(*words)
    return table


def curve(equity: Sequence[str]) -> str:
    """The last figures of the equity as a row of blocks, the highest and the lowest as high as there are."""
    step = max(1, -(-len(equity) // _WIDE))
    values = [float(each) for each in equity[::-1][::step]][::-1]
    if len(values) < _WORDS:
        return ""
    low, high = min(values), max(values)
    if high == low:
        return _BLOCKS[0] * len(values)
    return "".join(_BLOCKS[round((each - low) / (high - low) * (len(_BLOCKS) - 1))] for each in values)


def summary(found: Mapping[str, Any]) -> str:
    """The account in one line."""
    today, currency = Decimal(found["profit_today"]), found["currency"]
    return (
        f"equity {Decimal(found['equity']):,.2f} {currency}  today {today:+,.2f}  "
        f"drawdown {found['drawdown']:.2%}  leverage {found['leverage']:.2f}  trades {found['trades']}"
    )


def lines(found: Mapping[str, Any]) -> str:
    """The account as plain text."""
    now = datetime.now(UTC)
    rows = [_HEAD, *(cells(each, now) for each in found["positions"])]
    widths = [max(len(row[index]) for row in rows) for index in range(len(_HEAD))]
    table = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    held = table if found["positions"] else ["nothing is held"]
    desk = found["state"] if found["running"] else f"{found['state']}, no desk is running"
    return "\n".join([f"{summary(found)}  {desk}", "", *held])
