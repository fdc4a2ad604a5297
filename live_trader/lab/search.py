"""The recipe search: for each indicator and side, the lengths that rank bars most like the target does.

The measure is Spearman's correlation. Against a target of points and plain bars it needs nothing but the sum
of the points' ranks, so one sort of an indicator's values serves every side; no rank is ever written down.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from live_trader.core.bars import Floats, Tape
from live_trader.core.features import Recipe, Step
from live_trader.core.indicators import CLASSIC, Columns, Indicator, find
from live_trader.lab.evidence import POINT, SIDES, UNSETTLED, Labels, Side
from live_trader.lab.spans import Span

NAMES = tuple(indicator.name for indicator in CLASSIC)
_IDLE = {"stochf_k": ("fastd",)}  # this length moves the first value and changes none: its first is as good
_SAME = 1e-12  # correlations closer than this are equal, and the first lengths win


@dataclass(frozen=True, slots=True)
class Choice:
    """A step of a recipe, and the correlation it was chosen for."""

    step: Step
    correlation: float


def memory(names: Sequence[str] = NAMES) -> int:
    """How many bars the longest lengths of these indicators look back."""
    return max(find(name).memory(*(length.search[-1] for length in find(name).lengths)) for name in names)


def search(
    tape: Tape,
    span: Span,
    labels: Mapping[Side, Labels],
    names: Sequence[str] = NAMES,
    threads: int = 1,
) -> Mapping[Side, tuple[Choice, ...]]:
    """The steps of each side's recipe, chosen from the bars before `span.stop` only."""
    begin = max(0, span.start - memory(names))
    columns = Columns.of(tape.cut(begin, span.stop))
    settled = np.logical_and.reduce([labels[side][span.start : span.stop] != UNSETTLED for side in SIDES])
    rows = np.flatnonzero(settled) + (span.start - begin)
    points = [labels[side][span.start : span.stop][settled] == POINT for side in SIDES]
    with ThreadPoolExecutor(threads) as pool:
        found = pool.map(lambda name: list(_best(find(name), columns, rows, points)), names)
        chosen = [each for choices in found for each in choices]
    return {side: tuple(choices[number] for choices in chosen) for number, side in enumerate(SIDES)}


def recipe(choices: Sequence[Choice]) -> Recipe:
    """The recipe of these choices, in order."""
    return Recipe(tuple(choice.step for choice in choices))


def first_best(correlations: Sequence[float]) -> int:
    """Which of these is largest either way; of equal ones the first."""
    sizes = np.abs(np.nan_to_num(correlations))
    return int(np.argmax(sizes >= sizes.max() - _SAME))


def _lengths(indicator: Indicator) -> Iterator[tuple[int, ...]]:
    """Every combination of lengths to try, in the order of their ranges."""
    idle = _IDLE.get(indicator.name, ())
    ranges = [each.search[:1] if each.name in idle else each.search for each in indicator.lengths]
    return product(*ranges)


def _best(
    indicator: Indicator, columns: Columns, rows: NDArray[np.intp], points: Sequence[NDArray[np.bool_]]
) -> Iterator[tuple[Choice, ...]]:
    """For each output of an indicator, the choice of each side."""
    options = list(_lengths(indicator))
    found: list[list[Sequence[float]]] = [[] for _ in indicator.outputs]
    for lengths in options:
        with np.errstate(all="ignore"):
            made = indicator.batch(columns, *lengths)
        for output, values in zip(found, made, strict=True):
            output.append(correlations(values[rows], points))
    for name, output in zip(indicator.outputs, found, strict=True):
        best = [first_best([each[side] for each in output]) for side in range(len(points))]
        named = name if len(indicator.outputs) > 1 else ""
        yield tuple(
            Choice(Step(indicator.name, options[at], named), output[at][side]) for side, at in enumerate(best)
        )


def correlations(values: Floats, points: Sequence[NDArray[np.bool_]]) -> Sequence[float]:
    """Spearman's correlation of the values with each target; 0 where either is constant.

    Tied values share their mean rank; values that are not finite count as 0, as in a row of features.
    """
    finite = np.isfinite(values)
    if not finite.all():
        values = np.where(finite, values, 0.0)
    ordered = np.sort(values)
    count = len(values)
    spread = (float(count) ** 3 - _tied(ordered)) / 12.0
    return [_correlation(ordered, values[chosen], spread) for chosen in points]


def _tied(ordered: Floats) -> float:
    """The sum over all runs of equal values of their lengths cubed."""
    count = len(ordered)
    starts = np.flatnonzero(ordered[1:] != ordered[:-1])
    if len(starts) == count - 1:
        return float(count)
    runs = np.diff(starts, prepend=-1, append=count - 1).astype(np.float64)
    return float(np.sum(runs * runs * runs))


def _correlation(ordered: Floats, chosen: Floats, spread: float) -> float:
    count, points = len(ordered), len(chosen)
    plain = count - points
    if not points or not plain or spread <= 0.0:
        return 0.0
    chosen = np.sort(chosen)  # neighbours are then found next to each other
    below = np.searchsorted(ordered, chosen, "left").sum(dtype=np.float64)
    upto = np.searchsorted(ordered, chosen, "right").sum(dtype=np.float64)
    excess = (below + upto + points) / 2.0 - points * (count + 1) / 2.0
    return float(excess / sqrt(spread * points * plain / count))
