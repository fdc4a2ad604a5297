"""The desk's whole knowledge and the one function that moves it: `advance(book, event)`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from live_trader.core.bars import Bar, epoch
from live_trader.core.book.answers import accepted, cancel_failed, cancelled, filled, rejected, unanswered
from live_trader.core.book.leaving import cancel, cancel_all, leave, leave_all, tidy
from live_trader.core.book.state import Book, Seat, Step
from live_trader.core.book.wishes import signal_seen
from live_trader.core.events import (
    Accepted,
    BarSeen,
    CancelFailed,
    Cancelled,
    Command,
    Event,
    Filled,
    FlattenAsked,
    PortfolioSet,
    RatesSet,
    Refuse,
    Rejected,
    SignalSeen,
    StateSet,
    StrategyFailed,
    Unanswered,
)
from live_trader.core.orders import Role
from live_trader.core.portfolio import TradingState
from live_trader.core.risk import Refusal
from live_trader.core.sizing import OnFailure

__all__ = ["Book", "Seat", "Step", "advance", "replay"]

_DAY = 86_400
_ONE = Decimal("1.000001")


def advance(book: Book, event: Event) -> Step:
    """The book after this event, and what is to be done or made known because of it."""
    return _HANDLERS[type(event)](book, event)


def replay(book: Book, events: Iterable[Event]) -> Book:
    """The book after all of these events."""
    for event in events:
        book, _ = advance(book, event)
    return book


def _bar_seen(book: Book, event: BarSeen) -> Step:
    ticker, bar = event.ticker, event.bar
    name, symbol = str(ticker), ticker.symbol
    seen = book.bars.get(name, ())
    if symbol not in book.instruments:
        return _refuse(book, name, "instruments", "unknown", "a known one", bar.opened)
    if seen and bar.opened <= seen[-1].opened:
        return _refuse(book, name, "order of bars", str(bar.opened), f"after {seen[-1].opened}", bar.opened)
    day = (epoch(bar.opened) + ticker.timeframe.seconds) // _DAY
    book = replace(
        book,
        bars={**book.bars, name: (*seen[-book.depth + 1 :], bar) if book.depth > 1 else (bar,)},
        marks={**book.marks, symbol: bar.close},
    )
    if day > book.day:
        book = replace(book, day=day, day_began_with=book.equity, trades_today=0)
    if not book.positions and not book.orders:
        return (book if book.equity == book.cash else _marked(book)), ()
    return _asked_again(_marked(book), symbol, bar)


def _marked(book: Book) -> Book:
    equity = book.worth()
    return replace(book, equity=equity, peak=max(book.peak, equity))


def _asked_again(book: Book, symbol: str, bar: Bar) -> Step:
    """What the broker would not close or cancel before is asked for once more on every bar."""
    commands: tuple[Command, ...] = ()
    for position in book.positions.values():
        if position.leaving and position.ticker.symbol == symbol:
            book, more = tidy(book, position.trade, bar.opened)
            commands += more
    for order in book.orders.values():
        if order.trade not in book.positions and order.symbol == symbol:
            book, more = cancel(book, order)
            commands += more
    return book, commands


def _state_set(book: Book, event: StateSet) -> Step:
    book = replace(book, state=event.state)
    if event.state is TradingState.ACTIVE:
        return book, ()
    return cancel_all(book, [each for each in book.orders.values() if each.role is Role.ENTRY])


def _portfolio_set(book: Book, event: PortfolioSet) -> Step:
    wrong = _wrong(book, event)
    if wrong is not None:
        return book, (Refuse(wrong),)
    seats = {}
    for stake in event.stakes:
        before = book.seats.get(stake.slot)
        seats[stake.slot] = Seat(stake) if before is None else replace(before, stake=stake, failure="")
    depth = max((stake.plan.depth for stake in event.stakes), default=1)
    orphans = [each for each in book.positions.values() if each.slot not in seats]
    book = replace(book, version=event.version, seats=seats, depth=depth)
    return leave_all(book, orphans, "portfolio", event.when)


def _wrong(book: Book, event: PortfolioSet) -> Refusal | None:
    about, when = f"portfolio {event.version}", event.when
    slots = [stake.slot for stake in event.stakes]
    for stake in event.stakes:
        instrument = book.instruments.get(stake.ticker.symbol)
        if instrument is None:
            return Refusal(about, "instruments", f"{stake.ticker.symbol} is unknown", "known ones", when)
        if instrument.currency not in book.rates:
            return Refusal(about, "exchange rates", f"none of {instrument.currency}", book.currency, when)
        if not stake.weight > 0:
            return Refusal(about, "weights", str(stake.weight), "above 0", when)
        if slots.count(stake.slot) > 1:
            return Refusal(about, "slots", f"{stake.slot} twice", "once", when)
    total = sum((stake.weight for stake in event.stakes), Decimal(0))
    return Refusal(about, "sum of weights", str(total), "1", when) if total > _ONE else None


def _rates_set(book: Book, event: RatesSet) -> Step:
    for currency, rate in event.rates.items():
        if not rate > 0 or currency == book.currency:
            return _refuse(book, currency, "exchange rates", str(rate), "above 0, of another", event.when)
    return replace(book, rates={**book.rates, **event.rates}), ()


def _strategy_failed(book: Book, event: StrategyFailed) -> Step:
    seat = book.seats.get(event.slot)
    if seat is None:
        return _refuse(book, event.slot, "portfolio", "no stake", f"version {book.version}", event.when)
    told = Refuse(Refusal(event.slot, "strategy", event.reason, "no failure", event.when))
    book = book.seated(replace(seat, failure=event.reason))
    position = book.positions.get(seat.trade)
    if position is None or seat.stake.plan.on_failure is OnFailure.KEEP:
        return book, (told,)
    book, commands = leave(book, position, "failure", event.when)
    return book, (told, *commands)


def _flatten_asked(book: Book, event: FlattenAsked) -> Step:
    """Close everything; what was being closed already, and the broker would not, is asked for once more."""
    refused = [trade for trade, each in book.positions.items() if each.leaving]
    book, commands = leave_all(book, list(book.positions.values()), event.reason, event.when)
    for trade in refused:
        book, more = tidy(book, trade, event.when)
        commands += more
    return book, commands


def _refuse(book: Book, about: str, rule: str, figure: str, limit: str, when: datetime) -> Step:
    return book, (Refuse(Refusal(about, rule, figure, limit, when)),)


_HANDLERS: dict[type[Event], Callable[[Book, Any], Step]] = {
    BarSeen: _bar_seen,
    SignalSeen: signal_seen,
    Accepted: accepted,
    Filled: filled,
    Rejected: rejected,
    Cancelled: cancelled,
    CancelFailed: cancel_failed,
    Unanswered: unanswered,
    StateSet: _state_set,
    PortfolioSet: _portfolio_set,
    RatesSet: _rates_set,
    StrategyFailed: _strategy_failed,
    FlattenAsked: _flatten_asked,
}
