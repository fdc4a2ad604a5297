"""The desk's journal run as a back-test: the same facts in the same order, answered by the market model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from msgspec.structs import replace

from live_trader.core.bars import Bar, Ticker, closes, epoch
from live_trader.core.book import Book, advance
from live_trader.core.events import (
    Accepted,
    BarSeen,
    Cancel,
    CancelFailed,
    Cancelled,
    Event,
    Filled,
    PortfolioSet,
    Rejected,
    Report,
    SignalSeen,
    Submit,
    Unanswered,
)
from live_trader.core.fills import FillAt, Market
from live_trader.core.positions import Trade
from live_trader.core.signals import Direction, Signal
from live_trader.core.venue import Venue, at_once
from live_trader.edge.diary import Opened, Record
from live_trader.edge.terms import Terms, now_of

_ANSWERS = (Accepted, Rejected, Filled, Cancelled, CancelFailed, Unanswered)


@dataclass(frozen=True, slots=True)
class Then:
    """What is taken as it was then instead of as it is now."""

    bars: bool = False
    late: bool = False
    wishes: bool = False
    settings: bool = False
    answers: bool = False


@dataclass(frozen=True, slots=True)
class Now:
    """What the store and the experts say today: a bar, and a wish, as of when a bar opened."""

    bar: Callable[[Ticker, int], Bar | None]
    wish: Callable[[Ticker, datetime], Direction | None]
    terms: Terms


AS_IT_WAS = Then(bars=True, late=True, wishes=True, settings=True, answers=True)


@dataclass(frozen=True, slots=True)
class Account:
    """What came of these records: the trades, and what the account was worth as bars closed."""

    trades: list[Trade] = field(default_factory=list)
    worth: dict[int, float] = field(default_factory=dict)


def rerun(records: Iterable[Record], now: Now, then: Then) -> Account:
    """The account of these records."""
    run = _Rerun(now, then)
    for record in records:
        if isinstance(record, Opened):
            run.open(record)
        else:
            run.hear(record.event)
    return run.account


class _Rerun:
    """One account on its way through the journal."""

    def __init__(self, now: Now, then: Then) -> None:
        self._now = now
        self._then = then
        self._venue = Venue()
        self._book: Book | None = None
        self._market = Market()
        self._closed = 0
        self.account = Account()

    @property
    def book(self) -> Book:
        assert self._book is not None, "a journal begins with a book"
        return self._book

    def open(self, record: Opened) -> None:
        """Take over limits, instruments and market, then or now; the book only at the beginning."""
        limits = record.book.limits if self._then.settings else self._now.terms.limits
        self._market = record.market if self._then.settings else self._now.terms.market
        begun = record.book if self._book is None else self._book
        self._book = replace(begun, instruments=record.book.instruments, limits=limits)

    def hear(self, event: Event) -> None:
        """Take in one recorded event, or what it is today."""
        if isinstance(event, BarSeen):
            self._bar(event)
        else:
            self._hear(event)
        if self._closed:  # a broker answers to a bar when the desk has seen it: what counts is what it left
            self.account.worth[self._closed] = float(self.book.equity)

    def _hear(self, event: Event) -> None:
        if isinstance(event, _ANSWERS):
            if self._then.answers:
                self._feed(event)
        elif isinstance(event, SignalSeen):
            self._feed(SignalSeen(self._signal(event.signal)))
        elif isinstance(event, PortfolioSet) and not self._then.settings:
            stakes = tuple(replace(each, plan=self._now.terms.plan) for each in event.stakes)
            self._feed(replace(event, stakes=stakes))
        else:
            self._feed(event)

    def _bar(self, event: BarSeen) -> None:
        ticker = event.ticker
        bar = event.bar if self._then.bars else self._now.bar(ticker, epoch(event.bar.opened))
        if bar is None:
            return
        if not self._then.answers and ticker == self._shortest(ticker.symbol):
            instrument = self.book.instruments[ticker.symbol]
            self._venue, dealt = self._venue.pass_bar(ticker.symbol, bar, instrument, self._market)
            for fill in dealt:
                self._feed(Filled(fill))
        self._feed(BarSeen(ticker, bar))
        self._closed = max(self._closed, epoch(closes(ticker.timeframe, bar.opened)))

    def _shortest(self, symbol: str) -> Ticker | None:
        traded = [seat.stake.ticker for seat in self.book.seats.values()]
        traded += [each.ticker for each in self.book.positions.values()]
        return min((each for each in traded if each.symbol == symbol), default=None)

    def _signal(self, signal: Signal) -> Signal:
        wish = None if self._then.wishes else self._now.wish(signal.ticker, signal.opened)
        return Signal(
            signal.bot,
            signal.ticker,
            signal.opened,
            wish or signal.direction,
            signal.opinions,
            signal.bundle,
            signal.late and self._then.late,
        )

    def _feed(self, event: Event) -> None:
        self._book, commands = advance(self.book, event)
        for command in commands:
            if isinstance(command, Report):
                self.account.trades.append(command.trade)
            elif self._then.answers:
                continue
            elif isinstance(command, Submit):
                self._venue = self._venue.submit(command.orders)
            elif isinstance(command, Cancel) and command.order in self._venue.orders:
                created = self._venue.orders[command.order].created
                self._venue = self._venue.cancel(command.order)
                self._feed(Cancelled(command.order, created))
        if not self._then.answers:
            self._settle(at_once(self.book, event, commands, self._market))

    def _settle(self, closes: Mapping[str, float]) -> None:
        """Do market orders of these symbols at the last prices."""
        market, when = replace(self._market, fill_at=FillAt.CLOSE), now_of(self.book)
        for symbol, close in closes.items():
            instrument = self.book.instruments[symbol]
            self._venue, dealt = self._venue.settle(symbol, close, instrument, market, when)
            for fill in dealt:
                self._feed(Filled(fill))
