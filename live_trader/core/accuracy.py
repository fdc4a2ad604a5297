"""How well probabilities fit what happened: precision, recall, ranking, Brier score and calibration."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Final

import numpy as np

from live_trader.core.bars import Floats
from live_trader.core.targets import POINT, UNSETTLED, Labels

_NORMAL: Final = NormalDist()


@dataclass(frozen=True, slots=True)
class Bin:
    """The predictions between two probabilities: what they said on average, and how often it happened."""

    low: float
    high: float
    count: int
    said: float
    happened: float
    least: float
    most: float


@dataclass(frozen=True, slots=True)
class Accuracy:
    """The figures of one model on one side; None where a figure has no meaning.

    `base` is how often the label is a point at all, `auc` the chance that a point gets a higher probability
    than a bar that is none, `off` the mean distance between what the bins of `calibration` said and what
    happened.
    """

    rows: int
    base: float
    votes: int
    precision: float | None
    recall: float | None
    auc: float | None
    brier: float
    off: float
    calibration: tuple[Bin, ...]


def score(labels: Labels, probabilities: Floats, threshold: float) -> Accuracy | None:
    """The figures of these probabilities where the label is settled and there is one; None where none is."""
    known = (labels != UNSETTLED) & ~np.isnan(probabilities)
    points, said = labels[known] == POINT, probabilities[known]
    if not len(said):
        return None
    votes = said > threshold
    right, voted, there = int((votes & points).sum()), int(votes.sum()), int(points.sum())
    bins = calibration(points.astype(np.float64), said)
    return Accuracy(
        rows=len(said),
        base=there / len(said),
        votes=voted,
        precision=right / voted if voted else None,
        recall=right / there if there else None,
        auc=auc(points.astype(np.float64), said),
        brier=float(np.mean((said - points) ** 2)),
        off=sum(each.count * abs(each.said - each.happened) for each in bins) / len(said),
        calibration=bins,
    )


def auc(points: Floats, said: Floats) -> float | None:
    """The chance that a point gets the higher probability, a tie counting half; None with one class only."""
    there = float(points.sum())
    others = len(points) - there
    if not there or not others:
        return None
    _, place, count = np.unique(said, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(count) - (count - 1) / 2.0)[place]
    return float((ranks @ points - there * (there + 1.0) / 2.0) / (there * others))


def calibration(points: Floats, said: Floats, bins: int = 10) -> tuple[Bin, ...]:
    """Equal steps of probability, each with what was said and what happened; empty steps are left out."""
    place = np.minimum((said * bins).astype(np.int64), bins - 1)
    counts = np.bincount(place, minlength=bins)
    sums = np.bincount(place, weights=said, minlength=bins)
    hits = np.bincount(place, weights=points, minlength=bins)
    return tuple(
        Bin(
            at / bins,
            (at + 1) / bins,
            int(counts[at]),
            float(sums[at] / counts[at]),
            float(hits[at] / counts[at]),
            *wilson(int(hits[at]), int(counts[at])),
        )
        for at in np.flatnonzero(counts).tolist()
    )


def wilson(count: int, total: int, level: float = 0.95) -> tuple[float, float]:
    """Between which shares the true one lies, so many of so many having been counted."""
    if total == 0:
        return 0.0, 1.0
    z = _NORMAL.inv_cdf(0.5 + level / 2.0)
    share, more = count / total, z * z / total
    middle = (share + more / 2.0) / (1.0 + more)
    reach = math.sqrt(share * (1.0 - share) / total + more / (4.0 * total)) * z / (1.0 + more)
    return middle - reach if count else 0.0, middle + reach if count < total else 1.0
