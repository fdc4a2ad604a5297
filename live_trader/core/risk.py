"""What the account allows: every entry is approved, trimmed or refused, with the rule and its figures."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from msgspec import Struct

from live_trader.core.instruments import Instrument
from live_trader.core.orders import ZERO
from live_trader.core.portfolio import TradingState
from live_trader.core.sizing import Bracket, Plan, Room, size
from live_trader.errors import BadSettings


class Limits(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What holds for the account as a whole; shares are fractions of equity, None means without limit."""

    max_drawdown: Decimal = Decimal("0.15")
    max_leverage: Decimal = Decimal(3)
    max_daily_loss: Decimal | None = Decimal("0.03")
    max_open_trades: int = 6
    max_trades_a_day: int | None = None
    max_symbol: Decimal | None = None
    max_currency: Decimal | None = None

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise BadSettings(f"{name} is {value}", "Give a number above zero")


class Approval(Struct, frozen=True, gc=False):
    """Risk's yes: the quantity, and the cap that decided it."""

    quantity: Decimal
    rule: str


class Refusal(Struct, frozen=True, gc=False):
    """A no, with the rule that says so, the figure it met and the limit it has."""

    about: str
    rule: str
    figure: str
    limit: str
    when: datetime

    @property
    def sentence(self) -> str:
        return f"{self.about}: refused by {self.rule}, which is {self.figure} where the limit is {self.limit}"


class Account(Struct, frozen=True, gc=False):
    """The account as an entry finds it; exposures are values of what is held or being entered.

    `stopped` is when the slot's last stop was hit.
    """

    state: TradingState
    equity: Decimal
    peak: Decimal
    day_began_with: Decimal
    trades_today: int
    open_trades: int
    gross: Decimal = ZERO
    symbol: Decimal = ZERO
    currency: Decimal = ZERO
    stopped: datetime | None = None


class Ask(Struct, frozen=True, gc=False):
    """An entry that a slot would like to make: where, how far its stop, with what part of the equity."""

    slot: str
    when: datetime
    bracket: Bracket
    factor: Decimal
    weight: Decimal
    rate: Decimal


def verdict(
    limits: Limits, plan: Plan, instrument: Instrument, ask: Ask, account: Account
) -> Approval | Refusal:
    """Whether and in what quantity this entry may be made."""
    refusal = _state(limits, ask, account) or _pace(limits, plan, ask, account) or _prices(plan, ask)
    if refusal is not None:
        return refusal
    quantity, rule = size(plan, instrument, ask.bracket, ask.factor, _room(limits, ask, account), ask.rate)
    if quantity < instrument.minimum:
        return _no(ask, f"minimum size after {rule}", quantity, f"at least {instrument.minimum}")
    return Approval(quantity, rule)


def _no(ask: Ask, rule: str, figure: object, limit: object) -> Refusal:
    return Refusal(ask.slot, rule, str(figure), str(limit), ask.when)


def _state(limits: Limits, ask: Ask, account: Account) -> Refusal | None:
    equity, began = account.equity, account.day_began_with
    if account.state is not TradingState.ACTIVE:
        return _no(ask, "trading state", account.state.value, TradingState.ACTIVE.value)
    if equity <= ZERO:
        return _no(ask, "equity", equity, "above 0")
    if account.peak - equity > limits.max_drawdown * account.peak:
        return _no(ask, "drawdown", round(1 - equity / account.peak, 6), limits.max_drawdown)
    if limits.max_daily_loss is not None and began - equity >= limits.max_daily_loss * began:
        return _no(ask, "daily loss", round(1 - equity / began, 6), limits.max_daily_loss)
    return None


def _pace(limits: Limits, plan: Plan, ask: Ask, account: Account) -> Refusal | None:
    if account.open_trades >= limits.max_open_trades:
        return _no(ask, "open trades", account.open_trades, limits.max_open_trades)
    if limits.max_trades_a_day is not None and account.trades_today >= limits.max_trades_a_day:
        return _no(ask, "trades today", account.trades_today, limits.max_trades_a_day)
    if plan.hours is not None and not _within(plan, ask.when):
        return _no(ask, "trading hours", ask.when.time(), f"{plan.hours[0]} to {plan.hours[1]}")
    if plan.cool_down_s and account.stopped is not None:
        passed = (ask.when - account.stopped).total_seconds()
        if passed < plan.cool_down_s:
            return _no(ask, "cool-down after a stop", f"{passed:g} s", f"{plan.cool_down_s} s")
    return None


def _within(plan: Plan, when: datetime) -> bool:
    assert plan.hours is not None
    start, end = plan.hours
    now = when.time()
    return start <= now < end if start <= end else now >= start or now < end


def _prices(plan: Plan, ask: Ask) -> Refusal | None:
    bracket = ask.bracket
    if bracket.price <= ZERO:
        return _no(ask, "price", bracket.price, "above 0")
    if plan.wants_stop and bracket.stop is None:
        return _no(ask, "stop distance", bracket.distance, "at least one tick")
    if bracket.stop is not None and bracket.stop <= ZERO:
        return _no(ask, "stop price", bracket.stop, "above 0")
    if bracket.target is not None and bracket.target <= ZERO:
        return _no(ask, "target price", bracket.target, "above 0")
    return None


def _room(limits: Limits, ask: Ask, account: Account) -> Room:
    equity = account.equity
    return Room(
        equity * ask.weight,
        equity * limits.max_leverage - account.gross,
        None if limits.max_symbol is None else equity * limits.max_symbol - account.symbol,
        None if limits.max_currency is None else equity * limits.max_currency - account.currency,
    )
