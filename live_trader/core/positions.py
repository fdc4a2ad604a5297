"""What is held, from open to flat, and the trade it was when it is over."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from msgspec import Struct
from msgspec.structs import replace

from live_trader.core.bars import Ticker
from live_trader.core.instruments import Instrument
from live_trader.core.orders import ZERO, Fill
from live_trader.core.signals import Direction


class Trade(Struct, frozen=True, kw_only=True, gc=False):
    """A position from open to flat; `profit`, net of `fees`, and `risked` are in the account's currency."""

    id: int
    slot: str
    ticker: Ticker
    direction: Direction
    quantity: Decimal
    entry: Decimal
    exit: Decimal
    stop: Decimal | None
    target: Decimal | None
    opened: datetime
    closed: datetime
    reason: str
    fees: Decimal
    profit: Decimal
    risked: Decimal


class Position(Struct, frozen=True, kw_only=True, gc=False):
    """What one trade holds now: `held` is signed, `entered` is all that its entry has brought so far.

    `entered_for` and `left_for` are the sums of quantity times price on the way in and out. `leaving` names
    why it is being closed, and is empty while it is not; `reason` is what closed the last part of it, and
    `exits` counts the orders sent to close it.
    """

    trade: int
    slot: str
    ticker: Ticker
    direction: Direction
    stop: Decimal | None
    target: Decimal | None
    risked: Decimal
    opened: datetime
    held: Decimal = ZERO
    entered: Decimal = ZERO
    entered_for: Decimal = ZERO
    left_for: Decimal = ZERO
    fees: Decimal = ZERO
    leaving: str = ""
    reason: str = ""
    exits: int = 0

    @property
    def sign(self) -> int:
        return 1 if self.direction is Direction.LONG else -1

    def profit(self, instrument: Instrument, price: Decimal) -> Decimal:
        """What it earns before fees, what is held counted at this price, in the instrument's currency."""
        moved = (self.left_for - self.entered_for) * self.sign + self.held * price
        return moved * instrument.multiplier

    def enter(self, fill: Fill, fee: Decimal) -> Position:
        """The position after a part of its entry was done."""
        first = not self.entered
        return replace(
            self,
            held=self.held + fill.quantity * self.sign,
            entered=self.entered + fill.quantity,
            entered_for=self.entered_for + fill.quantity * fill.price,
            fees=self.fees + fee,
            opened=fill.when if first else self.opened,
        )

    def leave(self, fill: Fill, fee: Decimal, reason: str) -> Position:
        """The position after a part of it was closed."""
        return replace(
            self,
            held=self.held - fill.quantity * self.sign,
            left_for=self.left_for + fill.quantity * fill.price,
            fees=self.fees + fee,
            reason=reason,
        )

    def ended(self, profit: Decimal, closed: datetime) -> Trade:
        """The trade this position was, once it is flat."""
        return Trade(
            id=self.trade,
            slot=self.slot,
            ticker=self.ticker,
            direction=self.direction,
            quantity=self.entered,
            entry=self.entered_for / self.entered,
            exit=self.left_for / self.entered,
            stop=self.stop,
            target=self.target,
            opened=self.opened,
            closed=closed,
            reason=self.reason,
            fees=self.fees,
            profit=profit,
            risked=self.risked,
        )
