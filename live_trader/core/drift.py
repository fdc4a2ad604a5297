"""How far the features of live bars have moved from those of training: the population stability index."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from live_trader.core.bars import Floats, Tape, Timeframe
from live_trader.core.features import STRIDE, Recipe, table

FAR: Final = 0.25
"""The usual reading of a PSI: below 0.1 nothing moved, above 0.25 it is another population."""

FEWEST: Final = 50
"""Fewer rows than this say nothing of a population."""

_BINS: Final = 5  # a bundle keeps some 64 golden rows: more bins than this would measure chance
_LEAST: Final = 1e-3
_DAY: Final = 86400


@dataclass(frozen=True, slots=True, eq=False)
class Usual:
    """One side's features as training knew them: the recipe, and rows it made of the training bars."""

    side: str
    recipe: Recipe
    rows: Floats


@dataclass(frozen=True, slots=True)
class Moved:
    """How far one feature has moved."""

    side: str
    name: str
    psi: float


@dataclass(frozen=True, slots=True)
class Tolerance:
    """The PSI over the last `bars` bars that no more than half of a bundle's features may exceed."""

    limit: float
    bars: int


USUAL: Final = Tolerance(FAR, 2000)
"""By which a bundle is marked where no other limit was set."""


def stability(expected: Floats, actual: Floats) -> float:
    """The population stability index of one feature, over the quantiles of what was expected."""
    edges = np.unique(np.quantile(expected, np.linspace(0, 1, _BINS + 1)[1:-1]))
    bins = len(edges) + 1
    shares = [
        np.maximum(np.bincount(np.searchsorted(edges, each, "left"), minlength=bins) / len(each), _LEAST)
        for each in (expected, actual)
    ]
    return float(np.sum((shares[1] - shares[0]) * np.log(shares[1] / shares[0])))


def moved(usual: Usual, rows: Floats) -> list[Moved]:
    """How far each feature of one side has moved in these rows, in the order of the recipe."""
    return [
        Moved(usual.side, name, stability(usual.rows[:, at], rows[:, at]))
        for at, name in enumerate(usual.recipe.columns)
    ]


def needed(sides: Iterable[Usual], bars: int) -> int:
    """How many bars it takes to have the rows of the last `bars` ones."""
    return bars + max(each.recipe.memory for each in sides) + STRIDE - 1


def drift(sides: Sequence[Usual], tape: Tape, bars: int) -> list[Moved]:
    """How far every feature has moved in the last `bars` bars of a tape that holds all they need."""
    return [each for side in sides for each in moved(side, table(side.recipe, tape)[-bars:])]


def typical(found: Sequence[Moved]) -> float:
    """The PSI of a whole bundle: above a limit exactly when more than half of its features are."""
    ranked = sorted((each.psi for each in found), reverse=True)
    return ranked[len(ranked) // 2] if ranked else 0.0


def period(timeframe: Timeframe) -> int:
    """Every so many seconds of the bars' own time drift is examined: each day, or each 128 bars if sooner."""
    return min(_DAY, STRIDE * timeframe.seconds)
