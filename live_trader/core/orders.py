"""Instructions to a broker, the life each of them has, and what a broker answers."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import Enum

from msgspec import Struct
from msgspec.structs import replace

from live_trader.core.bars import Ticker
from live_trader.errors import IllegalStep

ZERO = Decimal(0)


class Side(Enum):
    """Whether an order buys or sells."""

    BUY = "buy"
    SELL = "sell"

    @classmethod
    def of(cls, sign: int) -> Side:
        """BUY for 1, SELL for -1."""
        return cls.BUY if sign > 0 else cls.SELL


class Kind(Enum):
    """At what price an order may be done: any, its own or better, or any once its own was seen."""

    MARKET = "market"
    LIMIT = "limit"
    STOP = "stop"


class Role(Enum):
    """What an order is for in the life of its trade."""

    ENTRY = "entry"
    EXIT = "exit"
    STOP = "stop"
    TARGET = "target"


class Status(Enum):
    """Where an order stands in its life."""

    NEW = "new"
    SUBMITTED = "submitted"
    WORKING = "working"
    UNKNOWN = "unknown"
    CANCELLING = "cancelling"
    FILLED = "filled"
    CANCELLED = "cancelled"
    REJECTED = "rejected"


_ENDS = frozenset({Status.FILLED, Status.CANCELLED, Status.REJECTED})
_UNHEARD = frozenset({Status.SUBMITTED, Status.UNKNOWN})
_STEPS: dict[Status, frozenset[Status]] = {
    Status.NEW: frozenset({Status.SUBMITTED}),
    Status.SUBMITTED: _ENDS | {Status.WORKING, Status.UNKNOWN, Status.CANCELLING},
    Status.WORKING: _ENDS | {Status.UNKNOWN, Status.CANCELLING},
    Status.UNKNOWN: _ENDS | {Status.WORKING},
    Status.CANCELLING: _ENDS | {Status.WORKING, Status.UNKNOWN},
    Status.FILLED: frozenset(),
    Status.CANCELLED: frozenset(),
    Status.REJECTED: frozenset(),
}


class Fill(Struct, frozen=True, gc=False):
    """A part of an order, or all of it, done at a price; the fee is in the instrument's currency."""

    id: str
    order: str
    quantity: Decimal
    price: Decimal
    fee: Decimal
    when: datetime


class Order(Struct, frozen=True, kw_only=True, gc=False):
    """An instruction under a client id, which a repeated request shares; `entry`, `stop`, `target` link it.

    A stop or a target works from the moment its entry is filled and never closes more than its trade holds.
    """

    id: str
    trade: int
    slot: str
    ticker: Ticker
    side: Side
    kind: Kind
    role: Role
    quantity: Decimal
    created: datetime
    price: Decimal | None = None
    entry: str = ""
    stop: str = ""
    target: str = ""
    reason: str = ""
    status: Status = Status.NEW
    filled: Decimal = ZERO
    fills: tuple[str, ...] = ()

    @property
    def symbol(self) -> str:
        return self.ticker.symbol

    @property
    def remaining(self) -> Decimal:
        """What is still to be done."""
        return self.quantity - self.filled

    @property
    def sign(self) -> int:
        """1 when it buys, -1 when it sells."""
        return 1 if self.side is Side.BUY else -1

    def step(self, status: Status) -> Order:
        """The order one step further in its life; a step that the table does not have is an error."""
        if status not in _STEPS[self.status]:
            raise IllegalStep(f"order {self.id} cannot go from {self.status.value} to {status.value}")
        return replace(self, status=status)

    def may(self, status: Status) -> bool:
        """Whether the table has this step from here."""
        return status in _STEPS[self.status]

    def take(self, fill: Fill) -> Order:
        """The order with this part of it done."""
        filled = self.filled + fill.quantity
        order = replace(self, filled=filled, fills=(*self.fills, fill.id))
        if filled == self.quantity:
            return order.step(Status.FILLED)
        return order.step(Status.WORKING) if order.status in _UNHEARD else order
