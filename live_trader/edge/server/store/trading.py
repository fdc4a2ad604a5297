"""What the desk did: orders, fills, trades, positions and equity, in tables that hold nothing impossible."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final, NamedTuple

from live_trader.core.bars import Ticker, Timeframe
from live_trader.edge.server.bodies import PortfolioBody
from live_trader.edge.server.problems import Problem
from live_trader.edge.server.store.disk import Disk, moment_of
from live_trader.edge.server.store.portfolios import Portfolios
from live_trader.edge.wire.trading import (
    EquityText,
    FillText,
    HoldingsText,
    LedgerText,
    OrderText,
    PositionText,
    StoredFill,
    StoredOrder,
    StoredTrade,
    TradeText,
)

ORDERS: Final = """
SELECT seq, id, trade, slot, ticker, side, kind, role, quantity, price, status, filled, reason, created
FROM orders WHERE seq > ? ORDER BY seq LIMIT ?"""
FILLS: Final = """
SELECT seq, id, order_id, quantity, price, fee, time FROM fills WHERE seq > ? ORDER BY seq LIMIT ?"""
_TRADES: Final = """
SELECT seq, id, slot, ticker, direction, quantity, entry, exit, stop, target, opened, closed, reason, fees,
    profit, risked
FROM trades WHERE seq > ? ORDER BY seq LIMIT ?"""
_ITS: Final = "(?3 = '' OR slot = ?3) AND (?4 = '' OR ticker IN (SELECT id FROM tickers WHERE symbol = ?4))"
_EQUITY: Final = """
SELECT number, time, equity, cash, peak FROM equity WHERE number > ? ORDER BY number LIMIT ?"""
_POSITIONS: Final = """
SELECT trade, slot, ticker, quantity, entry, stop, target, opened, leaving FROM positions ORDER BY trade"""
_PUT_ORDER: Final = """
INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE
SET seq = excluded.seq, trade = excluded.trade, slot = excluded.slot, ticker = excluded.ticker,
    side = excluded.side, kind = excluded.kind, role = excluded.role, quantity = excluded.quantity,
    status = excluded.status, filled = excluded.filled
