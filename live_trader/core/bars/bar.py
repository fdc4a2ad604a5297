"""Tickers, and the closed bar, which cannot be made impossible."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from functools import total_ordering
from typing import Self

from live_trader.errors import BadBar, BadData

_CHEAPEST, _DEAREST, _BUSIEST = 1e-15, 1e15, 1e24  # whatever lies between can be squared and divided safely
_SYMBOL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._|&+=#-]{0,63}", re.ASCII)


@total_ordering
class Timeframe(Enum):
    """How long a bar lasts, in seconds."""

    S1 = 1
    S5 = 5
    S10 = 10
    S15 = 15
    S30 = 30
    M1 = 60
    M3 = 180
    M5 = 300
    M10 = 600
    M15 = 900
    M30 = 1800
    H1 = 3600
    H4 = 14400
    D1 = 86400

    # Each is one object, and Enum's own hash is a call of Python for every look-up.
    __hash__ = object.__hash__

    def __lt__(self, other: object) -> bool:
        return self.value < other.value if isinstance(other, Timeframe) else NotImplemented

    def __init__(self, seconds: int) -> None:
        self.seconds = seconds

    @classmethod
    def parse(cls, text: str) -> Self:
        """The timeframe of this name, or an error that lists them."""
        try:
            return cls[text]
        except KeyError:
            raise BadData(
                f"{text!r} is not a timeframe", f"Use one of {', '.join(cls.__members__)}"
            ) from None


@dataclass(frozen=True, slots=True, order=True)
class Ticker:
    """A symbol with a timeframe; its symbol is safe as one part of a path."""

    symbol: str
    timeframe: Timeframe

    def __post_init__(self) -> None:
        if not _SYMBOL.fullmatch(self.symbol) or ".." in self.symbol:
            raise BadData(
                f"{self.symbol!r} is not a symbol",
                "Use letters, digits and . _ | & + = # - only, beginning with a letter or digit, 64 at most",
            )

    @classmethod
    def parse(cls, text: str) -> Self:
        """`AUDUSD M1` as a ticker."""
        symbol, _, timeframe = text.strip().rpartition(" ")
        if not symbol:
            raise BadData(f"{text!r} is not a ticker", "Write symbol and timeframe, as in AUDUSD M1")
        return cls(symbol.strip(), Timeframe.parse(timeframe))

    def __str__(self) -> str:
        return f"{self.symbol} {self.timeframe.name}"


@dataclass(frozen=True, slots=True)
class Bar:
    """One closed open-high-low-close-volume, stamped with the UTC moment it opened."""

    opened: datetime
    open: float
    high: float
    low: float
    close: float
    volume: float

    def __post_init__(self) -> None:
        if self.opened.tzinfo is not UTC:
            raise BadBar(f"a bar opened at {self.opened} is not stamped in UTC")
        if not (
            _CHEAPEST <= self.low <= self.open <= self.high <= _DEAREST
            and self.low <= self.close <= self.high
            and 0.0 <= self.volume <= _BUSIEST
        ):
            raise BadBar(f"the bar of {self.opened:%Y-%m-%d %H:%M:%S} is impossible: {self._fault()}")

    def _fault(self) -> str:
        values = {"open": self.open, "high": self.high, "low": self.low, "close": self.close}
        for name, value in {**values, "volume": self.volume}.items():
            if not math.isfinite(value):
                return f"{name} is {value}"
        for name, value in values.items():
            if value <= 0.0:
                return f"{name} {value} is not positive"
            if not _CHEAPEST <= value <= _DEAREST:
                return f"{name} {value} is beyond all prices, {_CHEAPEST:g} to {_DEAREST:g}"
        if self.volume < 0.0:
            return f"volume {self.volume} is negative"
        if self.volume > _BUSIEST:
            return f"volume {self.volume} is beyond all volumes, 0 to {_BUSIEST:g}"
        if self.high < self.low:
            return f"high {self.high} is below low {self.low}"
        name = "close" if self.low <= self.open <= self.high else "open"
        return f"{name} {values[name]} lies outside {self.low} to {self.high}"


def moment(epoch: int) -> datetime:
    """Seconds since 1970 as a UTC time."""
    return datetime.fromtimestamp(epoch, UTC)


def epoch(when: datetime) -> int:
    """A UTC time on a whole second as seconds since 1970."""
    return int(when.timestamp())


def on_grid(timeframe: Timeframe, opened: datetime) -> bool:
    """Whether a bar of this timeframe can open at this moment."""
    return opened.microsecond == 0 and epoch(opened) % timeframe.seconds == 0


def closes(timeframe: Timeframe, opened: datetime) -> datetime:
    """The moment the bar that opened then is closed."""
    return moment(epoch(opened) + timeframe.seconds)
