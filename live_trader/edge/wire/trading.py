"""How orders, fills, trades, positions and equity are spelled: what the desk posts, and who asks gets."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Final, Literal

from msgspec import Meta, Struct
from msgspec.json import Decoder

from live_trader.edge.wire.v1 import Time

Id = Annotated[str, Meta(min_length=1, max_length=128)]
Number = Annotated[int, Meta(ge=0, le=2**62)]


class OrderText(Struct, frozen=True, kw_only=True):
    """An order as it stands now; the price of a market order is none."""

    id: Id
    trade: Number
    slot: Id
    symbol: str
    timeframe: str
    side: Literal["buy", "sell"]
    kind: Literal["market", "limit", "stop"]
    role: Literal["entry", "exit", "stop", "target"]
    quantity: Decimal
    price: Decimal | None
    status: Literal["new", "submitted", "working", "unknown", "cancelling", "filled", "cancelled", "rejected"]
    filled: Decimal
    reason: str
    created: Time


class FillText(Struct, frozen=True, kw_only=True):
    """A part of an order that was done."""

    id: Id
    order: Id
    quantity: Decimal
    price: Decimal
    fee: Decimal
    time: Time


class TradeText(Struct, frozen=True, kw_only=True):
    """A position from open to flat."""

    id: Number
    slot: Id
    symbol: str
    timeframe: str
    direction: Literal["long", "short"]
    quantity: Decimal
    entry: Decimal
    exit: Decimal
    stop: Decimal | None
    target: Decimal | None
    opened: Time
    closed: Time
    reason: str
    fees: Decimal
    profit: Decimal
    risked: Decimal


class PositionText(Struct, frozen=True, kw_only=True):
    """What one trade holds now; the quantity is negative when sold short."""

    trade: Number
    slot: Id
    symbol: str
    timeframe: str
    quantity: Decimal
    entry: Decimal
    stop: Decimal | None
    target: Decimal | None
    opened: Time
    leaving: str = ""


class EquityText(Struct, frozen=True, kw_only=True):
    """The account after one record of the desk's journal."""

    number: Number
    time: Time
    equity: Decimal
    cash: Decimal
    peak: Decimal


class HaltText(Struct, frozen=True, kw_only=True):
    """A halt of the desk's own: when it was, why, and the portfolio that the desk then knew."""

    time: Time
    reason: Annotated[str, Meta(min_length=1, max_length=500)]
    version: Number


class LedgerText(Struct, frozen=True, kw_only=True):
    """What became of an account since the record `after` of the desk's journal, up to the record `upto`.

    A `halt` brings the portfolio to HALTED, unless one was put since.
    """

    account: Id
    after: Number
    upto: Number
    state: Literal["ACTIVE", "REDUCING", "HALTED"]
    orders: tuple[OrderText, ...] = ()
    fills: tuple[FillText, ...] = ()
    trades: tuple[TradeText, ...] = ()
    positions: tuple[PositionText, ...] = ()
    equity: tuple[EquityText, ...] = ()
    halt: HaltText | None = None


class HoldingsText(Struct, frozen=True, kw_only=True):
    """What the desk holds, as of which record of its journal."""

    account: str
    upto: int
    state: Literal["ACTIVE", "REDUCING", "HALTED"]
    received_at: datetime
    positions: tuple[PositionText, ...]


class StoredOrder(OrderText, frozen=True, kw_only=True):
    """An order of the store."""

    seq: int


class StoredFill(FillText, frozen=True, kw_only=True):
    """A fill of the store."""

    seq: int


class StoredTrade(TradeText, frozen=True, kw_only=True):
    """A trade of the store."""

    seq: int


class OrdersText(Struct, frozen=True):
    """Orders in the order of their last change."""

    orders: tuple[StoredOrder, ...]


class FillsText(Struct, frozen=True):
    """Fills, oldest first."""

    fills: tuple[StoredFill, ...]


class TradesText(Struct, frozen=True):
    """Trades in the order in which they ended."""

    trades: tuple[StoredTrade, ...]


class EquitiesText(Struct, frozen=True):
    """The account over time, oldest first."""

    equity: tuple[EquityText, ...]


LEDGER: Final = Decoder(LedgerText)
HOLDINGS: Final = Decoder(HoldingsText)
