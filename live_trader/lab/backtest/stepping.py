"""The back-test bar by bar: the functions of live, with a tape for a feed and the venue for a broker."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime

import numpy as np
from msgspec.structs import replace

from live_trader.core.bars import Bar, Tape, Window, closes, moment
from live_trader.core.book import advance
from live_trader.core.events import (
    BarSeen,
    Cancel,
    Cancelled,
    Command,
    Event,
    Filled,
    FlattenAsked,
    Refuse,
    Report,
    SignalSeen,
    StrategyFailed,
    Submit,
)
from live_trader.core.fills import FillAt
from live_trader.core.orders import Fill
from live_trader.core.positions import Trade
from live_trader.core.signals import Decision, Signal
from live_trader.core.strategies import Listener
from live_trader.core.venue import Venue
from live_trader.lab.backtest.setting import Entrant, Terms, Walked, opened
from live_trader.lab.backtest.strangers import attempt

_CHUNK = 4096


def stepwise(entrants: Sequence[Entrant], terms: Terms) -> Walked:
    """All of these strategies on one account, bar by bar; what is open at the end is closed."""
    return _Walk(entrants, terms).walk()


class _Walk:
    """One account on its way through its tapes."""

    def __init__(self, entrants: Sequence[Entrant], terms: Terms) -> None:
        self._terms, self._book, self._venue = terms, opened(entrants, terms), Venue()
        self._at_close = terms.market.fill_at is FillAt.CLOSE
        self._reels = _reels(entrants)
        self._runners = {runner.slot: runner for reel in self._reels for runner in reel.runners}
        self._trades: list[Trade] = []
        self._refused: Counter[str] = Counter()

    def walk(self) -> Walked:
        """From the first bar to the last."""
        for reel, bar, ask in _march(self._reels):
            self._pass(reel, bar, ask)
        self._finish()
        return Walked(tuple(self._trades), dict(self._refused), self._book.cash)

    def _pass(self, reel: _Reel, bar: Bar, ask: Bar | None) -> None:
        """What the bar does to the orders, then the bar itself, then what the strategies make of it."""
        if reel.deals and self._venue.orders:
            symbol = reel.ticker.symbol
            self._venue, dealt = self._venue.pass_bar(
                symbol, bar, self._terms.instruments[symbol], self._terms.market, ask
            )
            self._filled(dealt)
        self._feed(BarSeen(reel.ticker, bar))
        reel.last, reel.last_ask = bar, ask
        for runner in reel.runners:
            event = runner.hear(bar)
            if event is not None:
                self._feed(event)
        if self._at_close and self._venue.orders:
            self._settle(reel, reel.closes(bar))

    def _settle(self, reel: _Reel, when: datetime) -> None:
        """Do the market orders at the last close of this tape."""
        bar, ask, symbol = reel.last, reel.last_ask, reel.ticker.symbol
        assert bar is not None
        self._venue, dealt = self._venue.settle(
            symbol,
            bar.close,
            self._terms.instruments[symbol],
            replace(self._terms.market, fill_at=FillAt.CLOSE),
            when,
            None if ask is None else ask.close,
        )
        self._filled(dealt)

    def _filled(self, dealt: Sequence[Fill]) -> None:
        for fill in dealt:
            self._feed(Filled(fill))

    def _feed(self, event: Event) -> None:
        self._book, commands = advance(self._book, event)
        for command in commands:
            self._do(command)

    def _do(self, command: Command) -> None:
        if isinstance(command, Submit):
            self._venue = self._venue.submit(command.orders)
            for order in command.orders:
                self._tell(order.slot, "on_order", order, order.created)
        elif isinstance(command, Cancel):
            order = self._venue.orders[command.order]
            self._venue = self._venue.cancel(order.id)
            self._feed(Cancelled(order.id, order.created))
        elif isinstance(command, Report):
            self._trades.append(command.trade)
            self._tell(command.trade.slot, "on_trade", command.trade, command.trade.closed)
        elif isinstance(command, Refuse):
            self._refused[command.refusal.rule] += 1

    def _tell(self, slot: str, hook: str, what: object, when: datetime) -> None:
        reason = self._runners[slot].tell(hook, what)
        if reason:
            self._feed(StrategyFailed(slot, reason, when))

    def _finish(self) -> None:
        """Close what is open at the last closes, and say goodbye to those who listen."""
        when = max(reel.closes(reel.last) for reel in self._reels if reel.last)
        self._feed(FlattenAsked("end", when))
        for reel in self._reels:
            if reel.deals:
                self._settle(reel, when)
        for runner in self._runners.values():
            runner.tell("on_stop")


class _Runner:
    """A strategy with its window, asked at every bar until it fails."""

    def __init__(self, entrant: Entrant) -> None:
        self.slot, self._entrant, self._strategy = entrant.slot, entrant, entrant.strategy
        self._memory = entrant.strategy.memory
        self._listens = isinstance(entrant.strategy, Listener)
        self._window: Window | None = None
        self._seen = 0
        self._failed = False

    def hear(self, bar: Bar) -> SignalSeen | StrategyFailed | None:
        """What the strategy says to this bar; nothing before it remembers enough, or once it failed."""
        self._seen += 1
        if self._seen < self._memory or self._failed:
            return None
        if self._window is not None:
            self._window = self._window.push(bar)
            return self._ask(self._window, bar)
        self._window = Window.ending(self._entrant.tape, self._memory, self._memory)
        reason = self.tell("on_start", self._window)
        return self._fails(reason, bar) if reason else self._ask(self._window, bar)

    def tell(self, hook: str, *what: object) -> str:
        """Tell the strategy, if it listens; the answer says what went wrong."""
        if not self._listens or self._failed:
            return ""
        _, reason = attempt(getattr(self._strategy, hook), *what)
        self._failed = bool(reason)
        return reason

    def _ask(self, window: Window, bar: Bar) -> SignalSeen | StrategyFailed:
        decision, reason = attempt(self._strategy.decide, window)
        if reason or not isinstance(decision, Decision):
            return self._fails(reason or f"answered {decision!r}", bar)
        entrant = self._entrant
        return SignalSeen(
            Signal(entrant.bot, entrant.tape.ticker, bar.opened, decision.direction, decision.opinions, "")
        )

    def _fails(self, reason: str, bar: Bar) -> StrategyFailed:
        self._failed = True
        return StrategyFailed(self.slot, reason, closes(self._entrant.tape.ticker.timeframe, bar.opened))


class _Reel:
    """One tape with the strategies that follow it; on the shortest of its symbol orders are done."""

    def __init__(self, entrants: Sequence[Entrant], deals: bool) -> None:
        self.tape, self.ask, self.deals = entrants[0].tape, entrants[0].ask, deals
        self.ticker = self.tape.ticker
        self.runners = [_Runner(entrant) for entrant in entrants]
        self.last: Bar | None = None
        self.last_ask: Bar | None = None

    def closes(self, bar: Bar) -> datetime:
        """When this bar is over."""
        return closes(self.ticker.timeframe, bar.opened)

    def bars(self) -> Iterator[tuple[Bar, Bar | None]]:
        """Every bar with its ask."""
        if self.ask is None:
            return ((bar, None) for bar in bars(self.tape))
        return zip(bars(self.tape), bars(self.ask), strict=True)


def _reels(entrants: Sequence[Entrant]) -> list[_Reel]:
    reels: list[_Reel] = []
    tickers = {each.tape.ticker for each in entrants}
    for ticker in sorted(tickers, key=lambda each: (each.timeframe.seconds, each.symbol)):
        followers = [each for each in entrants if each.tape.ticker == ticker]
        reels.append(_Reel(followers, all(reel.ticker.symbol != ticker.symbol for reel in reels)))
    return reels


def _march(reels: Sequence[_Reel]) -> Iterator[tuple[_Reel, Bar, Bar | None]]:
    """All bars of all tapes as they close, of those that close together the shorter first."""
    closings = np.concatenate([reel.tape.times + reel.ticker.timeframe.seconds for reel in reels])
    whose = np.repeat(np.arange(len(reels)), [len(reel.tape) for reel in reels])
    sources = [reel.bars() for reel in reels]
    for at in whose[np.lexsort((whose, closings))].tolist():
        yield reels[at], *next(sources[at])


def bars(tape: Tape) -> Iterator[Bar]:
    """Every bar of a tape, made of Python's numbers a chunk at a time."""
    for start in range(0, len(tape), _CHUNK):
        part = tape.cut(start, start + _CHUNK)
        columns = (part.times, part.open, part.high, part.low, part.close, part.volume)
        for time, *prices in zip(*(column.tolist() for column in columns), strict=True):
            yield Bar(moment(time), *prices)
