"""The one market model: what a bar does to the orders that wait for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from enum import Enum

from msgspec import Struct

from live_trader.core.bars import Bar
from live_trader.core.instruments import Instrument
from live_trader.core.orders import ZERO, Fill, Kind, Order, Role, Side
from live_trader.errors import BadSettings


class FillAt(Enum):
    """When a market order is done: at the open of the next bar, or at once at the last close."""

    OPEN = "open"
    CLOSE = "close"


class Market(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What dealing costs: `slippage` is the share of the price that market and stop orders lose.

    The fee of a fill is `fee_rate` of its value but at least `fee_minimum`, and `fee_fixed` on top.
    """

    fill_at: FillAt = FillAt.OPEN
    slippage: float = 0.0
    fee_rate: Decimal = ZERO
    fee_minimum: Decimal = ZERO
    fee_fixed: Decimal = ZERO

    def __post_init__(self) -> None:
        if not 0.0 <= self.slippage < 1.0:
            raise BadSettings(f"slippage is {self.slippage}", "Give a share of the price from 0 to 1")
        for name in ("fee_rate", "fee_minimum", "fee_fixed"):
            value: Decimal = getattr(self, name)
            if not (value.is_finite() and value >= 0):
                raise BadSettings(f"{name} is {value}", "Give a number of at least 0")

    def fee(self, instrument: Instrument, quantity: Decimal, price: Decimal) -> Decimal:
        """The fee of this fill in the instrument's currency."""
        rated = quantity * price * instrument.multiplier * self.fee_rate
        return max(rated, self.fee_minimum) + self.fee_fixed

    def price(self, instrument: Instrument, sign: int, met: float, limit: Decimal | None = None) -> Decimal:
        """What an order that meets this price pays or gets: slipped without a limit, and never beyond one."""
        if limit is None:
            return instrument.price(met * (1.0 + sign * self.slippage)) or instrument.tick
        price = instrument.price(met)
        return min(price, limit) if sign > 0 else max(price, limit)


_TURN = {Role.EXIT: 0, Role.ENTRY: 1, Role.STOP: 2, Role.TARGET: 3}

_Sweep = Callable[[Order, Bar], float | None]


def fills(
    bar: Bar,
    orders: Iterable[Order],
    held: Mapping[int, Decimal],
    instrument: Instrument,
    market: Market,
    ask: Bar | None = None,
) -> list[Fill]:
    """Every fill this bar brings to orders that worked before it opened, in the order of time.

    `held` is what each trade holds, without sign, and limits what closes it. Buys look at the ask's bar where
    there is one. First comes the open: market orders, and stops and limits the market has gapped through;
    then the inside of the bar, where a stop comes before a target, and the target of an entry made inside
    the bar has to wait for the next.
    """
    met_by = [(order, ask if ask is not None and order.side is Side.BUY else bar) for order in orders]
    reached = [
        (order, seen) for order, seen in met_by if order.price is None or _inside(order, seen) is not None
    ]
    if not reached:
        return []
    dealt = _Dealt(dict(held), instrument, market)
    reached.sort(key=_turn)
    for sweep in (_at_open if market.fill_at is FillAt.OPEN else _gapped, _inside):
        for order, seen in reached:
            met = sweep(order, seen)
            if met is not None:
                dealt.deal(order, met, bar.opened, inside=sweep is _inside)
    return dealt.fills


def settle(
    close: float,
    orders: Iterable[Order],
    held: Mapping[int, Decimal],
    instrument: Instrument,
    market: Market,
    when: datetime,
    ask: float | None = None,
) -> list[Fill]:
    """The fills of market orders that are done at once at the last close, which was at `when`."""
    dealt = _Dealt(dict(held), instrument, market)
    prices = [(order, ask if ask is not None and order.side is Side.BUY else close) for order in orders]
    for order, price in sorted(prices, key=_turn):
        if order.kind is Kind.MARKET:
            dealt.deal(order, price, when, inside=False)
    return dealt.fills


def _turn(one: tuple[Order, object]) -> int:
    return _TURN[one[0].role]


def _at_open(order: Order, bar: Bar) -> float | None:
    return bar.open if order.kind is Kind.MARKET else _gapped(order, bar)


def _gapped(order: Order, bar: Bar) -> float | None:
    if order.price is None:
        return None
    beyond = bar.open - float(order.price)
    through = beyond * order.sign >= 0.0 if order.kind is Kind.STOP else beyond * order.sign <= 0.0
    return bar.open if through else None


def _inside(order: Order, bar: Bar) -> float | None:
    if order.price is None:
        return None
    price = float(order.price)
    upward = (order.kind is Kind.STOP) == (order.side is Side.BUY)
    return price if (bar.high >= price if upward else bar.low <= price) else None


class _Dealt:
    """The fills so far, and what they leave to be held and to be done."""

    def __init__(self, held: dict[int, Decimal], instrument: Instrument, market: Market) -> None:
        self.fills: list[Fill] = []
        self._held = held
        self._done: set[str] = set()
        self._entered_inside: set[int] = set()
        self._instrument, self._market = instrument, market

    def deal(self, order: Order, met: float, when: datetime, *, inside: bool) -> None:
        """Do what can be done of this order at the price it met."""
        if order.id in self._done or (order.role is Role.TARGET and order.trade in self._entered_inside):
            return
        quantity, held = order.remaining, self._held.get(order.trade, ZERO)
        if order.role is Role.ENTRY:
            self._held[order.trade] = held + quantity
            if inside:
                self._entered_inside.add(order.trade)
        else:
            quantity = min(quantity, held)
            self._held[order.trade] = held - quantity
        if quantity <= ZERO:
            return
        self._done.add(order.id)
        limit = order.price if order.kind is Kind.LIMIT else None
        price = self._market.price(self._instrument, order.sign, met, limit)
        fee = self._market.fee(self._instrument, quantity, price)
        self.fills.append(Fill(f"{order.id}.{len(order.fills) + 1}", order.id, quantity, price, fee, when))
