"""What a back-test is run with, and what it leaves behind."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

import numpy as np

from live_trader.core.bars import Tape, epoch, moment
from live_trader.core.book import Book, advance
from live_trader.core.events import PortfolioSet, Refuse, Stake, slot
from live_trader.core.fills import Market
from live_trader.core.instruments import Instrument
from live_trader.core.positions import Trade
from live_trader.core.risk import Limits
from live_trader.core.sizing import Plan
from live_trader.core.strategies import Strategy
from live_trader.errors import BadData, BadSettings


@dataclass(frozen=True, slots=True)
class Terms:
    """The account and the market: what it begins with, what it may do, what dealing costs, what is traded.

    `rates` say what a unit of another currency is worth in the account's.
    """

    instruments: Mapping[str, Instrument]
    capital: Decimal = Decimal(100_000)
    currency: str = "USD"
    limits: Limits = field(default_factory=Limits)
    market: Market = field(default_factory=Market)
    rates: Mapping[str, Decimal] = field(default_factory=dict)

    def rate(self, symbol: str) -> Decimal:
        """What a unit of the symbol's currency is worth in the account's."""
        return {**self.rates, self.currency: Decimal(1)}[self.instruments[symbol].currency]


@dataclass(frozen=True, slots=True, eq=False)
class Entrant:
    """One strategy on one tape, under a bot's id, with its plan and its share of the equity.

    Where the tape is of bids, `ask` is that of asks, bar for bar.
    """

    bot: str
    tape: Tape
    strategy: Strategy
    plan: Plan
    weight: Decimal = Decimal(1)
    ask: Tape | None = None

    def __post_init__(self) -> None:
        ticker, memory = self.tape.ticker, self.strategy.memory
        if len(self.tape) < memory:
            raise BadData(
                f"{ticker} has {len(self.tape)} bars where {self.bot} looks back on {memory}",
                "Give more bars",
            )
        if self.ask is not None and not np.array_equal(self.ask.times, self.tape.times):
            raise BadData(f"the bids and asks of {ticker} are not of the same bars", "Give both bar for bar")

    @property
    def slot(self) -> str:
        return slot(self.bot, self.tape.ticker)


@dataclass(frozen=True, slots=True)
class Walked:
    """The trades of a run as they ended, how often which rule refused an entry, and the cash that is left."""

    trades: tuple[Trade, ...]
    refused: Mapping[str, int]
    cash: Decimal

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.trades)


def fingerprint(trades: Iterable[Trade]) -> str:
    """One word for all of these trades, to the last digit of each."""
    digest = hashlib.sha256()
    for each in trades:
        money = (each.quantity, each.entry, each.exit, each.stop, each.target, each.fees, each.profit)
        figures = " ".join("-" if value is None else spelled(value) for value in money)
        times = f"{epoch(each.opened)} {epoch(each.closed)}"
        digest.update(f"{each.slot} {each.direction.value} {times} {figures} {each.reason}\n".encode())
    return digest.hexdigest()


def spelled(value: Decimal) -> str:
    """A number in its one plain spelling: no trailing zeros, no exponent, no negative zero."""
    return f"{value.normalize() + 0:f}"


def opened(entrants: Sequence[Entrant], terms: Terms) -> Book:
    """A new account with these strategies on it, or an error that says why it cannot be."""
    book = Book.opened("t", terms.currency, terms.capital, terms.instruments, terms.limits, terms.rates)
    stakes = tuple(Stake(each.bot, each.tape.ticker, each.weight, each.plan) for each in entrants)
    began = moment(min(int(each.tape.times[0]) for each in entrants))
    book, commands = advance(book, PortfolioSet(1, stakes, began))
    for command in commands:
        if isinstance(command, Refuse):
            raise BadSettings(command.refusal.sentence)
    return book
