"""Estimators that ask the nearest training rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from live_trader.core.bars import Floats
from live_trader.errors import BadData
from live_trader.experts.served.layers import Row
from live_trader.experts.served.numbers import Matrix

_CLOSE = (
    1e-12  # relative to the squares they are the difference of, distances so close are one to scikit-learn
)


class Neighbours(msgspec.Struct, frozen=True, tag="neighbours", forbid_unknown_fields=True):
    """The training rows with their labels; so many of the nearest have a say, alike or by nearness."""

    rows: Matrix
    labels: bytes
    count: int
    metric: Literal["euclidean", "manhattan"]
    weighted: bool

    def check(self, width: int) -> None:
        """Say what cannot be, as a ValueError."""
        self.rows.check()
        if self.rows.columns != width or len(self.labels) != self.rows.rows or set(self.labels) - {0, 1}:
            raise ValueError("the training rows or their labels are not what they should be")
        if not 0 < self.count <= self.rows.rows:
            raise ValueError("more neighbours are asked than there are")

    def ready(self) -> Callable[[Row], float]:
        """The probability of one row."""
        labels = np.frombuffer(self.labels, np.uint8).astype(np.float64)
        nearness = _squares(self.rows.array) if self.metric == "euclidean" else _sums(self.rows.array)
        count, known = self.count, self.rows.array

        def probability(row: Row) -> float:
            values = np.array(row)
            distances, margin = nearness(values)
            near = _nearest(distances, labels, count, margin)
            if not self.weighted:
                return float(labels[near].sum()) / count
            differences = known[near] - values
            if self.metric == "euclidean":
                return _weighted(np.sqrt((differences**2).sum(axis=1)), labels[near])
            return _weighted(np.abs(differences).sum(axis=1), labels[near])

        return probability


def _squares(rows: Floats) -> Callable[[Floats], tuple[Floats, float]]:
    norms = np.einsum("ij,ij->i", rows, rows)
    largest = float(norms.max())

    def nearness(values: Floats) -> tuple[Floats, float]:
        own = float(values @ values)
        return norms - 2.0 * (rows @ values) + own, _CLOSE * (largest + own)

    return nearness


def _sums(rows: Floats) -> Callable[[Floats], tuple[Floats, float]]:
    largest = float(np.abs(rows).sum(axis=1).max())

    def nearness(values: Floats) -> tuple[Floats, float]:
        return np.abs(rows - values).sum(axis=1), _CLOSE * (largest + float(np.abs(values).sum()))

    return nearness


def _nearest(distances: Floats, labels: Floats, count: int, margin: float) -> NDArray[np.intp]:
    """The rows that are asked; a row that stands exactly between both classes cannot be answered for."""
    if count == len(distances):
        return np.arange(count)
    near = np.argpartition(distances, count)[: count + 1]
    last = np.sort(distances[near])[count - 1]
    if distances[near[count]] - last <= margin:
        tied = labels[np.abs(distances - last) <= margin]
        if tied.min() != tied.max():
            raise BadData(
                "training rows of both classes are equally near to this row",
                "Skip the bar, or serve the pipeline itself",
            )
    return near[:count]


def _weighted(distances: Floats, labels: Floats) -> float:
    here = distances == 0.0
    weights = here.astype(np.float64) if here.any() else 1.0 / distances
    return float((weights * labels).sum() / weights.sum())
