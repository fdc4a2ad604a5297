"""How long recursive averages remember what they were primed on."""

from __future__ import annotations

from math import exp, lgamma, log, log1p

FAINT = 1e-10
"""The part of its seed that an average may still hold: a tenth of the error that is allowed."""


def fade(weight: float, depth: int = 1) -> int:
    """How many steps `depth` averages in a chain, each moving by `weight` of the way, take to forget.

    What is left of the seeds after n steps is the chance of fewer than `depth` successes in n trials.
    """
    above = depth
    while _left(weight, depth, above) > FAINT:
        above *= 2
    below = above // 2
    while above - below > 1:
        middle = (above + below) // 2
        above, below = (middle, below) if _left(weight, depth, middle) <= FAINT else (above, middle)
    return above


def ema(length: int, depth: int = 1) -> int:
    """The steps an exponential average of this length takes."""
    return fade(2.0 / (length + 1.0), depth)


def wilder(length: int, depth: int = 1) -> int:
    """The steps an average in Wilder's smoothing takes."""
    return fade(1.0 / length, depth)


def _left(weight: float, depth: int, steps: int) -> float:
    if steps < depth or weight >= 1.0:
        return float(steps < depth)
    kept, moved = log1p(-weight), log(weight)
    return sum(
        exp(lgamma(steps + 1) - lgamma(k + 1) - lgamma(steps - k + 1) + k * moved + (steps - k) * kept)
        for k in range(depth)
    )
