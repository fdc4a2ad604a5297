"""A market place as a value: the orders that wait there and what each trade holds, for paper and past."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from msgspec import Struct

from live_trader.core.bars import Bar
from live_trader.core.book import Book
from live_trader.core.events import Command, Event, FlattenAsked, Submit
from live_trader.core.fills import FillAt, Market, fills, settle
from live_trader.core.instruments import Instrument
from live_trader.core.orders import ZERO, Fill, Order, Role, Status


def at_once(book: Book, event: Event, commands: Iterable[Command], market: Market) -> dict[str, float]:
    """The last prices of the symbols whose market orders are done at these prices, instead of at a next bar.

    Where all is to be closed, that is every exit on its way, also one that was sent before; else it is
    what was just sent, if the market works like that.
    """
    if isinstance(event, FlattenAsked):
        symbols = {order.symbol for order in book.orders.values() if order.role is Role.EXIT}
    elif market.fill_at is FillAt.CLOSE:
        sent = (each.orders for each in commands if isinstance(each, Submit))
        symbols = {order.symbol for orders in sent for order in orders}
    else:
        return {}
    return {symbol: book.marks[symbol] for symbol in sorted(symbols)}


class Venue(Struct, frozen=True):
    """Waiting orders in the order of their coming, and what is held by trade, without sign."""

    orders: dict[str, Order] = {}
    held: dict[int, Decimal] = {}

    def submit(self, orders: tuple[Order, ...]) -> Venue:
        """The venue with these orders waiting; one that is known already is not taken twice."""
        fresh = {order.id: order for order in orders if order.id not in self.orders}
        return Venue({**self.orders, **fresh}, self.held)

    def cancel(self, order: str) -> Venue:
        """The venue without this order."""
        return Venue({key: each for key, each in self.orders.items() if key != order}, self.held)

    def pass_bar(
        self, symbol: str, bar: Bar, instrument: Instrument, market: Market, ask: Bar | None = None
    ) -> tuple[Venue, list[Fill]]:
        """The venue after a bar of this symbol, and every fill the bar brought."""
        waiting = [order for order in self.orders.values() if order.symbol == symbol]
        if not waiting:
            return self, []
        return self._after(fills(bar, waiting, self.held, instrument, market, ask))

    def settle(
        self,
        symbol: str,
        close: float,
        instrument: Instrument,
        market: Market,
        when: datetime,
        ask: float | None = None,
    ) -> tuple[Venue, list[Fill]]:
        """The venue after its market orders were done at the last close, where the market works like that."""
        if market.fill_at is not FillAt.CLOSE:
            return self, []
        waiting = [order for order in self.orders.values() if order.symbol == symbol]
        return self._after(settle(close, waiting, self.held, instrument, market, when, ask))

    def _after(self, dealt: list[Fill]) -> tuple[Venue, list[Fill]]:
        if not dealt:
            return self, dealt
        orders, held = dict(self.orders), dict(self.held)
        for fill in dealt:
            order = orders.pop(fill.order).take(fill)
            if order.status is not Status.FILLED:
                orders[order.id] = order
            change = fill.quantity if order.role is Role.ENTRY else -fill.quantity
            held[order.trade] = held.get(order.trade, ZERO) + change
            if not held[order.trade]:
                del held[order.trade]
        return Venue(orders, held), dealt
