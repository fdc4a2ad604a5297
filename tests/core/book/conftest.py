"""A desk with two strategies on one symbol and one on another, and a hand that feeds it."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from live_trader.core.bars import Bar, Ticker, moment
from live_trader.core.book import Book, advance
from live_trader.core.events import (
    BarSeen,
    Cancel,
    Command,
    Event,
    Filled,
    PortfolioSet,
    Refuse,
    Report,
    SignalSeen,
    Stake,
    Submit,
)
from live_trader.core.instruments import Instrument
from live_trader.core.orders import Fill, Order
from live_trader.core.positions import Trade
from live_trader.core.risk import Limits, Refusal
from live_trader.core.signals import Direction, Signal
from live_trader.core.sizing import Plan

EUR, JPY = Ticker.parse("EURUSD M1"), Ticker.parse("USDJPY M1")
INSTRUMENTS = {
    "EURUSD": Instrument(
        symbol="EURUSD", currency="USD", base="EUR", tick=Decimal("0.001"), lot=Decimal(1), minimum=Decimal(1)
    ),
    "USDJPY": Instrument(
        symbol="USDJPY", currency="JPY", base="USD", tick=Decimal("0.1"), lot=Decimal(1), minimum=Decimal(1)
    ),
}


class Hand:
    """Feeds a book event by event and keeps everything that came of it."""

    def __init__(self, book: Book) -> None:
        self.start = self.book = book
        self.events: list[Event] = []
        self.commands: list[Command] = []

    def feed(self, event: Event) -> tuple[Command, ...]:
        self.book, commands = advance(self.book, event)
        self.events.append(event)
        self.commands.extend(commands)
        return commands

    def bar(
        self, minute: int, close: float, ticker: Ticker = EUR, spread: float = 0.01
    ) -> tuple[Command, ...]:
        seen = Bar(moment(60 * minute), close, close * (1 + spread), close * (1 - spread), close, 1.0)
        return self.feed(BarSeen(ticker, seen))

    def signal(
        self, minute: int, wish: Direction, bot: str = "a", ticker: Ticker = EUR, late: bool = False
    ) -> tuple[Command, ...]:
        return self.feed(SignalSeen(Signal(bot, ticker, moment(60 * minute), wish, {}, "v1", late)))

    def fill(
        self, order: str, price: str, minute: int, quantity: str = "", number: int = 1, fee: str = "0"
    ) -> tuple[Command, ...]:
        whole = self.book.orders[order].remaining if order in self.book.orders else Decimal(1)
        amount = Decimal(quantity) if quantity else whole
        return self.feed(
            Filled(
                Fill(f"{order}.{number}", order, amount, Decimal(price), Decimal(fee), moment(60 * minute))
            )
        )

    def refusals(self) -> list[Refusal]:
        return [each.refusal for each in self.commands if isinstance(each, Refuse)]

    def trades(self) -> list[Trade]:
        return [each.trade for each in self.commands if isinstance(each, Report)]

    def sent(self) -> list[Order]:
        return [order for each in self.commands if isinstance(each, Submit) for order in each.orders]

    def cancels(self) -> list[str]:
        return [each.order for each in self.commands if isinstance(each, Cancel)]


def _open(limits: Limits | None = None, cash: str = "100000", **plan: Any) -> Hand:
    settings = {"atr_bars": 1, "volume_bars": 1, **plan}
    stakes = (
        Stake("a", EUR, Decimal("0.5"), Plan(**settings)),
        Stake("b", EUR, Decimal("0.3"), Plan(**settings)),
        Stake("a", JPY, Decimal("0.2"), Plan(**settings)),
    )
    rates = {"JPY": Decimal("0.01")}
    hand = Hand(Book.opened("d", "USD", Decimal(cash), INSTRUMENTS, limits or Limits(), rates))
    hand.feed(PortfolioSet(1, stakes, moment(0)))
    hand.bar(0, 1.0)
    hand.bar(1, 1.0)
    hand.bar(0, 100.0, JPY)
    hand.bar(1, 100.0, JPY)
    return hand


@pytest.fixture(scope="session")
def desk() -> Callable[..., Hand]:
    """A new desk: 100,000 USD; EURUSD at 1.000 and USDJPY at 100.0 as of minute 1."""
    return _open
