"""What the bots serve now: allocations, the trading state, and the version both carry."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

from live_trader.core.bars import Ticker
from live_trader.core.signals import Coefficients
from live_trader.errors import BadData


class TradingState(Enum):
    """What the desk may do: anything, only make positions smaller, or nothing."""

    ACTIVE = "ACTIVE"
    REDUCING = "REDUCING"
    HALTED = "HALTED"


@dataclass(frozen=True, slots=True)
class Allocation:
    """A ticker's share of equity, the models that serve it, and how they were selected, as text."""

    ticker: Ticker
    weight: float
    coefficients: Coefficients
    method: str

    def __post_init__(self) -> None:
        if not 0.0 <= self.weight < math.inf:
            raise BadData(f"the weight {self.weight} of {self.ticker} is not a share", "Use 0 or more")


@dataclass(frozen=True, slots=True)
class Portfolio:
    """The allocations now in force, and whether a person put them there; a ticker may have several rows.

    An empty portfolio that was put wants nothing; where none was ever put, nobody has said what is wanted.
    """

    version: int
    state: TradingState
    allocations: tuple[Allocation, ...]
    put: bool

    @property
    def wanted(self) -> tuple[Ticker, ...] | None:
        """The tickers it wants served, which may be none at all; None where no portfolio was ever put."""
        return self.tickers if self.put else None

    @property
    def tickers(self) -> tuple[Ticker, ...]:
        """Every ticker of the portfolio once, in its order."""
        return tuple(dict.fromkeys(each.ticker for each in self.allocations))

    def named(self, ticker: Ticker) -> Coefficients | None:
        """The models it names for this ticker, or None when it names none."""
        rows = [each.coefficients for each in self.allocations if each.ticker == ticker]
        if not any(each.models for each in rows):
            return None
        positive = {name: weight for each in rows for name, weight in each.positive.items()}
        negative = {name: weight for each in rows for name, weight in each.negative.items()}
        return Coefficients(positive, negative)
