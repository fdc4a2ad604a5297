"""How a strategy's wishes are traded: where stop and target lie, and the caps that trim a quantity."""

from __future__ import annotations

from datetime import time
from decimal import Decimal
from enum import Enum
from typing import TypeVar

from msgspec import Struct

from live_trader.core.bars import Floats
from live_trader.core.instruments import Instrument
from live_trader.core.orders import ZERO
from live_trader.errors import BadSettings

Number = TypeVar("Number", float, Floats)


class Sides(Enum):
    """Which directions a strategy may hold; the other one then only closes."""

    BOTH = "both"
    LONG = "long"
    SHORT = "short"

    def allows(self, sign: int) -> bool:
        return self is Sides.BOTH or (self is Sides.LONG) == (sign > 0)


class OnNeutral(Enum):
    """What a neutral signal does to a position."""

    HOLD = "hold"
    CLOSE = "close"


class OnOpposite(Enum):
    """What a signal against a position does to it."""

    REVERSE = "reverse"
    CLOSE = "close"


class OnFailure(Enum):
    """What becomes of the position of a strategy that failed; its stop and target stay if it is kept."""

    CLOSE = "close"
    KEEP = "keep"


class Plan(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How one strategy's wishes become orders; shares are fractions of its part of the equity.

    A stop lies `stop_atr` average true ranges or the share `stop_part` of the price away, a target
    `target_ratio` stop distances or the share `target_part` of the price; None means none. Without a stop the
    quantity follows from `max_position` and `funds` alone. Volume above `high_volume` times its mean makes a
    position `high_factor` as large, volume below `low_volume` times `low_factor`.
    """

    sides: Sides = Sides.BOTH
    on_neutral: OnNeutral = OnNeutral.HOLD
    on_opposite: OnOpposite = OnOpposite.REVERSE
    on_failure: OnFailure = OnFailure.CLOSE
    risk: Decimal | None = Decimal("0.005")
    max_position: Decimal = Decimal("0.2")
    funds: Decimal | None = None
    stop_atr: float | None = 1.5
    stop_part: float | None = None
    target_ratio: float | None = 1.2
    target_part: float | None = None
    atr_bars: int = 14
    volume_bars: int = 20
    high_volume: float = 1.5
    high_factor: Decimal = Decimal("1.2")
    low_volume: float = 0.8
    low_factor: Decimal = Decimal("0.8")
    cool_down_s: int = 0
    hours: tuple[time, time] | None = None

    def __post_init__(self) -> None:
        if self.stop_atr is not None and self.stop_part is not None:
            raise BadSettings(
                "a stop cannot be told by stop_atr and stop_part both", "Set one of them to none"
            )
        if self.atr_bars < 1 or self.volume_bars < 1 or self.cool_down_s < 0:
            raise BadSettings("atr_bars and volume_bars are at least 1, cool_down_s at least 0")
        for name in ("risk", "max_position", "funds", "stop_atr", "stop_part", "target_ratio", "target_part"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise BadSettings(f"{name} is {value}", "Give a number above zero, or none")

    @property
    def wants_stop(self) -> bool:
        return self.stop_atr is not None or self.stop_part is not None

    @property
    def depth(self) -> int:
        """How many bars of the ticker the plan looks back on."""
        return max(self.atr_bars + 1, self.volume_bars)


class Bracket(Struct, frozen=True, gc=False):
    """The price an entry reckons with, the distance to its stop, and the prices of its stop and target."""

    price: Decimal
    distance: Decimal
    stop: Decimal | None
    target: Decimal | None


def bracket(plan: Plan, instrument: Instrument, sign: int, close: float, atr: float) -> Bracket:
    """Where stop and target of an entry at this close would lie."""
    step = float(instrument.tick)
    far, away = distances(plan, close, atr)
    return on_grid(instrument, sign, round(close / step), round(far / step), round(away / step))


def distances(plan: Plan, close: Number, atr: Number) -> tuple[Number, Number]:
    """How far from this close a stop and a target lie; 0 means that none is wanted."""
    far = away = 0.0 * close
    if plan.stop_atr is not None:
        far = plan.stop_atr * atr
    elif plan.stop_part is not None:
        far = plan.stop_part * close
    if plan.target_part is not None:
        away = plan.target_part * close
    elif plan.target_ratio is not None:
        away = plan.target_ratio * far
    return far, away


def on_grid(instrument: Instrument, sign: int, price: int, far: int, away: int) -> Bracket:
    """A bracket from its price and distances counted in ticks."""
    tick = instrument.tick
    stop = tick * (price - sign * far) if far else None
    return Bracket(tick * price, tick * far, stop, tick * (price + sign * away) if away else None)


class Room(Struct, frozen=True, gc=False):
    """What there is to size with: the strategy's part of the equity, and what each limit leaves free."""

    capital: Decimal
    leverage: Decimal
    symbol: Decimal | None
    currency: Decimal | None


def size(
    plan: Plan, instrument: Instrument, bracket: Bracket, factor: Decimal, room: Room, rate: Decimal
) -> tuple[Decimal, str]:
    """The greatest quantity in whole lots that every cap allows, and the name of the cap that decided it."""
    worth = instrument.multiplier * rate
    value, name = room.capital * plan.max_position, "position size"
    if room.leverage < value:
        value, name = room.leverage, "leverage"
    if plan.funds is not None and plan.funds < value:
        value, name = plan.funds, "funds"
    if room.symbol is not None and room.symbol < value:
        value, name = room.symbol, "exposure of the symbol"
    if room.currency is not None and room.currency < value:
        value, name = room.currency, "exposure of the currency"
    least = value / (bracket.price * worth)
    if plan.risk is not None and bracket.distance:
        risked = room.capital * plan.risk * factor / (bracket.distance * worth)
        if risked < least:
            least, name = risked, "risk per trade"
    if instrument.maximum is not None and instrument.maximum < least:
        least, name = instrument.maximum, "maximum size"
    return instrument.whole(max(least, ZERO)), name
