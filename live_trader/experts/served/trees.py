"""Trees that ask how many of a column's thresholds a value is above, and what their leaves add up to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import msgspec
import numpy as np

from live_trader.core.bars import Floats
from live_trader.experts.served.curves import narrow_sigmoid, sigmoid
from live_trader.experts.served.cuts import Cut, cut, ranks
from live_trader.experts.served.layers import Columns, Row
from live_trader.experts.served.numbers import Whole, finite, floats, floats_to_bytes, whole, whole_to_bytes
from live_trader.experts.served.walks import LEAF, Leaves, quickest, shape, symmetric


class Link(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the sum of the leaves becomes a probability.

    `share`: divided by the scale. `logistic`: times the scale, through the logistic curve. `narrow`: the
    logistic curve, added and curved in single precision.
    """

    kind: Literal["share", "logistic", "narrow"]
    scale: float = 1.0

    def check(self) -> None:
        """Say what cannot be, as a ValueError."""
        if not 0.0 < self.scale < float("inf"):
            raise ValueError("the leaves of a forest are scaled by something that is not a positive number")

    def ready(self) -> Callable[[Leaves], float]:
        """The function of the leaves' values, in the order of the trees: they are added one by one."""
        add, scale = np.add.accumulate, self.scale
        if self.kind == "share":
            return lambda values: float(add(values)[-1]) / scale
        if self.kind == "logistic":
            return lambda values: sigmoid(scale * float(add(values)[-1]))
        return lambda values: narrow_sigmoid(add(values)[-1])

    def of(self, content: bytes) -> Leaves:
        """The leaves, as they are added up."""
        values = floats(content)
        return values.astype(np.float32) if self.kind == "narrow" else values


class Forest(msgspec.Struct, frozen=True, tag="forest", forbid_unknown_fields=True):
    """Trees of any shape, node after node: a question, all of its left side, all of its right side.

    `asked` of a node is the place of the cut it asks about, or LEAF. A row goes left when its rank there is
    at most the node's rank. `leaves` are the leaves' values, in the order of the nodes.
    """

    cuts: list[Cut]
    asked: bytes
    ranks: bytes
    leaves: bytes
    link: Link

    def check(self, width: int) -> None:
        """Say what cannot be, as a ValueError."""
        self.link.check()
        sizes = np.array([*(each.check(width) for each in self.cuts), 1])  # a leaf's rank is 0
        asked, at, leaves = whole(self.asked), whole(self.ranks), floats(self.leaves)
        finite(leaves)
        if not 0 < len(asked) == len(at) or np.count_nonzero(asked == LEAF) != len(leaves):
            raise ValueError("the nodes of a forest are not as many as they should be")
        if (
            (asked < LEAF).any()
            or (asked >= len(self.cuts)).any()
            or (at < 0).any()
            or (at >= sizes[asked]).any()
        ):
            raise ValueError("a node asks about a threshold that there is not")
        shape(asked != LEAF)

    def ready(self, columns: Columns) -> Callable[[Row], float]:
        """The probability of one row that has still to go through these columns."""
        asked, at, leaves = whole(self.asked), whole(self.ranks), self.link.of(self.leaves)
        sizes = [len(floats(each.marks)) for each in self.cuts]
        pick = quickest(asked, at, sizes, leaves)
        ranked, curve = ranks(self.cuts, columns), self.link.ready()
        return lambda row: curve(pick(ranked(row)))


class Symmetric(msgspec.Struct, frozen=True, tag="symmetric", forbid_unknown_fields=True):
    """Trees that ask one question on each level; the answers are the bits of the leaf's number, lowest first.

    There are `depth` questions to a tree. One that is always answered no has a rank beyond its thresholds.
    """

    cuts: list[Cut]
    depth: int
    asked: bytes
    ranks: bytes
    leaves: bytes
    link: Link

    def check(self, width: int) -> None:
        """Say what cannot be, as a ValueError."""
        self.link.check()
        sizes = np.array([each.check(width) for each in self.cuts])
        asked, at, leaves = whole(self.asked), whole(self.ranks), floats(self.leaves)
        finite(leaves)
        if not 0 < self.depth <= 16 or not 0 < len(asked) == len(at) or len(asked) % self.depth:
            raise ValueError("the questions of symmetric trees are not as many as they should be")
        if len(leaves) != (len(asked) // self.depth) << self.depth:
            raise ValueError("the leaves of symmetric trees are not as many as they should be")
        if (asked < 0).any() or (asked >= len(sizes)).any() or (at < 0).any() or (at > sizes[asked]).any():
            raise ValueError("a tree asks about a threshold that there is not")

    def ready(self, columns: Columns) -> Callable[[Row], float]:
        """The probability of one row that has still to go through these columns."""
        asked, at = (whole(each).reshape(-1, self.depth) for each in (self.asked, self.ranks))
        pick = symmetric(asked, at, self.link.of(self.leaves))
        ranked, curve = ranks(self.cuts, columns), self.link.ready()
        return lambda row: curve(pick(ranked(row)))


def forest(asked: Whole, numbers: Floats, columns: Columns, link: Link) -> Forest:
    """Trees node after node: the column asked about and its threshold, or LEAF and the leaf's value."""
    cuts, asked, at = _ranked(asked, numbers, columns)
    return Forest(
        cuts, whole_to_bytes(asked), whole_to_bytes(at), floats_to_bytes(numbers[asked == LEAF]), link
    )


def symmetric_forest(asked: Whole, marks: Floats, leaves: Floats, columns: Columns, link: Link) -> Symmetric:
    """Symmetric trees, a row each: columns asked about and their thresholds, LEAF for no question more."""
    depth = asked.shape[1]
    cuts, places, at = _ranked(asked.ravel(), marks.ravel(), columns)
    at[places == LEAF], places[places == LEAF] = len(floats(cuts[0].marks)), 0
    return Symmetric(
        cuts, depth, whole_to_bytes(places), whole_to_bytes(at), floats_to_bytes(leaves.ravel()), link
    )


def _ranked(asked: Whole, marks: Floats, columns: Columns) -> tuple[list[Cut], Whole, Whole]:
    """The cuts of the columns asked about, and the place of its cut and its rank for each question."""
    cuts: list[Cut] = []
    places, at = np.full(len(asked), LEAF), np.zeros(len(asked), np.int64)
    for column in np.unique(asked[asked != LEAF]).tolist():
        here = asked == column
        known, at[here] = np.unique(marks[here], return_inverse=True)
        places[here] = len(cuts)
        cuts.append(cut(column, columns.columns[column].stages, known))
    return cuts, places, at
