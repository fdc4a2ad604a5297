"""A market, its signals and a desk in a folder, so that a whole account's life takes a moment."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from live_trader.core.bars import Bar, Ticker, closes, moment
from live_trader.core.portfolio import Allocation, Portfolio, TradingState
from live_trader.core.signals import Coefficients, Direction, Signal
from live_trader.edge.brokers.paper import Paper
from live_trader.edge.feeds.simulated import Market as Simulated
from live_trader.edge.journal import Journal
from live_trader.edge.settings import Settings, load
from live_trader.edge.terms import Terms
from live_trader.edge.wire.stream import BarTold
from live_trader.farm.desk import Desk, World
from tests.farm.village import VirtualClock

START = 1_760_000_040
TICKERS = (Ticker.parse("EURUSD M1"), Ticker.parse("AUDUSD M1"))
Fact = tuple[int, Any]


def portfolio(
    version: int = 1, state: str = "ACTIVE", tickers: Sequence[Ticker] = TICKERS, *, put: bool = True
) -> Portfolio:
    """A portfolio with equal weights."""
    each = round(1 / max(1, len(tickers)), 6)
    allocations = tuple(Allocation(ticker, each, Coefficients({}, {}), "") for ticker in tickers)
    return Portfolio(version, TradingState(state), allocations, put)


def bars(ticker: Ticker, count: int, seed: int = 3) -> list[Bar]:
    """The closed bars of a simulated market."""
    return list(Simulated(ticker, seed).history(START, count))


def facts(count: int = 40, history: int = 25, tickers: Sequence[Ticker] = TICKERS) -> list[Fact]:
    """What the stream would tell after the history: every bar, then the signal on it."""
    told: list[Fact] = []
    wishes = (Direction.LONG, Direction.LONG, Direction.NEUTRAL, Direction.SHORT, Direction.SHORT)
    lines = [bars(ticker, history + count)[history:] for ticker in tickers]
    for index in range(count):
        for shift, (ticker, line) in enumerate(zip(tickers, lines, strict=True)):
            bar = line[index]
            told.append((len(told) + 1, BarTold(ticker, bar, False)))
            wish = wishes[(index // 3 + shift) % len(wishes)]
            told.append((len(told) + 1, Signal("trader", ticker, bar.opened, wish, {}, "one")))
    return told


def settings(**desk: Any) -> Settings:
    """Settings of a desk."""
    return load(env={}, overrides={f"desk.{key}": value for key, value in desk.items()}).settings


@dataclass
class Account:
    """A folder with a desk's journal and its broker's file."""

    folder: Path
    history: int = 25
    given: dict[str, Any] = field(default_factory=dict)
    portfolio: Portfolio = field(default_factory=portfolio)
    said: list[str] = field(default_factory=list)
    clock: VirtualClock = field(default_factory=VirtualClock)
    panic: bool = False
    wrap: Callable[[str, Any], Any] = lambda _, part: part
    tell: Callable[[], None] = lambda: None

    def run(self, told: Iterable[Fact]) -> Desk:
        """Boot a desk, let it hear these facts, and close it as it is."""
        terms = Terms.of(settings(**self.given))
        broker = Paper(self.folder, terms.instrument, terms.market, terms.mischief)
        journal = Journal(self.folder)
        world = World(lambda: self.portfolio, self._history, lambda: TICKERS)
        desk = Desk(
            self.folder,
            self.wrap("journal", journal),
            self.wrap("broker", broker),
            terms,
            world,
            self.clock,
            self.said.append,
        )
        desk.boot(0, lambda: self.tell())
        for seq, fact in told:
            self.clock.at = self._when(fact)
            desk.hear(seq, fact)
        if self.panic:
            desk.panic()
        journal.close()
        self.statement = []
        while answer := broker.answer(len(self.statement)):
            self.statement.append(answer)
        self.holdings, self.working = broker.holdings(), broker.working()
        broker.close()
        return desk

    def _history(self, ticker: Ticker, count: int) -> list[Bar]:
        return bars(ticker, self.history + 40)[: self.history][-count:]

    def _when(self, fact: Any) -> Any:
        if isinstance(fact, BarTold):
            return closes(fact.ticker.timeframe, fact.bar.opened) + timedelta(seconds=0.1)
        if isinstance(fact, Signal):
            return closes(fact.ticker.timeframe, fact.opened) + timedelta(seconds=0.2)
        return self.clock.at


def slot_of(ticker: Ticker) -> str:
    return f"trader@{ticker.symbol}@{ticker.timeframe.name}"


__all__ = ["START", "TICKERS", "Account", "bars", "facts", "moment", "portfolio", "settings", "slot_of"]
