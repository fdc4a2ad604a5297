"""The desk: the one loop that owns the book. It hears facts and decides what happens to the account."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from live_trader.core.bars import Bar, Ticker, closes
from live_trader.core.book import Book
from live_trader.core.events import BarSeen, FlattenAsked, SignalSeen, StateSet, Unanswered
from live_trader.core.orders import Status
from live_trader.core.portfolio import Portfolio, TradingState
from live_trader.core.signals import Signal
from live_trader.edge.brokers import Broker
from live_trader.edge.clock import Clock
from live_trader.edge.journal import Journal
from live_trader.edge.terms import Terms, now_of
from live_trader.edge.wire.stream import BarTold
from live_trader.farm.hand import Hand

_log = logging.getLogger(__name__)
_INSISTING = 20  # how often a panic asks, where a broker closes in parts or says no

Told = BarTold | Signal | Portfolio


@dataclass(frozen=True, slots=True)
class World:
    """What a desk can ask: the portfolio now, the last bars of a ticker, and which tickers are served."""

    portfolio: Callable[[], Portfolio]
    history: Callable[[Ticker, int], Sequence[Bar]]
    served: Callable[[], Iterable[Ticker]]


class Desk:
    """Hears facts in the order of the server's counter, and turns them into orders at the broker."""

    def __init__(
        self,
        folder: Path,
        journal: Journal,
        broker: Broker,
        terms: Terms,
        world: World,
        clock: Clock,
        say: Callable[[str], None] = _log.warning,
        refuse: Callable[[str], None] | None = None,
    ) -> None:
        self._hand = Hand(folder, journal, broker, terms, refuse or say)
        self._broker = broker
        self._terms = terms
        self._world = world
        self._clock = clock
        self._say = say
        if journal.cut:
            say(f"the journal ended in a torn record of {journal.cut} bytes, which is cut")

    @property
    def book(self) -> Book:
        """All the desk knows."""
        return self._hand.book

    @property
    def seq(self) -> int | None:
        """The last fact of the server that is in the book; None for a desk that never heard any."""
        page = self._hand.page
        return None if page is None else page.seq

    @property
    def number(self) -> int:
        """The last record of the journal."""
        return self._hand.now.number

    def boot(self, seq: int, tell: Callable[[], object]) -> None:
        """Open the account or take up the one there is; `seq` is where the stream stands for a new one.

        `tell` lets the server know what happened before it is asked for the portfolio: by then a halt of the
        desk's own is in it, and no portfolio that was put before that halt can end it.
        """
        hand = self._hand
        if hand.page is None:
            portfolio = self._world.portfolio()
            hand.open(self._terms.opened((*portfolio.tickers, *self._world.served())), seq)
        else:
            self.recover()
            if hand.now.opened.settings != self._terms.word:
                hand.renew("settings")
        tell()
        halted = self.book.state is TradingState.HALTED
        if halted or hand.now.opened.why == "settings" or self.book.version < 0:
            self._follow(self._world.portfolio())
        self._prime()

    def lost(self, seq: int, tell: Callable[[], object]) -> None:
        """Halt, since the server has lost what it had told, and count on from where it stands now.

        The portfolio may be lost with it, and what this desk would then do nobody has decided.
        """
        why = f"the server's store has begun anew: it counts {seq}, and this desk has heard {self.seq}"
        self._say(f"trading is HALTED, because {why}")
        if self.book.state is not TradingState.HALTED:
            self._halt(why)
        tell()
        self._follow(self._world.portfolio())
        self._hand.renew("another store", seq=seq)

    def recover(self) -> None:
        """Carry out what the last record asked for, hear what the broker has done, and compare the two."""
        self._hand.again()
        self._hand.settle()
        self._reconcile()

    def hear(self, seq: int, told: Told) -> None:
        """Take in one fact; one that was heard before changes nothing."""
        if seq <= self._hand.now.seq:
            return
        if isinstance(told, BarTold):
            self._bar(seq, told)
        elif isinstance(told, Signal):
            self._signal(seq, told)
        elif told.version >= self.book.version:
            self._follow(told)
        self._hand.settle()
        self._hand.turn()

    def keep(self) -> None:
        """Return when everything heard is on the disk; what was acted on is already."""
        self._hand.keep()

    def panic(self) -> None:
        """Allow no order from now on, cancel all there are, and close everything at the last prices."""
        self._halt("panic")
        for order in self._broker.working():
            if order not in self.book.orders:
                self._broker.cancel(order)
        for _ in range(_INSISTING):
            self._hand.feed(FlattenAsked("panic", now_of(self.book)))
            self._hand.settle()
            if not self.book.held:
                break
        self._hand.keep()

    def _halt(self, reason: str) -> None:
        """Halt of the desk's own accord, as of the time of day: a portfolio put later may end it."""
        self._hand.feed(StateSet(TradingState.HALTED, self._clock.now(), reason))
        self._hand.settle()

    def _bar(self, seq: int, told: BarTold) -> None:
        ticker, bar = told.ticker, told.bar
        if ticker not in self._traded():
            return
        seen = self.book.gauge(ticker)
        if seen and bar.opened <= seen[-1].opened:
            if told.revised:
                self._say(f"{ticker}: the bar of {bar.opened} was revised; what was done on it stands")
            return
        self._pass(ticker, bar, seq)

    def _pass(self, ticker: Ticker, bar: Bar, seq: int = 0) -> None:
        """Let a bar pass: at the broker first, if it is the shortest of its symbol, then in the book."""
        if ticker == min(each for each in self._traded() if each.symbol == ticker.symbol):
            self._broker.see(ticker.symbol, bar)
            self._hand.settle()
        self._hand.feed(BarSeen(ticker, bar), seq)

    def _traded(self) -> list[Ticker]:
        seats = [seat.stake.ticker for seat in self.book.seats.values()]
        return seats + [each.ticker for each in self.book.positions.values()]

    def _signal(self, seq: int, signal: Signal) -> None:
        if signal.shadow or signal.bot != self._terms.bot:
            return
        step = signal.ticker.timeframe.seconds
        closed = closes(signal.ticker.timeframe, signal.opened)
        if not signal.late and (self._clock.now() - closed).total_seconds() > step:
            signal = Signal(
                signal.bot,
                signal.ticker,
                signal.opened,
                signal.direction,
                signal.opinions,
                signal.bundle,
                True,
                held=signal.held,
            )
        self._hand.feed(SignalSeen(signal), seq)

    def _follow(self, portfolio: Portfolio) -> None:
        """Put a portfolio into force."""
        served = tuple(self._world.served())
        tickers = served if portfolio.wanted is None else portfolio.wanted
        if not set(self._terms.tradable(tickers)) <= set(self.book.instruments):
            self._hand.renew("instruments", tickers)
        for event in self._terms.following(self.book, portfolio, served, self._say):
            self._hand.feed(event)
            self._hand.settle()
        self._prime()

    def _prime(self) -> None:
        """Give every ticker that has too few bars those that the plans look back on."""
        for seat in list(self.book.seats.values()):
            ticker = seat.stake.ticker
            seen = self.book.gauge(ticker)
            if len(seen) < self.book.depth:
                for bar in self._world.history(ticker, self.book.depth):
                    if not seen or bar.opened > seen[-1].opened:
                        self._pass(ticker, bar)

    def _reconcile(self) -> None:
        """Ask about every order whose fate is open, and report and mend whatever else differs."""
        working = self._broker.working()
        for order in list(self.book.orders.values()):
            if order.status in (Status.SUBMITTED, Status.UNKNOWN) or order.id not in working:
                self._hand.feed(Unanswered(order.id, now_of(self.book)))
                self._hand.settle()
        for stray in working.keys() - self.book.orders.keys():
            self._say(f"the broker works {stray}, which the book does not know: it is cancelled")
            self._broker.cancel(stray)
        self._hand.settle()
        held = {each.ticker.symbol for each in self.book.positions.values()}
        there = self._broker.holdings()
        differing = [
            f"{symbol}: {there.get(symbol, 0)} at the broker, {self.book.net(symbol)} in the book"
            for symbol in sorted(held | there.keys())
            if there.get(symbol, 0) != self.book.net(symbol)
        ]
        if differing:
            why = f"holdings differ: {'; '.join(differing)}"
            self._say(f"trading is HALTED, because {why}")
            if self.book.state is not TradingState.HALTED:
                self._halt(why)
