"""All that can happen to a desk, and all that can follow from it, as values a journal can keep."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from msgspec import Struct

from live_trader.core.bars import Bar, Ticker
from live_trader.core.orders import Fill, Order
from live_trader.core.portfolio import TradingState
from live_trader.core.positions import Trade
from live_trader.core.risk import Approval, Refusal
from live_trader.core.signals import Signal
from live_trader.core.sizing import Plan


class Stake(Struct, frozen=True):
    """What one strategy has on the account: its bot, its ticker, its share of the equity, and its plan."""

    bot: str
    ticker: Ticker
    weight: Decimal
    plan: Plan

    @property
    def slot(self) -> str:
        return slot(self.bot, self.ticker)


def slot(bot: str, ticker: Ticker) -> str:
    """The name under which a bot's orders, positions and trades in a ticker are kept."""
    return f"{bot}@{ticker.symbol}@{ticker.timeframe.name}"


class BarSeen(Struct, frozen=True, tag=True):
    """A bar of this ticker closed."""

    ticker: Ticker
    bar: Bar


class SignalSeen(Struct, frozen=True, tag=True):
    """A bot said what it wants to hold."""

    signal: Signal


class Accepted(Struct, frozen=True, tag=True):
    """The broker has the order and works it."""

    order: str
    when: datetime


class Filled(Struct, frozen=True, tag=True):
    """The broker did an order, or a part of it."""

    fill: Fill


class Rejected(Struct, frozen=True, tag=True):
    """The broker says no to an order, at once or after it had said yes."""

    order: str
    reason: str
    when: datetime


class Cancelled(Struct, frozen=True, tag=True):
    """The broker no longer works the order."""

    order: str
    when: datetime


class CancelFailed(Struct, frozen=True, tag=True):
    """The broker would not cancel the order: it works on."""

    order: str
    reason: str
    when: datetime


class Unanswered(Struct, frozen=True, tag=True):
    """The broker did not answer: nobody knows whether it has the order."""

    order: str
    when: datetime


class StateSet(Struct, frozen=True, tag=True):
    """The trading state is another one now: as the portfolio has it or, with a reason, of the desk's own."""

    state: TradingState
    when: datetime
    reason: str = ""


class PortfolioSet(Struct, frozen=True, tag=True):
    """These stakes are in force now."""

    version: int
    stakes: tuple[Stake, ...]
    when: datetime


class RatesSet(Struct, frozen=True, tag=True):
    """What one unit of each of these currencies is worth in the account's."""

    rates: Mapping[str, Decimal]
    when: datetime


class StrategyFailed(Struct, frozen=True, tag=True):
    """A strategy raised or answered nonsense: its slot trades no more until the next portfolio."""

    slot: str
    reason: str
    when: datetime


class FlattenAsked(Struct, frozen=True, tag=True):
    """Everything is to be closed now, whatever the trading state."""

    reason: str
    when: datetime


Event = (
    BarSeen
    | SignalSeen
    | Accepted
    | Filled
    | Rejected
    | Cancelled
    | CancelFailed
    | Unanswered
    | StateSet
    | PortfolioSet
    | RatesSet
    | StrategyFailed
    | FlattenAsked
)


class Submit(Struct, frozen=True, tag=True):
    """Send these orders of one trade, an entry with its stop and target together."""

    orders: tuple[Order, ...]
    approval: Approval


class Cancel(Struct, frozen=True, tag=True):
    """Ask the broker to cancel this order."""

    order: str


class Inquire(Struct, frozen=True, tag=True):
    """Ask the broker what became of this order, and do not send it again before it is known."""

    order: str


class Refuse(Struct, frozen=True, tag=True):
    """Make known what was refused."""

    refusal: Refusal


class Report(Struct, frozen=True, tag=True):
    """Make known the trade that is over."""

    trade: Trade


Command = Submit | Cancel | Inquire | Refuse | Report
