"""How positions end: on request, with an order that closes what is held, and the trade that is left."""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from live_trader.core.book.state import Book, Step, order_id, without
from live_trader.core.events import Cancel, Command, Report, Submit
from live_trader.core.instruments import cents
from live_trader.core.orders import ZERO, Kind, Order, Role, Side, Status
from live_trader.core.positions import Position
from live_trader.core.risk import Approval

_CLOSING = "closing"


def leave(book: Book, position: Position, reason: str, when: datetime) -> Step:
    """Close this position: cancel what is left of its entry and send an order for what is held."""
    if position.leaving:
        return book, ()
    position = replace(position, leaving=reason)
    book, commands = cancel(book.having(position=position), book.entry(position))
    if not position.held:
        return book, commands
    book, more = exit_order(book, position, when)
    return book, commands + more


def exit_order(book: Book, position: Position, when: datetime) -> Step:
    """Send one more order that closes all this position holds."""
    position = replace(position, exits=position.exits + 1)
    order = Order(
        id=order_id(book, position.trade, Role.EXIT, position.exits),
        trade=position.trade,
        slot=position.slot,
        ticker=position.ticker,
        side=Side.of(-position.sign),
        kind=Kind.MARKET,
        role=Role.EXIT,
        quantity=abs(position.held),
        created=when,
        entry=order_id(book, position.trade, Role.ENTRY),
        reason=position.leaving,
        status=Status.SUBMITTED,
    )
    book = book.having(order=order, position=position)
    return book, (Submit((order,), Approval(order.quantity, _CLOSING)),)


def cancel(book: Book, order: Order | None) -> Step:
    """Ask for this order to be cancelled, unless there is none or it was asked already."""
    if order is None or not order.may(Status.CANCELLING):
        return book, ()
    return book.having(order=order.step(Status.CANCELLING)), (Cancel(order.id),)


def tidy(book: Book, trade: int, when: datetime, *, again: bool = True) -> Step:
    """Put a trade in order after one of its orders changed: end it when flat, close what is still held.

    `again` is false where the broker has just refused to close it: then the next bar asks once more.
    """
    position = book.positions.get(trade)
    if position is None:
        return book, ()
    entry = book.entry(position)
    if not position.held:
        if entry is None:
            return end(book, position, when)
        return leave(book, position, position.reason, when) if position.entered else (book, ())
    if position.leaving and again and not _closing(book, trade):
        return exit_order(book, position, when)
    return book, ()


def _closing(book: Book, trade: int) -> bool:
    return any(each.trade == trade and each.role is Role.EXIT for each in book.orders.values())


def end(book: Book, position: Position, when: datetime) -> Step:
    """The trade is over: book its profit, free its seat, cancel what still works for it."""
    trade = position.trade
    commands: tuple[Command, ...] = ()
    cash, seats = book.cash, book.seats
    if position.entered:
        symbol = position.ticker.symbol
        earned = cents(position.profit(book.instruments[symbol], ZERO) * book.rate(symbol))
        cash += earned
        commands = (Report(position.ended(earned - position.fees, when)),)
    seat = seats.get(position.slot)
    if seat is not None and seat.trade == trade:
        stopped = when if position.reason == Role.STOP.value else seat.stopped
        seats = {**seats, position.slot: replace(seat, trade=0, stopped=stopped)}
    book = replace(book, cash=cash, seats=seats, positions=without(book.positions, trade))
    return cancel_all(book, [each for each in book.orders.values() if each.trade == trade], commands)


def cancel_all(book: Book, orders: list[Order], commands: tuple[Command, ...] = ()) -> Step:
    """Ask for all of these orders to be cancelled."""
    for order in orders:
        book, more = cancel(book, order)
        commands += more
    return book, commands


def leave_all(book: Book, positions: list[Position], reason: str, when: datetime) -> Step:
    """Close all of these positions."""
    commands: tuple[Command, ...] = ()
    for position in positions:
        book, more = leave(book, position, reason, when)
        commands += more
    return book, commands
