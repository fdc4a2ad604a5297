"""The book: all a desk knows about its account, as one frozen value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from live_trader.core.bars import Bar, Ticker
from live_trader.core.events import Command, Stake
from live_trader.core.instruments import Instrument
from live_trader.core.orders import ZERO, Order, Role
from live_trader.core.portfolio import TradingState
from live_trader.core.positions import Position
from live_trader.core.risk import Account, Limits
from live_trader.core.signals import Direction
from live_trader.errors import BadSettings

K = TypeVar("K")
V = TypeVar("V")
Step = tuple["Book", tuple[Command, ...]]


class Seat(Struct, frozen=True):
    """Where one strategy sits: its stake, its last wish and when that was heard, and the trade it is in.

    `failure` says why it trades no more; `stopped` is when its last stop was hit.
    """

    stake: Stake
    wish: Direction = Direction.NEUTRAL
    heard: datetime | None = None
    trade: int = 0
    stopped: datetime | None = None
    failure: str = ""


class Book(Struct, frozen=True, kw_only=True):
    """Orders that live, positions, cash and what was last seen; `equity` and `peak` are as of the last bar.

    Client ids begin with `name`, and `serial` is the number of the last trade, so that no two orders of an
    account ever share one. `rates` say what a unit of a currency is worth in the account's.
    """

    name: str
    currency: str
    instruments: Mapping[str, Instrument]
    limits: Limits
    cash: Decimal
    equity: Decimal
    peak: Decimal
    day_began_with: Decimal
    rates: Mapping[str, Decimal]
    day: int = 0
    trades_today: int = 0
    state: TradingState = TradingState.ACTIVE
    version: int = 0
    serial: int = 0
    depth: int = 1
    seats: dict[str, Seat] = {}
    bars: dict[str, tuple[Bar, ...]] = {}
    marks: dict[str, float] = {}
    orders: dict[str, Order] = {}
    positions: dict[int, Position] = {}

    @classmethod
    def opened(
        cls,
        name: str,
        currency: str,
        cash: Decimal,
        instruments: Mapping[str, Instrument],
        limits: Limits,
        rates: Mapping[str, Decimal] | None = None,
    ) -> Book:
        """A new account with this much cash."""
        if not (cash.is_finite() and cash > 0):
            raise BadSettings(f"the account begins with {cash} {currency}", "Give it an amount above zero")
        return cls(
            name=name,
            currency=currency,
            instruments=instruments,
            limits=limits,
            cash=cash,
            equity=cash,
            peak=cash,
            day_began_with=cash,
            rates={**(rates or {}), currency: Decimal(1)},
        )

    @property
    def drawdown(self) -> Decimal:
        """How far below its peak the equity is, as a share."""
        return 1 - self.equity / self.peak

    @property
    def leverage(self) -> Decimal:
        """What is held, over the equity."""
        gross = sum((self.value(each) for each in self.positions.values()), ZERO)
        return gross / self.equity if self.equity > 0 else ZERO

    @property
    def held(self) -> tuple[Position, ...]:
        """The positions that hold something."""
        return tuple(each for each in self.positions.values() if each.held)

    def positions_of(self, *, slot: str = "", symbol: str = "") -> Iterator[Position]:
        """The positions of one slot, of one symbol, or both."""
        for each in self.positions.values():
            if slot in ("", each.slot) and symbol in ("", each.ticker.symbol):
                yield each

    def orders_of(self, *, slot: str = "", symbol: str = "") -> Iterator[Order]:
        """The living orders of one slot, of one symbol, or both."""
        for each in self.orders.values():
            if slot in ("", each.slot) and symbol in ("", each.symbol):
                yield each

    def net(self, symbol: str) -> Decimal:
        """What the account holds of a symbol over all strategies."""
        return sum((each.held for each in self.positions_of(symbol=symbol)), ZERO)

    def price(self, symbol: str) -> Decimal:
        """The last close of a symbol, 0 before there was one."""
        return self.instruments[symbol].price(self.marks.get(symbol, 0.0))

    def rate(self, symbol: str) -> Decimal:
        """What a unit of the symbol's currency is worth in the account's."""
        return self.rates[self.instruments[symbol].currency]

    def entry(self, position: Position) -> Order | None:
        """The order that opens this position, while it lives."""
        return self.orders.get(order_id(self, position.trade, Role.ENTRY))

    def value(self, position: Position) -> Decimal:
        """What a position holds or still buys into, at the last close, in the account's currency."""
        entry, symbol = self.entry(position), position.ticker.symbol
        quantity = abs(position.held) + (entry.remaining if entry else ZERO)
        return quantity * self.price(symbol) * self.instruments[symbol].multiplier * self.rate(symbol)

    def worth(self) -> Decimal:
        """Cash and what every position would bring at the last close."""
        total = self.cash
        for each in self.positions.values():
            symbol = each.ticker.symbol
            total += each.profit(self.instruments[symbol], self.price(symbol)) * self.rate(symbol)
        return total

    def account(self, seat: Seat) -> Account:
        """The account as an entry of this seat finds it; what the seat itself is closing no longer counts."""
        ticker, slot = seat.stake.ticker, seat.stake.slot
        currencies = set(self.instruments[ticker.symbol].currencies)
        gross = symbol = currency = ZERO
        count = 0
        for each in self.positions.values():
            if each.leaving and each.slot == slot:
                continue
            count += 1
            value = self.value(each)
            gross += value
            if each.ticker.symbol == ticker.symbol:
                symbol += value
            if not currencies.isdisjoint(self.instruments[each.ticker.symbol].currencies):
                currency += value
        return Account(
            self.state,
            self.worth(),
            self.peak,
            self.day_began_with,
            self.trades_today,
            count,
            gross,
            symbol,
            currency,
            seat.stopped,
        )

    def having(self, *, order: Order | None = None, position: Position | None = None) -> Book:
        """The book with this order or position in place of the one of the same id."""
        orders = self.orders if order is None else {**self.orders, order.id: order}
        held = self.positions if position is None else {**self.positions, position.trade: position}
        return replace(self, orders=orders, positions=held)

    def seated(self, seat: Seat) -> Book:
        """The book with this seat in place of the one of the same slot."""
        return replace(self, seats={**self.seats, seat.stake.slot: seat})

    def gauge(self, ticker: Ticker) -> tuple[Bar, ...]:
        """The last bars of a ticker, newest last."""
        return self.bars.get(str(ticker), ())


def order_id(book: Book, trade: int, role: Role, number: int = 0) -> str:
    """The client id of an order, the same on every run."""
    return f"{book.name}{trade}-{role.value}{number or ''}"


def without(values: dict[K, V], key: K) -> dict[K, V]:
    """The same values but for this key."""
    return {each: value for each, value in values.items() if each != key}
