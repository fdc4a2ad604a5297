"""Crossing averages: the SMA cross, the same with a longer timeframe's consent, and averages with an RSI."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import ClassVar

import numpy as np

from live_trader.core.bars import Tape, Timeframe, Window
from live_trader.core.resample import resample
from live_trader.core.rolling import Flags, mean, rsi, rsi_memory, shift
from live_trader.core.signals import Decision
from live_trader.core.strategies.chartist import Chartist, Signs, decision, never, require, signs, standing
from live_trader.errors import BadSettings

_NOISE = 1e-12
"""Averages nearer to each other than this share of the price are one: rounding is no cross."""


@dataclass(frozen=True)
class SmaCross(Chartist):
    """Wishes long on the bar where the fast average crosses above the slow one, short where below."""

    fast: int = 5
    slow: int = 12
    neutral_closes: ClassVar[bool] = False

    def __post_init__(self) -> None:
        require(self, 1, "fast")
        require(self, self.fast + 1, "slow")

    @property
    def memory(self) -> int:
        return self.slow + 1

    def wishes(self, tape: Tape) -> Signs:
        apart = mean(tape.close, self.fast) - mean(tape.close, self.slow)
        apart[np.abs(apart) < _NOISE * tape.close] = 0.0
        before = shift(apart, 1)
        return signs((before < 0.0) & (apart > 0.0), (before > 0.0) & (apart < 0.0))

    def decide(self, window: Window) -> Decision:
        """The last of `wishes` without making columns: the same sums in the same order, but faster."""
        closes = window.close[-self.slow - 1 :].tolist()
        fast, slow, gap = self.fast, self.slow, self.slow - self.fast
        before = reduce(add, closes[gap:-1]) / fast - reduce(add, closes[:-1]) / slow
        now = reduce(add, closes[gap + 1 :]) / fast - reduce(add, closes[1:]) / slow
        if abs(before) < _NOISE * closes[-2] or abs(now) < _NOISE * closes[-1]:
            return decision(0)
        return decision((before < 0.0 < now) - (now < 0.0 < before))


@dataclass(frozen=True)
class FilteredCross(Chartist):
    """The SMA cross, where the last bar of a longer timeframe closed on the same side of its average."""

    on: Timeframe = Timeframe.M1
    fast: int = 5
    slow: int = 12
    higher: str = "H1"
    trend: int = 20
    neutral_closes: ClassVar[bool] = False

    def __post_init__(self) -> None:
        require(self, 1, "trend")
        if self._higher.seconds % self.on.seconds:
            raise BadSettings(
                f"higher is {self.higher}", f"Give a timeframe made of whole {self.on.name} bars"
            )
        self._cross  # noqa: B018 - the averages have to be possible too

    @property
    def _higher(self) -> Timeframe:
        return Timeframe.parse(self.higher)

    @property
    def _cross(self) -> SmaCross:
        return SmaCross(self.fast, self.slow)

    @property
    def memory(self) -> int:
        ratio = self._higher.seconds // self.on.seconds
        return max(self._cross.memory, (self.trend + 2) * ratio)

    def wishes(self, tape: Tape) -> Signs:
        longer = resample(tape, self._higher)
        side = np.sign(longer.tape.close - mean(longer.tape.close, self.trend))
        known = np.concatenate(([0.0], np.nan_to_num(side)))[longer.seen]
        crossed = self._cross.wishes(tape)
        return signs((crossed > 0) & (known > 0.0), (crossed < 0) & (known < 0.0))


@dataclass(frozen=True)
class AverageRsi(Chartist):
    """Buys a dip in a rise, sells a rally in a fall: beyond the short average and overdone by the RSI.

    The wish comes when that has been so for exactly `offset` bars, and stands for `hold` bars.
    """

    length: int = 2
    short: int = 5
    long: int = 200
    oversold: float = 10.0
    overbought: float = 90.0
    offset: int = 1
    hold: int = 30

    def __post_init__(self) -> None:
        require(self, 1, "length", "short", "long", "offset", "hold")

    @property
    def memory(self) -> int:
        return max(self.short, self.long, rsi_memory(self.length)) + self.offset + self.hold

    def wishes(self, tape: Tape) -> Signs:
        close = tape.close
        short, long = shift(mean(close, self.short), 1), shift(mean(close, self.long), 1)
        strength = shift(rsi(close, self.length), 1)
        dip = (close > long) & (close < short) & (strength < self.oversold)
        rally = (close < long) & (close > short) & (strength > self.overbought)
        return standing(self._just(dip), self._just(rally), never(tape), never(tape), self.hold)

    def _just(self, flags: Flags) -> Flags:
        """Where the flags have been up for exactly `offset` bars."""
        up = flags.astype(np.float64)
        run = np.ones(len(flags), dtype=np.bool_)
        for back in range(self.offset):
            run &= shift(up, back) == 1.0
        return np.asarray(run & (shift(up, self.offset) == 0.0))
