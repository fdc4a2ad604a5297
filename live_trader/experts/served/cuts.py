"""The thresholds of trees, moved from behind the transforms of a column to in front of them.

A tree asks only whether a transformed value is above a threshold, and the transforms rise. So the question
can be asked of the value itself, and the transforms need not be computed at all. Computed curves rise but
for their rounding: between `sure` and `above` of a threshold only the transformed value can tell.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterator
from functools import cache
from math import inf

import msgspec
import numpy as np

from live_trader.core.bars import Floats
from live_trader.experts.served.layers import Columns, Row
from live_trader.experts.served.numbers import Whole, finite, floats, floats_to_bytes
from live_trader.experts.served.stages import Stage, chain

HUGE = 1e30
"""A value farther from zero is no feature."""

_FARTHEST = float(np.finfo(np.float64).max)


class Cut(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Every threshold that trees have for one column, ascending.

    Behind the transforms the thresholds are `marks`. In front of them, a value up to `sure` is not above its
    mark, one from `above` on is.
    """

    column: int
    marks: bytes
    sure: bytes
    above: bytes

    def check(self, width: int) -> int:
        """How many thresholds there are; what cannot be is said as a ValueError."""
        marks, sure, above = floats(self.marks), floats(self.sure), floats(self.above)
        finite(marks)
        if not 0 <= self.column < width or not 0 < len(marks) == len(sure) == len(above):
            raise ValueError("the thresholds of a column are not of one number")
        if not ((np.diff(marks) > 0).all() and _rises(sure) and _rises(above) and (sure <= above).all()):
            raise ValueError("the thresholds of a column do not rise")
        return len(marks)


def _rises(values: Floats) -> bool:
    return not np.isnan(values).any() and bool((values[1:] >= values[:-1]).all())


def ranks(cuts: list[Cut], columns: Columns) -> Callable[[Row], list[int]]:
    """The function that says of a row how many thresholds of each cut its value is above."""
    plan = []
    for cut in cuts:
        column = columns.columns[cut.column]
        sure, above = array("d", floats(cut.sure)), array("d", (-inf, *floats(cut.above)))
        plan.append((column.source, sure, above, _slowly(cut.marks, column.stages)))

    def ranked(row: Row) -> list[int]:
        found = []
        for source, sure, above, slowly in plan:
            value = row[source]
            rank = bisect_left(sure, value)
            found.append(rank if above[rank] <= value else slowly(value))
        return found

    return ranked


def _slowly(thresholds: bytes, stages: list[Stage]) -> Callable[[float], int]:
    @cache
    def prepared() -> tuple[Callable[[float], float], list[float]]:
        return chain(stages), floats(thresholds).tolist()

    def rank(value: float) -> int:
        curve, marks = prepared()
        return bisect_left(marks, curve(value))

    return rank


def cut(column: int, stages: list[Stage], marks: Floats) -> Cut:
    """The thresholds `marks` of this column, moved in front of its stages."""
    sure, above = marks, np.nextafter(marks, inf)
    with np.errstate(all="ignore"):
        for stage in reversed(stages):
            sure, _ = _border(stage, sure - _doubt(stage, sure), np.less_equal)
            _, above = _border(stage, above + _doubt(stage, above), np.less)
    # Marks close together may be found crosswise within the rounding: the wider claim holds for both.
    sure, above = np.minimum.accumulate(sure[::-1])[::-1], np.maximum.accumulate(above)
    return Cut(column, floats_to_bytes(marks), floats_to_bytes(sure), floats_to_bytes(above))


def _doubt(stage: Stage, results: Floats) -> Floats:
    return np.where(np.isfinite(results), stage.doubt(results), 0.0)


def _border(stage: Stage, bounds: Floats, within: np.ufunc) -> tuple[Floats, Floats]:
    """For each bound the last value whose result is within it and the first whose is not, or infinities."""
    low, high = (np.full(len(bounds), _place(end)) for end in (-_FARTHEST, _FARTHEST))
    none = (bounds == -inf) | ~within(stage.many(_at(low)), bounds)
    everything = (bounds == inf) | within(stage.many(_at(high)), bounds)
    while (high - 1 > low).any():
        middle = (low >> 1) + (high >> 1) + (low & high & 1)
        inside = within(stage.many(_at(middle)), bounds)
        low, high = np.where(inside, middle, low), np.where(inside, high, middle)
    last, first = (np.where(none, -inf, np.where(everything, inf, _at(each))) for each in (low, high))
    return last, first


def on_and_beside(cut: Cut, stages: list[Stage]) -> Iterator[tuple[int, float, float]]:
    """Each threshold with values on both sides: its place, the last value not above, the first above."""
    curve = chain(stages)
    marks, sure, above = (floats(each).clip(-HUGE, HUGE) for each in (cut.marks, cut.sure, cut.above))
    for place, mark in enumerate(marks.tolist()):
        low, high = _place(sure[place]), _place(above[place])
        if curve(float(sure[place])) > mark or curve(float(above[place])) <= mark:
            continue
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if curve(_value(middle)) > mark else (middle, high)
        yield place, _value(low), _value(high)


def _place(value: float) -> int:
    """Where a float stands among all floats."""
    return int(_turned(np.array([value]).view(np.int64))[0])


def _value(place: int) -> float:
    return float(_at(np.array([place]))[0])


def _at(places: Whole) -> Floats:
    return _turned(places).view(np.float64)


def _turned(bits: Whole) -> Whole:
    return np.where(bits < 0, bits ^ np.int64(2**63 - 1), bits)
