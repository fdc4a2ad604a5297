"""What a broker says, checked against what the desk asked for; the impossible is refused by name."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from msgspec.structs import replace

from live_trader.core.book.leaving import cancel, exit_order, leave, tidy
from live_trader.core.book.state import Book, Step, without
from live_trader.core.events import (
    Accepted,
    CancelFailed,
    Cancelled,
    Command,
    Filled,
    Inquire,
    Refuse,
    Rejected,
    Unanswered,
)
from live_trader.core.instruments import cents
from live_trader.core.orders import ZERO, Fill, Order, Role, Side, Status
from live_trader.core.portfolio import TradingState
from live_trader.core.positions import Position
from live_trader.core.risk import Refusal
from live_trader.core.signals import Direction


def filled(book: Book, event: Filled) -> Step:
    """Book a fill: what it opens, what it closes, its fee; more closed than was held is undone at once."""
    fill = event.fill
    order = book.orders.get(fill.order)
    if order is None:
        return _unknown(book, fill.order, fill.when)
    impossible = _impossible(book, order, fill)
    if impossible is not None:
        return book, (Refuse(impossible),)
    fee = cents(fill.fee * book.rate(order.symbol))
    book = _kept(replace(book, cash=book.cash - fee), order.take(fill))
    position = book.positions.get(order.trade)
    if order.role is Role.ENTRY:
        assert position is not None
        book = book.having(position=position.enter(fill, fee))
        return tidy(book, order.trade, fill.when)
    held = abs(position.held) if position is not None else ZERO
    if position is not None and held:
        part = fill if fill.quantity <= held else replace(fill, quantity=held)
        book = book.having(position=position.leave(part, fee, order.reason))
        fee = ZERO
    book, commands = tidy(book, order.trade, fill.when)
    if fill.quantity <= held:
        return book, commands
    book, more = _undo(book, order, replace(fill, quantity=fill.quantity - held), fee)
    excess = Refusal(order.id, "quantity held", str(fill.quantity), str(held), fill.when)
    return book, (*commands, Refuse(excess), *more)


def accepted(book: Book, event: Accepted) -> Step:
    """The order works; told again, it changes nothing, and one that is no longer wanted is cancelled."""
    order = book.orders.get(event.order)
    if order is None:
        return _unknown(book, event.order, event.when)
    if order.status in (Status.WORKING, Status.CANCELLING):
        return book, ()
    order = order.step(Status.WORKING)
    book = book.having(order=order)
    return (book, ()) if _wanted(book, order) else cancel(book, order)


def rejected(book: Book, event: Rejected) -> Step:
    """The order is dead: a position without its stop is closed, one without its exit at the next bar."""
    order = book.orders.get(event.order)
    if order is None:
        return _unknown(book, event.order, event.when)
    told = Refuse(Refusal(order.id, "broker", event.reason, "accepted", event.when))
    book, commands = _lost(_kept(book, order.step(Status.REJECTED)), order, event.when)
    return book, (told, *commands)


def cancelled(book: Book, event: Cancelled) -> Step:
    """The order is gone, as asked or by the broker's own will."""
    order = book.orders.get(event.order)
    if order is None:
        return _unknown(book, event.order, event.when)
    return _lost(_kept(book, order.step(Status.CANCELLED)), order, event.when)


def cancel_failed(book: Book, event: CancelFailed) -> Step:
    """The order works on; if its trade is over, the next bar asks again."""
    order = book.orders.get(event.order)
    if order is None:
        return _unknown(book, event.order, event.when)
    told = Refuse(Refusal(order.id, "broker", event.reason, "cancelled", event.when))
    if order.status is not Status.CANCELLING:
        return book, (told,)
    return book.having(order=order.step(Status.WORKING)), (told,)


def unanswered(book: Book, event: Unanswered) -> Step:
    """Nobody knows what became of the order: ask, and do not send it again."""
    order = book.orders.get(event.order)
    if order is None:
        return _unknown(book, event.order, event.when)
    if order.status is not Status.UNKNOWN:
        book = book.having(order=order.step(Status.UNKNOWN))
    return book, (Inquire(order.id),)


def _wanted(book: Book, order: Order) -> bool:
    position = book.positions.get(order.trade)
    if position is None or order.role is not Role.ENTRY:
        return position is not None
    return not position.leaving and book.state is TradingState.ACTIVE


def _lost(book: Book, order: Order, when: datetime) -> Step:
    position = book.positions.get(order.trade)
    wanted = order.status is not Status.CANCELLING
    if position is not None and order.role is Role.STOP and wanted:
        return leave(book, position, "unprotected", when)
    return tidy(book, order.trade, when, again=order.role is not Role.EXIT)


def _kept(book: Book, order: Order) -> Book:
    """The book with the order as it is now, or without it when its life is over."""
    if order.status in (Status.FILLED, Status.CANCELLED, Status.REJECTED):
        return replace(book, orders=without(book.orders, order.id))
    return book.having(order=order)


def _impossible(book: Book, order: Order, fill: Fill) -> Refusal | None:
    if fill.id in order.fills:
        return Refusal(order.id, "fill twice", fill.id, "once", fill.when)
    if not (fill.quantity > 0 and fill.price > 0):
        return Refusal(order.id, "fill above zero", f"{fill.quantity} at {fill.price}", "above 0", fill.when)
    if fill.quantity > order.remaining:
        return Refusal(order.id, "size of the order", str(fill.quantity), str(order.remaining), fill.when)
    position = book.positions.get(order.trade)
    if fill.when < order.created or (
        position is not None
        and order.role is not Role.ENTRY
        and (not position.entered or fill.when < position.opened)
    ):
        return Refusal(order.id, "order of fills", str(fill.when), "after its cause", fill.when)
    return None


def _undo(book: Book, order: Order, excess: Fill, fee: Decimal) -> Step:
    """Two orders that close the same position were both done: hold what that opened, and close it at once."""
    trade = book.serial + 1
    stray = Position(
        trade=trade,
        slot=order.slot,
        ticker=order.ticker,
        direction=Direction.LONG if order.side is Side.BUY else Direction.SHORT,
        stop=None,
        target=None,
        risked=ZERO,
        opened=excess.when,
        leaving="excess",
    ).enter(excess, fee)
    return exit_order(replace(book, serial=trade), stray, excess.when)


def _unknown(book: Book, order: str, when: datetime) -> Step:
    number, dash, _ = order.removeprefix(book.name).partition("-")
    issued = order.startswith(book.name) and dash and number.isdecimal() and 0 < int(number) <= book.serial
    rule = "finished orders" if issued else "known orders"
    told: tuple[Command, ...] = (Refuse(Refusal(order, rule, "an answer", "none is due", when)),)
    return book, told
