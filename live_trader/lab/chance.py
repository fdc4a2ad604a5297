"""How far luck alone would get: the chances that nothing, another time or many tries explain a result."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from live_trader.core.bars import Floats

NORMAL = NormalDist()
EULER = 0.5772156649015329
BLOCKS = 1000


@dataclass(frozen=True, slots=True)
class Deflated:
    """A Sharpe ratio per bar, and how probably it is above what the luckiest of so many tries would show."""

    sharpe: float
    expected: float
    trials: int
    probability: float


def deflated(returns: Floats, trials: int) -> Deflated:
    """The deflated Sharpe ratio of Bailey and Lopez de Prado, every try having no skill of its own."""
    count, spread = len(returns), float(returns.std(ddof=1))
    if spread == 0.0:
        return Deflated(0.0, 0.0, trials, 0.0)
    sharpe = float(returns.mean()) / spread
    scaled = (returns - returns.mean()) / returns.std()
    skewness, kurtosis = float(np.mean(scaled**3)), float(np.mean(scaled**4))
    expected = luckiest(trials, 1.0 / (count - 1))
    return Deflated(sharpe, expected, trials, probable(sharpe, expected, count, skewness, kurtosis))


def luckiest(trials: int, variance: float) -> float:
    """The Sharpe ratio to expect of the best of so many tries without skill, theirs varying that much."""
    if trials < 2:
        return 0.0
    far, farther = NORMAL.inv_cdf(1.0 - 1.0 / trials), NORMAL.inv_cdf(1.0 - 1.0 / (trials * math.e))
    return math.sqrt(variance) * ((1.0 - EULER) * far + EULER * farther)


def probable(sharpe: float, benchmark: float, count: int, skewness: float, kurtosis: float) -> float:
    """The chance that the true Sharpe ratio lies above the benchmark, returns not being normal."""
    doubt = 1.0 - skewness * sharpe + (kurtosis - 1.0) / 4.0 * sharpe * sharpe
    return NORMAL.cdf((sharpe - benchmark) * math.sqrt(count - 1) / math.sqrt(max(doubt, 1e-12)))


def nothing(changes: Floats, bars: float, draws: int, seed: int) -> float:
    """The chance of a mean this high if the true one were zero; blocks of about `bars` bars stay together."""
    count, mean = len(changes), float(changes.mean())
    if mean <= 0.0:
        return 1.0
    length = min(max(math.ceil(max(bars, count ** (1 / 3), count / BLOCKS)), 1), count)
    sums = np.concatenate(([0.0], np.cumsum(np.concatenate((changes, changes[: length - 1])) - mean)))
    blocks = sums[length:] - sums[:-length]
    pieces = math.ceil(count / length)
    drawn = np.random.default_rng(seed).integers(0, count, size=(draws, pieces))
    means = blocks[drawn].sum(axis=1) / (pieces * length)
    return float((1 + np.count_nonzero(means >= mean)) / (1 + draws))


def another_time(positions: Floats, moves: Floats) -> float:
    """The chance of earning this much with the same positions moved to another time: every shift is tried."""
    shifted = np.fft.irfft(np.fft.rfft(moves) * np.conj(np.fft.rfft(positions)), n=len(moves))
    earned = shifted[0] - 1e-9 * float(np.abs(moves).sum())
    return float(np.count_nonzero(shifted >= earned) / len(moves))
