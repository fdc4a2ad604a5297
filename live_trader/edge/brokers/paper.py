"""The paper broker: it deals by the one market model, and forgets nothing when its process is killed."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Final

from msgspec.json import Decoder
from msgspec.json import encode as spell
from msgspec.structs import replace

from live_trader.core.bars import Bar, epoch
from live_trader.core.events import Accepted, Cancelled, Event, Filled, Rejected
from live_trader.core.fills import Market, fills, settle
from live_trader.core.instruments import Instrument
from live_trader.core.orders import ZERO, Fill, Order, Role, Status
from live_trader.edge.brokers import Answer
from live_trader.edge.brokers.mischief import Mischief
from live_trader.errors import Unknown
from live_trader.experts.bundle.atomic import private

_ORDER: Final = Decoder(Order)
_EVENT: Final[Decoder[Event]] = Decoder(Event)
_TABLES: Final = """
CREATE TABLE IF NOT EXISTS orders (
    id TEXT PRIMARY KEY, trade INTEGER NOT NULL, arrived INTEGER NOT NULL, over INTEGER NOT NULL,
    delay INTEGER NOT NULL, body BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS orders_at_work ON orders (over) WHERE NOT over;
CREATE INDEX IF NOT EXISTS orders_of_trade ON orders (trade);
CREATE TABLE IF NOT EXISTS statement (number INTEGER PRIMARY KEY AUTOINCREMENT, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS holdings (symbol TEXT PRIMARY KEY, quantity TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS seen (symbol TEXT PRIMARY KEY, opened INTEGER NOT NULL);
"""


class Paper:
    """A broker in a file; what it was asked and what it answered are one transaction."""

    def __init__(
        self,
        folder: Path,
        instruments: Callable[[str], Instrument],
        market: Market,
        mischief: Mischief | None = None,
    ) -> None:
        private(folder)
        path = folder / "paper.db"
        path.touch(0o600)
        self._file = sqlite3.connect(path, isolation_level=None)
        for pragma in ("journal_mode = WAL", "synchronous = FULL"):
            self._file.execute(f"PRAGMA {pragma}")
        self._file.executescript(_TABLES)
        self._instruments = instruments
        self._market = market
        self._mischief = mischief or Mischief()
        rows = self._file.execute("SELECT body, delay FROM orders WHERE NOT over AND arrived ORDER BY rowid")
        self._working: dict[str, Order] = {}
        self._delays: dict[str, int] = {}
        for body, delay in rows:
            order = _ORDER.decode(body)
            self._working[order.id], self._delays[order.id] = order, delay
        self._seen: dict[str, int] = dict(self._file.execute("SELECT symbol, opened FROM seen"))

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def submit(self, orders: Sequence[Order]) -> None:
        """Take these orders; Unknown when the answer to them is made to get lost."""
        fresh = [order for order in orders if self._found(order.id) is None]
        with self._file:
            self._file.execute("BEGIN IMMEDIATE")
            for order in fresh:
                self._take(order)
        if any(self._mischief.hides(order.id) for order in orders):
            raise Unknown("the paper broker does not answer, as its settings ask of it")

    def cancel(self, order: str) -> None:
        """Work this order no longer."""
        held = self._working.get(order)
        if held is not None:
            with self._file:
                self._file.execute("BEGIN IMMEDIATE")
                self._end(held.step(Status.CANCELLED))
                self._say(Cancelled(order, held.created))

    def inquire(self, order: str, when: datetime) -> None:
        """Say whether this order works; how an order ended is in the statement already."""
        found = self._found(order)
        with self._file:
            self._file.execute("BEGIN IMMEDIATE")
            if found is None or not found[1]:
                self._say(Rejected(order, "it never arrived at the broker", when))
            elif order in self._working:
                self._say(Accepted(order, when))

    def answer(self, after: int) -> Answer | None:
        """The first line of the statement after this one."""
        query = "SELECT number, body FROM statement WHERE number > ? ORDER BY number LIMIT 1"
        row = self._file.execute(query, (after,)).fetchone()
        return Answer(row[0], _EVENT.decode(row[1])) if row else None

    def working(self) -> Mapping[str, Order]:
        """The orders that still work."""
        return dict(self._working)

    def holdings(self) -> Mapping[str, Decimal]:
        """What is held of each symbol."""
        rows = self._file.execute("SELECT symbol, quantity FROM holdings")
        return {symbol: Decimal(quantity) for symbol, quantity in rows if Decimal(quantity)}

    def see(self, symbol: str, bar: Bar) -> None:
        """Deal with what this bar brings; the same bar again brings nothing."""
        if epoch(bar.opened) <= self._seen.get(symbol, -1):
            return
        waiting = self._waiting(symbol)
        if not waiting:
            return
        held = self._held(order.trade for order in waiting)
        instrument = self._instruments(symbol)
        with self._file:
            self._file.execute("BEGIN IMMEDIATE")
            if any(self._delays.get(order.id) for order in waiting):
                waiting = [order for order in waiting if self._ready(order)]
            self._deal(fills(bar, waiting, held, instrument, self._market), held, instrument)
            self._seen[symbol] = epoch(bar.opened)
            self._file.execute("INSERT OR REPLACE INTO seen VALUES (?, ?)", (symbol, epoch(bar.opened)))

    def settle(self, closes: Mapping[str, float], when: datetime) -> None:
        """Do what market orders there are for these symbols at these prices."""
        for symbol, close in closes.items():
            waiting = self._waiting(symbol)
            held = self._held(order.trade for order in waiting)
            instrument = self._instruments(symbol)
            done = settle(close, waiting, held, instrument, self._market, when)
            if done:
                with self._file:
                    self._file.execute("BEGIN IMMEDIATE")
                    self._deal(done, held, instrument)

    def _found(self, order: str) -> tuple[bytes, bool] | None:
        query = "SELECT body, arrived FROM orders WHERE id = ?"
        row = self._file.execute(query, (order,)).fetchone()
        return (row[0], bool(row[1])) if row else None

    def _take(self, order: Order) -> None:
        mischief = self._mischief
        hidden = mischief.hides(order.id)
        arrived = not (hidden and mischief.loses(order.id))
        rejected = arrived and not hidden and mischief.rejects(order.id)
        delay = mischief.delay(order.id)
        works = arrived and not rejected
        row = (order.id, order.trade, arrived, not works, delay, spell(order))
        self._file.execute("INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?)", row)
        if works:
            self._working[order.id], self._delays[order.id] = order, delay
        if rejected:
            self._say(Rejected(order.id, "the paper broker rejects it, as asked", order.created))
        elif not hidden:
            self._say(Accepted(order.id, order.created))

    def _waiting(self, symbol: str) -> list[Order]:
        return [order for order in self._working.values() if order.symbol == symbol]

    def _ready(self, order: Order) -> bool:
        """Whether an order is worked in this bar; one bar less of its delay is left."""
        left = self._delays.get(order.id, 0)
        if left:
            self._delays[order.id] = left - 1
            self._file.execute("UPDATE orders SET delay = ? WHERE id = ?", (left - 1, order.id))
        return not left

    def _held(self, trades: Iterable[int]) -> dict[int, Decimal]:
        """What each of these trades holds, without sign."""
        held: dict[int, Decimal] = {}
        for trade in set(trades):
            for (body,) in self._file.execute("SELECT body FROM orders WHERE trade = ?", (trade,)):
                order = _ORDER.decode(body)
                done = order.filled if order.role is Role.ENTRY else -order.filled
                held[trade] = held.get(trade, ZERO) + done
        return held

    def _deal(self, done: Sequence[Fill], held: dict[int, Decimal], instrument: Instrument) -> None:
        """Book these fills, each perhaps only in part, and never more closed than is held."""
        for fill in done:
            order = self._working[fill.order]
            number = len(order.fills) + 1
            quantity = self._mischief.part(order.id, number, fill.quantity, instrument)
            if order.role is not Role.ENTRY:
                quantity = min(quantity, held.get(order.trade, ZERO))
            if quantity <= ZERO:
                continue
            if quantity != fill.quantity:
                fee = self._market.fee(instrument, quantity, fill.price)
                fill = replace(fill, quantity=quantity, fee=fee)
            sign = 1 if order.role is Role.ENTRY else -1
            held[order.trade] = held.get(order.trade, ZERO) + sign * quantity
            self._book(order.take(fill), fill)

    def _book(self, order: Order, fill: Fill) -> None:
        holding = self.holdings().get(order.symbol, ZERO) + order.sign * fill.quantity
        self._file.execute("INSERT OR REPLACE INTO holdings VALUES (?, ?)", (order.symbol, str(holding)))
        if order.status is Status.FILLED:
            self._end(order)
        else:
            self._working[order.id] = order
            self._file.execute("UPDATE orders SET body = ? WHERE id = ?", (spell(order), order.id))
        self._say(Filled(fill))

    def _end(self, order: Order) -> None:
        del self._working[order.id]
        self._file.execute("UPDATE orders SET over = 1, body = ? WHERE id = ?", (spell(order), order.id))

    def _say(self, event: Event) -> None:
        self._file.execute("INSERT INTO statement (body) VALUES (?)", (spell(event),))
