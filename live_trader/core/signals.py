"""Opinions of two experts, and the one wish a bot makes of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from live_trader.core.bars import Ticker


class Direction(Enum):
    """What a bot wants to hold; NEUTRAL is an opinion, not an absence."""

    LONG = "long"
    SHORT = "short"
    NEUTRAL = "neutral"

    @property
    def sign(self) -> int:
        return {Direction.LONG: 1, Direction.SHORT: -1, Direction.NEUTRAL: 0}[self]


def combine(long: bool, short: bool) -> Direction:
    """Two votes, one wish: agreement, either way, is no opinion."""
    if long == short:
        return Direction.NEUTRAL
    return Direction.LONG if long else Direction.SHORT


@dataclass(frozen=True, slots=True)
class Opinion:
    """What one model's two experts think of a bar: unrounded probabilities and the direction they give."""

    long: float
    short: float
    direction: Direction


@dataclass(frozen=True, slots=True)
class Coefficients:
    """How the named models vote: `positive` for their direction, `negative` against it."""

    positive: Mapping[str, float]
    negative: Mapping[str, float]

    @property
    def models(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*self.positive, *self.negative)))


def blend(directions: Mapping[str, Direction], coefficients: Coefficients) -> Direction:
    """The direction the weighted votes of the models add up to; a tie is neutral."""
    votes = [weight * directions[name].sign for name, weight in coefficients.positive.items()]
    votes += [-weight * directions[name].sign for name, weight in coefficients.negative.items()]
    wish, tie = sum(votes), 1e-9 * sum(map(abs, votes))  # 0.1 and 0.2 against 0.3 is a tie, not a hair
    if wish > tie:
        return Direction.LONG
    return Direction.SHORT if wish < -tie else Direction.NEUTRAL


@dataclass(frozen=True, slots=True)
class Decision:
    """What a strategy wants as of one bar, with the opinions it came from, and why it is held, if it is."""

    direction: Direction
    opinions: Mapping[str, Opinion]
    held: str = ""


@dataclass(frozen=True, slots=True)
class Lags:
    """Seconds from a bar's close until its worker received it, had the features, and had asked the models."""

    received: float
    features: float
    models: float


@dataclass(frozen=True, slots=True)
class Signal:
    """The direction a bot wants for its ticker as of a bar's close, with what led to it.

    `lags` tells its worker's pace and nothing of the signal, so it makes no two signals differ.
    A shadow is a challenger's signal: stored beside the champion's, never traded. One that is held is neutral
    whatever its opinions are, and says why.
    """

    bot: str
    ticker: Ticker
    opened: datetime
    direction: Direction
    opinions: Mapping[str, Opinion]
    bundle: str
    late: bool = False
    shadow: bool = False
    held: str = ""
    lags: Lags | None = field(default=None, compare=False)

    @property
    def key(self) -> tuple[str, Ticker, datetime, bool]:
        """What may exist only once."""
        return (self.bot, self.ticker, self.opened, self.shadow)
