"""Breakouts of the last bars' range: Donchian's, failed ones that reverse, and of levels that held before."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from live_trader.core.bars import Floats, Tape
from live_trader.core.rolling import Flags, highest, lowest, shift
from live_trader.core.strategies.chartist import Chartist, Signs, never, require, standing
from live_trader.errors import BadSettings


@dataclass(frozen=True)
class Donchian(Chartist):
    """Follows a close that crosses out of the range of the last `length` bars, for `hold` bars at most.

    It leaves when the close crosses the other end of the range (`exit` 1) or its middle (`exit` 2).
    """

    length: int = 20
    exit: int = 1
    hold: int = 30

    def __post_init__(self) -> None:
        require(self, 1, "length", "hold")
        if self.exit not in (1, 2):
            raise BadSettings(
                f"exit is {self.exit}", "Give 1 for the other end of the range, 2 for its middle"
            )

    @property
    def memory(self) -> int:
        return self.length + 1 + self.hold

    def wishes(self, tape: Tape) -> Signs:
        upper = shift(highest(tape.high, self.length), 1)
        lower = shift(lowest(tape.low, self.length), 1)
        middle = (upper + lower) / 2.0
        long, short = _above(tape.close, upper), _below(tape.close, lower)
        if self.exit == 1:
            return standing(long, short, short, long, self.hold)
        return standing(long, short, _below(tape.close, middle), _above(tape.close, middle), self.hold)


@dataclass(frozen=True)
class Reversal(Chartist):
    """Bets against a break of the last `length` bars' range that was taken back within the bar."""

    length: int = 20
    hold: int = 20

    def __post_init__(self) -> None:
        require(self, 1, "length", "hold")

    @property
    def memory(self) -> int:
        return self.length + self.hold

    def wishes(self, tape: Tape) -> Signs:
        upper = shift(highest(tape.high, self.length), 1)
        lower = shift(lowest(tape.low, self.length), 1)
        long = (tape.low < lower) & (tape.close > lower)
        short = (tape.high > upper) & (tape.close < upper)
        return standing(long & ~short, short & ~long, never(tape), never(tape), self.hold)


@dataclass(frozen=True)
class SupportResistance(Chartist):
    """Follows a close that crosses a level which the last `length` bars have touched so many times.

    The level is the end of their range, and a bar touches it when it comes within `near` of the range.
    """

    length: int = 50
    touches: int = 2
    near: float = 0.1
    hold: int = 20

    def __post_init__(self) -> None:
        require(self, 1, "length", "touches", "hold")
        require(self, 0.0, "near")

    @property
    def memory(self) -> int:
        return self.length + 1 + self.hold

    def wishes(self, tape: Tape) -> Signs:
        upper = shift(highest(tape.high, self.length), 1)
        lower = shift(lowest(tape.low, self.length), 1)
        reach = (upper - lower) * self.near
        above, below = np.zeros(len(tape)), np.zeros(len(tape))
        for back in range(1, self.length + 1):
            above += shift(tape.high, back) >= upper - reach
            below += shift(tape.low, back) <= lower + reach
        long = _above(tape.close, upper) & (above >= self.touches)
        short = _below(tape.close, lower) & (below >= self.touches)
        return standing(long, short, short, long, self.hold)


def _above(close: Floats, level: Floats) -> Flags:
    """Where the close crosses a level upwards."""
    return np.asarray((close > level) & (shift(close, 1) <= shift(level, 1)))


def _below(close: Floats, level: Floats) -> Flags:
    """Where the close crosses a level downwards."""
    return np.asarray((close < level) & (shift(close, 1) >= shift(level, 1)))
