"""From a signal to orders: what a strategy wants to hold, against what it holds."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from msgspec.structs import replace

from live_trader.core.bars import closes
from live_trader.core.book.leaving import leave
from live_trader.core.book.state import Book, Seat, Step, order_id
from live_trader.core.events import Refuse, SignalSeen, Stake, Submit, slot
from live_trader.core.gauges import average_range, volume_factor
from live_trader.core.orders import Kind, Order, Role, Side, Status
from live_trader.core.portfolio import TradingState
from live_trader.core.positions import Position
from live_trader.core.risk import Approval, Ask, Refusal, verdict
from live_trader.core.signals import Direction, Signal
from live_trader.core.sizing import Bracket, OnNeutral, OnOpposite, Plan, bracket


def signal_seen(book: Book, event: SignalSeen) -> Step:
    """Leave, enter or keep, as the signal wishes and the plan allows.

    An entry needs a fresh wish, one that differs from the wish before: what was refused, or stopped out, is
    not tried again while the wish lasts.
    """
    signal = event.signal
    name = slot(signal.bot, signal.ticker)
    seat = book.seats.get(name)
    if seat is None or seat.failure or signal.late or not _in_order(seat, signal):
        return book, (Refuse(_unfit(book, name, seat, signal)),)
    wish = signal.direction
    fresh = wish is not seat.wish
    seat = replace(seat, wish=wish, heard=signal.opened)
    book = replace(book, seats={**book.seats, name: seat})
    position = book.positions.get(seat.trade)
    leaves = position is not None and _leaves(seat.stake.plan, position, wish)
    enters = fresh and _enters(seat.stake.plan, position, wish)
    if not (leaves or enters):
        return book, ()
    when = closes(signal.ticker.timeframe, signal.opened)
    if book.state is TradingState.HALTED:
        return _refuse(book, name, "trading state", "HALTED", "ACTIVE or REDUCING", when)
    return _act(book, seat, position if leaves else None, signal if enters else None, when)


def _act(book: Book, seat: Seat, leaving: Position | None, entering: Signal | None, when: datetime) -> Step:
    left: Step = (book, ())
    if leaving is not None:
        assert seat.wish is not leaving.direction
        left = leave(book, leaving, "neutral" if seat.wish is Direction.NEUTRAL else "opposite", when)
    if entering is None:
        return left
    entered, more = _enter(left[0], seat, entering, when)
    return entered, left[1] + more


def _in_order(seat: Seat, signal: Signal) -> bool:
    return seat.heard is None or signal.opened > seat.heard


def _unfit(book: Book, name: str, seat: Seat | None, signal: Signal) -> Refusal:
    when = closes(signal.ticker.timeframe, signal.opened)
    if seat is None:
        return Refusal(name, "portfolio", "no stake", f"version {book.version}", when)
    if seat.failure:
        return Refusal(name, "strategy", seat.failure, "no failure", when)
    if signal.late:
        return Refusal(name, "lateness of the signal", "late", "in time", when)
    return Refusal(name, "order of signals", str(signal.opened), f"after {seat.heard}", when)


def _leaves(plan: Plan, position: Position, wish: Direction) -> bool:
    if position.leaving or wish is position.direction:
        return False
    return wish is not Direction.NEUTRAL or plan.on_neutral is OnNeutral.CLOSE


def _enters(plan: Plan, position: Position | None, wish: Direction) -> bool:
    if wish is Direction.NEUTRAL or not plan.sides.allows(wish.sign):
        return False
    if position is None:
        return True
    return wish is not position.direction and plan.on_opposite is OnOpposite.REVERSE


def _enter(book: Book, seat: Seat, signal: Signal, when: datetime) -> Step:
    stake, ticker = seat.stake, seat.stake.ticker
    bars = book.gauge(ticker)
    if not bars or bars[-1].opened != signal.opened:
        last = str(bars[-1].opened) if bars else "no bar"
        return _refuse(book, stake.slot, "bar of the signal", last, str(signal.opened), when)
    if any(each.status is Status.UNKNOWN for each in book.orders_of(slot=stake.slot)):
        return _refuse(book, stake.slot, "unanswered orders", "at least 1", "none", when)
    plan, instrument, sign = stake.plan, book.instruments[ticker.symbol], signal.direction.sign
    atr = average_range(bars, plan.atr_bars) if plan.stop_atr is not None else 0.0
    factor = volume_factor(bars, plan) if instrument.volume else Decimal(1)
    around = bracket(plan, instrument, sign, bars[-1].close, atr)
    ask = Ask(stake.slot, when, around, factor, stake.weight, book.rate(ticker.symbol))
    answer = verdict(book.limits, plan, instrument, ask, book.account(seat))
    if isinstance(answer, Refusal):
        return book, (Refuse(answer),)
    return _submit(book, seat, signal.direction, ask, answer)


def _submit(book: Book, seat: Seat, direction: Direction, ask: Ask, approval: Approval) -> Step:
    trade, stake, around = book.serial + 1, seat.stake, ask.bracket
    orders = _orders(book, stake, trade, direction, around, approval.quantity, ask.when)
    risked = approval.quantity * around.distance * book.instruments[stake.ticker.symbol].multiplier * ask.rate
    position = Position(
        trade=trade,
        slot=stake.slot,
        ticker=stake.ticker,
        direction=direction,
        stop=around.stop,
        target=around.target,
        risked=risked,
        opened=ask.when,
    )
    book = replace(
        book,
        serial=trade,
        trades_today=book.trades_today + 1,
        orders={**book.orders, **{order.id: order for order in orders}},
        positions={**book.positions, trade: position},
        seats={**book.seats, stake.slot: replace(seat, trade=trade)},
    )
    return book, (Submit(orders, approval),)


def _orders(
    book: Book,
    stake: Stake,
    trade: int,
    direction: Direction,
    around: Bracket,
    quantity: Decimal,
    when: datetime,
) -> tuple[Order, ...]:
    """An entry with its stop and its target, where there are any."""
    ids = {role: order_id(book, trade, role) for role in (Role.ENTRY, Role.STOP, Role.TARGET)}
    stop = ids[Role.STOP] if around.stop is not None else ""
    target = ids[Role.TARGET] if around.target is not None else ""

    def order(role: Role, kind: Kind, sign: int, price: Decimal | None) -> Order:
        return Order(
            id=ids[role],
            trade=trade,
            slot=stake.slot,
            ticker=stake.ticker,
            side=Side.of(sign),
            kind=kind,
            role=role,
            quantity=quantity,
            created=when,
            price=price,
            entry=ids[Role.ENTRY],
            stop=stop,
            target=target,
            reason=role.value,
            status=Status.SUBMITTED,
        )

    sign = direction.sign
    orders = [order(Role.ENTRY, Kind.MARKET, sign, None)]
    if stop:
        orders.append(order(Role.STOP, Kind.STOP, -sign, around.stop))
    if target:
        orders.append(order(Role.TARGET, Kind.LIMIT, -sign, around.target))
    return tuple(orders)


def _refuse(book: Book, about: str, rule: str, figure: str, limit: str, when: datetime) -> Step:
    return book, (Refuse(Refusal(about, rule, figure, limit, when)),)