WHERE (orders.status, orders.filled, orders.quantity, orders.side, orders.kind)
   != (excluded.status, excluded.filled, excluded.quantity, excluded.side, excluded.kind)"""


class Kept(NamedTuple):
    """What a post brought: anything that was not known, and the portfolio that it halted, if it did."""

    news: bool
    halted: PortfolioBody | None


class Trading:
    """What the desk posted of its account."""

    def __init__(self, disk: Disk, woken: Callable[[], None], portfolios: Portfolios) -> None:
        self._disk = disk
        self._woken = woken
        self._portfolios = portfolios

    async def put(self, ledger: LedgerText) -> Kept:
        """Keep a post whole or not at all; a halt that it tells of halts the portfolio in the same commit."""

        def operation(connection: sqlite3.Connection) -> Kept | Problem:
            connection.execute("SAVEPOINT ledger")
            try:
                return self._put(connection, ledger)
            except sqlite3.IntegrityError as fault:
                connection.execute("ROLLBACK TO ledger")
                return Problem("invalid", f"the ledger holds what cannot be: {fault}")
            finally:
                connection.execute("RELEASE ledger")

        def settled(outcome: Kept | Problem) -> None:
            if isinstance(outcome, Kept):
                self._portfolios.settle(outcome.halted)
                if outcome.news:
                    self._woken()

        outcome = await self._disk.write(operation, settled)
        if isinstance(outcome, Problem):
            raise outcome
        return outcome

    async def orders(self, after: int, limit: int, slot: str = "", symbol: str = "") -> list[StoredOrder]:
        """The orders that changed after this seq, of all or of one strategy or symbol."""
        query = _narrowed(ORDERS, _ITS)
        return [self.order(row) for row in self._disk.read(query, after, limit, slot, symbol)]

    async def fills(self, after: int, limit: int, slot: str = "", symbol: str = "") -> list[StoredFill]:
        """The fills after this seq, of all or of one strategy or symbol."""
        query = _narrowed(FILLS, f"order_id IN (SELECT id FROM orders WHERE {_ITS})")  # noqa: S608 - our words
        return [self.fill(row) for row in self._disk.read(query, after, limit, slot, symbol)]

    async def trades(self, after: int, limit: int, slot: str = "", symbol: str = "") -> list[StoredTrade]:
        """The trades that ended after this seq, of all or of one strategy or symbol."""
        query = _narrowed(_TRADES, _ITS)
        return [self._trade(row) for row in self._disk.read(query, after, limit, slot, symbol)]

    async def equity(self, after: int, limit: int) -> list[EquityText]:
        """The account after each record of the journal from this one on."""
        rows = self._disk.read(_EQUITY, after, limit)
        return [
            EquityText(number=n, time=moment_of(at), equity=Decimal(e), cash=Decimal(c), peak=Decimal(p))
            for n, at, e, c, p in rows
        ]

    async def holdings(self) -> HoldingsText | None:
        """What is held now; None where no desk has ever told."""
        rows = self._disk.read("SELECT account, upto, state, received FROM desk")
        if not rows:
            return None
        account, upto, state, received = rows[0]
        return HoldingsText(
            account=account,
            upto=upto,
            state=state,
            received_at=moment_of(received),
            positions=tuple(self._position(row) for row in self._disk.read(_POSITIONS)),
        )

    def order(self, row: Any) -> StoredOrder:
        """A stored order as it travels."""
        seq, id_, trade, slot, number, side, kind, role, quantity, price, status, filled, reason, created = (
            row
        )
        return StoredOrder(
            seq=seq,
            id=id_,
            trade=trade,
            slot=slot,
            **self._about(number),
            side=side,
            kind=kind,
            role=role,
            quantity=Decimal(quantity),
            price=_money(price),
            status=status,
            filled=Decimal(filled),
            reason=reason,
            created=moment_of(created),
        )

    def fill(self, row: Any) -> StoredFill:
        """A stored fill as it travels."""
        seq, id_, order, quantity, price, fee, time = row
        return StoredFill(
            seq=seq,
            id=id_,
            order=order,
            quantity=Decimal(quantity),
            price=Decimal(price),
            fee=Decimal(fee),
            time=moment_of(time),
        )

    def _trade(self, row: Any) -> StoredTrade:
        seq, id_, slot, number, direction, quantity, entry, exit_, stop, target, opened, closed, *rest = row
        reason, fees, profit, risked = rest
        return StoredTrade(
            seq=seq,
            id=id_,
            slot=slot,
            **self._about(number),
            direction=direction,
            quantity=Decimal(quantity),
            entry=Decimal(entry),
            exit=Decimal(exit_),
            stop=_money(stop),
            target=_money(target),
            opened=moment_of(opened),
            closed=moment_of(closed),
            reason=reason,
            fees=Decimal(fees),
            profit=Decimal(profit),
            risked=Decimal(risked),
        )

    def _position(self, row: Any) -> PositionText:
        trade, slot, number, quantity, entry, stop, target, opened, leaving = row
        return PositionText(
            trade=trade,
            slot=slot,
            **self._about(number),
            quantity=Decimal(quantity),
            entry=Decimal(entry),
            stop=_money(stop),
            target=_money(target),
            opened=moment_of(opened),
            leaving=leaving,
        )

    def _about(self, number: int) -> dict[str, str]:
        ticker = self._disk.ticker(number)
        return {"symbol": ticker.symbol, "timeframe": ticker.timeframe.name}

    def _put(self, connection: sqlite3.Connection, ledger: LedgerText) -> Kept | Problem:
        rows = connection.execute("SELECT account, upto FROM desk").fetchall()
        known = rows[0] if rows else (ledger.account, -1)
        if ledger.account != known[0]:
            return Problem("conflict", f"this store keeps the account {known[0]}")
        before = self._disk.given
        for order in ledger.orders:
            self._put_order(connection, order)
        for fill in ledger.fills:
            self._add(connection, "fills", fill.id, _fill_row(fill))
        for trade in ledger.trades:
            number = self._number(connection, trade.symbol, trade.timeframe)
            self._add(connection, "trades", trade.id, _trade_row(trade, number))
        for each in ledger.equity:
            row = (each.number, each.time.timestamp(), str(each.equity), str(each.cash), str(each.peak))
            connection.execute("INSERT INTO equity VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING", row)
        if ledger.upto >= known[1]:
            self._hold(connection, ledger)
        halted, halt = None, ledger.halt
        if halt is not None and ledger.upto > known[1]:
            halted = self._portfolios.halt(connection, halt.version, halt.time.timestamp())
        return Kept(self._disk.given > before, halted)

    def _put_order(self, connection: sqlite3.Connection, order: OrderText) -> None:
        number = self._number(connection, order.symbol, order.timeframe)
        row = (
            order.id, self._disk.given + 1, order.trade, order.slot, number, order.side, order.kind,
            order.role, str(order.quantity), _text(order.price), order.status, str(order.filled),
            order.reason, order.created.timestamp(),
        )  # fmt: skip
        if connection.execute(_PUT_ORDER, row).rowcount:
            self._disk.next()

    def _add(self, connection: sqlite3.Connection, table: str, key: object, row: tuple[Any, ...]) -> None:
        """Insert a row that never changes; the same again is known."""
        places = ", ".join("?" * (len(row) + 2))
        query = f"INSERT INTO {table} VALUES ({places}) ON CONFLICT (id) DO NOTHING"  # noqa: S608 - our names
        if connection.execute(query, (key, self._disk.given + 1, *row)).rowcount:
            self._disk.next()

    def _hold(self, connection: sqlite3.Connection, ledger: LedgerText) -> None:
        connection.execute("DELETE FROM positions")
        for each in ledger.positions:
            number = self._number(connection, each.symbol, each.timeframe)
            row = (
                each.trade, each.slot, number, str(each.quantity), str(each.entry), _text(each.stop),
                _text(each.target), each.opened.timestamp(), each.leaving,
            )  # fmt: skip
            connection.execute("INSERT INTO positions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
        now = (ledger.account, ledger.upto, ledger.state, self._disk.now())
        connection.execute("INSERT OR REPLACE INTO desk VALUES (1, ?, ?, ?, ?)", now)

    def _number(self, connection: sqlite3.Connection, symbol: str, timeframe: str) -> int:
        return self._disk.number(connection, Ticker(symbol, Timeframe.parse(timeframe)))


def _narrowed(query: str, its: str) -> str:
    """A query of what came after a seq, narrowed by one more condition."""
    return query.replace("seq > ?", f"seq > ?1 AND {its}").replace("LIMIT ?", "LIMIT ?2")


def _fill_row(fill: FillText) -> tuple[Any, ...]:
    return (fill.order, str(fill.quantity), str(fill.price), str(fill.fee), fill.time.timestamp())


def _trade_row(trade: TradeText, number: int) -> tuple[Any, ...]:
    return (
        trade.slot, number, trade.direction, str(trade.quantity), str(trade.entry), str(trade.exit),
        _text(trade.stop), _text(trade.target), trade.opened.timestamp(), trade.closed.timestamp(),
        trade.reason, str(trade.fees), str(trade.profit), str(trade.risked),
    )  # fmt: skip


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else str(amount)


def _money(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
