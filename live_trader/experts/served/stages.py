"""What a pipeline does to one column before the estimator, as data that answers with the same bits."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from functools import lru_cache
from math import isfinite

import msgspec
import numpy as np

from live_trader.core.bars import Floats
from live_trader.experts.served.curves import probit
from live_trader.experts.served.numbers import finite, floats

Curve = Callable[[float], float]

_TINY = 2.0**-52
_EDGE = 1e-7  # so near an end of the quantiles, a value is the end
_LOWEST = probit(_EDGE - _TINY)
_HIGHEST = probit(1.0 - (_EDGE - _TINY))


class Scale(msgspec.Struct, frozen=True, tag="scale", forbid_unknown_fields=True):
    """Subtract, then divide: standard, robust and largest-absolute scaling."""

    subtract: float
    divide: float

    def check(self) -> None:
        """Say what cannot be, as a ValueError."""
        if not isfinite(self.subtract) or not 0.0 < self.divide < float("inf"):
            raise ValueError("a column is scaled by something that is not a positive number")

    def ready(self) -> Curve:
        """The transform of one value."""
        subtract, divide = self.subtract, self.divide
        return lambda value: (value - subtract) / divide

    def many(self, values: Floats) -> Floats:
        """The transform of many values."""
        return (values - self.subtract) / self.divide

    def doubt(self, results: Floats) -> Floats:
        """How far a result may be from rising with its value: not at all."""
        return np.zeros_like(results)


class Stretch(msgspec.Struct, frozen=True, tag="stretch", forbid_unknown_fields=True):
    """Multiply, then add: scaling into a range."""

    multiply: float
    add: float

    def check(self) -> None:
        """Say what cannot be, as a ValueError."""
        if not isfinite(self.add) or not 0.0 < self.multiply < float("inf"):
            raise ValueError("a column is stretched by something that is not a positive number")

    def ready(self) -> Curve:
        """The transform of one value."""
        multiply, add = self.multiply, self.add
        return lambda value: value * multiply + add

    def many(self, values: Floats) -> Floats:
        """The transform of many values."""
        return values * self.multiply + self.add

    def doubt(self, results: Floats) -> Floats:
        """How far a result may be from rising with its value: not at all."""
        return np.zeros_like(results)


class Clip(msgspec.Struct, frozen=True, tag="clip", forbid_unknown_fields=True):
    """Keep a value between two ends."""

    low: float
    high: float

    def check(self) -> None:
        """Say what cannot be, as a ValueError."""
        if not (isfinite(self.low) and isfinite(self.high) and self.low <= self.high):
            raise ValueError("a column is clipped between ends that are none")

    def ready(self) -> Curve:
        """The transform of one value."""
        low, high = self.low, self.high
        return lambda value: min(max(value, low), high)

    def many(self, values: Floats) -> Floats:
        """The transform of many values."""
        return np.clip(values, self.low, self.high)

    def doubt(self, results: Floats) -> Floats:
        """How far a result may be from rising with its value: not at all."""
        return np.zeros_like(results)


class Quantile(msgspec.Struct, frozen=True, tag="quantile", forbid_unknown_fields=True):
    """The share of the training values below a value, read between evenly spread quantiles.

    Where quantiles repeat, it is the middle of their shares: scikit-learn reads the table forwards and
    backwards. A `Normal` stage behind it makes the ends wider, hence `normal`.
    """

    points: bytes
    normal: bool

    def check(self) -> None:
        """Say what cannot be, as a ValueError."""
        points = floats(self.points)
        finite(points)
        if len(points) < 2 or (np.diff(points) < 0).any():
            raise ValueError("the quantiles of a column do not rise")

    def ready(self) -> Curve:
        """The transform of one value."""
        points: list[float] = floats(self.points).tolist()
        levels = shares(len(points))
        first, last, edge = points[0], points[-1], _EDGE
        normal = self.normal

        def share(value: float) -> float:
            if (value - edge < first) if normal else (value <= first):
                return 0.0
            if (value + edge > last) if normal else (value >= last):
                return 1.0
            above = bisect_right(points, value)
            low, level = points[above - 1], levels[above - 1]
            if low == value:
                return 0.5 * (level + levels[bisect_left(points, value)])
            high, next_level = points[above], levels[above]
            slope = (next_level - level) / (high - low)
            return 0.5 * ((slope * (value - low) + level) - (slope * (high - value) - next_level))

        return share

    def many(self, values: Floats) -> Floats:
        """The transform of many values."""
        points = floats(self.points)
        levels = np.array(shares(len(points)))
        back = np.interp(-values, -points[::-1], -levels[::-1])
        share: Floats = 0.5 * (np.interp(values, points, levels) - back)
        edge = _EDGE
        share[(values + edge > points[-1]) if self.normal else (values >= points[-1])] = 1.0
        share[(values - edge < points[0]) if self.normal else (values <= points[0])] = 0.0
        return share

    def doubt(self, results: Floats) -> Floats:
        """How far a result may be from rising with its value: the rounding where two lines meet."""
        return np.full_like(results, 2e-15)


class Normal(msgspec.Struct, frozen=True, tag="normal", forbid_unknown_fields=True):
    """The value of a normal distribution that a share lies below, the far ends cut off."""

    def check(self) -> None:
        """Say what cannot be, as a ValueError: nothing."""

    def ready(self) -> Curve:
        """The transform of one value."""
        return lambda value: min(max(probit(value), _LOWEST), _HIGHEST)

    def many(self, values: Floats) -> Floats:
        """The transform of many values; for building and proving, where scipy is at hand."""
        from scipy.special import ndtri

        deviates: Floats = np.clip(ndtri(np.clip(values, 0.0, 1.0)), _LOWEST, _HIGHEST)
        return deviates

    def doubt(self, results: Floats) -> Floats:
        """How far a result may be from rising with its value: the rounding of rational functions."""
        return 1e-13 * (1.0 + np.abs(results))


class Power(msgspec.Struct, frozen=True, tag="power", forbid_unknown_fields=True):
    """Yeo and Johnson's power of a column; below zero, of the mirror image with 2 less the exponent.

    One value goes through numpy as an array of one: its wide instructions round otherwise than Python does.
    """

    exponent: float
    mirrored: float

    def check(self) -> None:
        """Say what cannot be, as a ValueError."""
        if not isfinite(self.exponent) or not isfinite(self.mirrored):
            raise ValueError("a column is raised to a power that is no number")

    def ready(self) -> Curve:
        """The transform of one value."""
        exponent, mirrored = self.exponent, self.mirrored

        def curve(value: float) -> float:
            one = np.array([abs(value)])
            return float(_power(one, exponent)[0]) if value >= 0 else -float(_power(one, mirrored)[0])

        return curve

    def many(self, values: Floats) -> Floats:
        """The transform of many values."""
        results, rising = np.empty_like(values), values >= 0
        results[rising] = _power(values[rising], self.exponent)
        results[~rising] = -_power(-values[~rising], self.mirrored)
        return results

    def doubt(self, results: Floats) -> Floats:
        """How far a result may be from rising with its value: rounding, enlarged by a small exponent."""
        powers = (abs(self.exponent), abs(self.mirrored))
        blunt = sum(1.0 / each for each in powers if each >= _TINY)
        return 1e-14 * (1.0 + np.abs(results) + blunt)


def _power(values: Floats, exponent: float) -> Floats:
    if abs(exponent) < _TINY:
        return np.log1p(values)
    with np.errstate(over="ignore"):
        powers: Floats = (np.power(values + 1, exponent) - 1) / exponent
        return powers


Stage = Scale | Stretch | Clip | Quantile | Normal | Power


@lru_cache(maxsize=8)
def shares(count: int) -> list[float]:
    """That many shares, evenly from 0 to 1, as numpy spreads them."""
    step = 1.0 / (count - 1)
    return [*(place * step for place in range(count - 1)), 1.0]


def chain(stages: list[Stage]) -> Curve:
    """One curve of all these, in order."""
    curves = [stage.ready() for stage in stages]
    if len(curves) == 1:
        return curves[0]

    def curve(value: float) -> float:
        for each in curves:
            value = each(value)
        return value

    return curve
