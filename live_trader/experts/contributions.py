"""How much each feature moved a model's answer away from what it answers to the golden rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from math import factorial
from typing import Literal

import numpy as np

from live_trader.core.bars import Floats
from live_trader.core.strategies.experts import Model
from live_trader.experts.served import Served
from live_trader.experts.served.cuts import ranks
from live_trader.experts.served.layers import Columns
from live_trader.experts.served.linear import Linear
from live_trader.experts.served.numbers import floats, whole
from live_trader.experts.served.trees import Forest, Symmetric
from live_trader.experts.served.walks import LEAF, shape

_MOST_REFERENCES = 16

Method = Literal["TreeSHAP", "weights", "leave one out"]
Unit = Literal["log-odds", "probability"]


@dataclass(frozen=True, slots=True)
class Contributions:
    """What each column added to the answer, in this unit, beyond the mean answer to the golden rows.

    `TreeSHAP` and `weights` are Shapley values, so base and shares add up to the model's own sum. `leave one
    out` is the change when a column takes its golden median; it promises no sum.
    """

    method: Method
    unit: Unit
    base: float
    shares: tuple[float, ...]


def contributions(model: Model, row: Floats, golden: Floats) -> Contributions:
    """The contributions to this model's answer to a row, against the golden rows of its training."""
    if isinstance(model, Served) and len(model.form.layers) == 1:
        columns, estimator = model.form.layers[0], model.form.estimator
        assert isinstance(columns, Columns)
        if isinstance(estimator, Forest | Symmetric):
            return _of_trees(estimator, columns, row, _spread(golden))
        if isinstance(estimator, Linear) and estimator.curve == "logistic":
            return _of_weights(estimator, columns, row, golden)
    return _left_out(model, row, golden)


def _spread(golden: Floats) -> Floats:
    picked = np.linspace(0, len(golden) - 1, min(_MOST_REFERENCES, len(golden)))
    return golden[picked.astype(np.intp)]


def _of_weights(estimator: Linear, columns: Columns, row: Floats, golden: Floats) -> Contributions:
    weights = floats(estimator.weights)
    usual = columns.many(golden).mean(axis=0)
    moved = weights * (columns.many(row[None])[0] - usual)
    shares = np.zeros(len(row))
    np.add.at(shares, [column.source for column in columns.columns], moved)
    return Contributions(
        "weights", "log-odds", float(weights @ usual) + estimator.add, tuple(shares.tolist())
    )


def _left_out(model: Model, row: Floats, golden: Floats) -> Contributions:
    answer, usual = model.probability(row), np.median(golden, axis=0)
    shares = []
    for place in range(len(row)):
        without = row.copy()
        without[place] = usual[place]
        shares.append(answer - model.probability(without))
    return Contributions("leave one out", "probability", model.probability(usual), tuple(shares))


class _Grown:
    """The nodes of a forest: what each asks, where it leads, what its leaves are worth."""

    def __init__(self, forest: Forest) -> None:
        asked = whole(forest.asked)
        inner = asked != LEAF
        roots, right = shape(inner)
        values = np.zeros(len(asked))
        values[~inner] = floats(forest.leaves)
        self.roots: list[int] = roots.tolist()
        self._asked, self._ranks = asked.tolist(), whole(forest.ranks).tolist()
        self._right: list[int] = right.tolist()
        self._values: list[float] = values.tolist()

    def leaf(self, node: int) -> float | None:
        """What this node is worth, when it is a leaf."""
        return self._values[node] if self._asked[node] == LEAF else None

    def asks(self, node: int) -> tuple[int, int, int, int]:
        """The cut and rank a node asks about, and the nodes where no and yes lead."""
        return self._asked[node], self._ranks[node], node + 1, self._right[node]


class _Level:
    """The nodes of symmetric trees, numbered as heaps one after the other."""

    def __init__(self, trees: Symmetric) -> None:
        self._depth, self._size = trees.depth, 2 << trees.depth
        self._asked, self._ranks = whole(trees.asked).tolist(), whole(trees.ranks).tolist()
        self._leaves: list[float] = floats(trees.leaves).tolist()
        self.roots = [tree * self._size + 1 for tree in range(len(self._asked) // self._depth)]

    def leaf(self, node: int) -> float | None:
        """What this node is worth, when it is a leaf."""
        tree, place = divmod(node, self._size)
        if place < 1 << self._depth:
            return None
        path = place - (1 << self._depth)
        number = int(f"{path:0{self._depth}b}"[::-1], 2)  # the first answer is the lowest bit of a leaf
        return self._leaves[(tree << self._depth) + number]

    def asks(self, node: int) -> tuple[int, int, int, int]:
        """The cut and rank a node asks about, and the nodes where no and yes lead."""
        tree, place = divmod(node, self._size)
        question = tree * self._depth + place.bit_length() - 1
        below = tree * self._size + 2 * place
        return self._asked[question], self._ranks[question], below, below + 1


def _of_trees(trees: Forest | Symmetric, columns: Columns, row: Floats, golden: Floats) -> Contributions:
    """Interventional TreeSHAP: exact Shapley values of the sum of the leaves, averaged over references."""
    grown = _Grown(trees) if isinstance(trees, Forest) else _Level(trees)
    ranked = ranks(trees.cuts, columns)
    sources = [columns.columns[cut.column].source for cut in trees.cuts]
    mine = ranked(row.tolist())
    shares, base = [0.0] * len(row), 0.0
    for reference in golden:
        its = ranked(reference.tolist())
        for root in grown.roots:
            for value, ours, theirs in _paths(grown, root, mine, its, sources):
                base += value if not ours else 0.0
                _credit(shares, value, ours, theirs)
    scale = _scale(trees) / len(golden)
    unit: Unit = "probability" if trees.link.kind == "share" else "log-odds"
    return Contributions("TreeSHAP", unit, base * scale, tuple(share * scale for share in shares))


def _scale(trees: Forest | Symmetric) -> float:
    scales = {"share": 1.0 / trees.link.scale, "logistic": trees.link.scale, "narrow": 1.0}
    return scales[trees.link.kind]


def _paths(
    grown: _Grown | _Level, root: int, mine: list[int], its: list[int], sources: list[int]
) -> Iterator[tuple[float, int, int]]:
    """Each leaf that a mixture of two rows can come to, with the columns it takes from either as bits."""
    ahead = [(root, 0, 0)]
    while ahead:
        node, ours, theirs = ahead.pop()
        value = grown.leaf(node)
        if value is not None:
            yield value, ours, theirs
            continue
        cut, rank, no, yes = grown.asks(node)
        here, there = (yes if ranked[cut] > rank else no for ranked in (mine, its))
        bit = 1 << sources[cut]
        if here == there or ours & bit:
            ahead.append((here, ours, theirs))
        elif theirs & bit:
            ahead.append((there, ours, theirs))
        else:
            ahead += [(here, ours | bit, theirs), (there, ours, theirs | bit)]


def _credit(shares: list[float], value: float, ours: int, theirs: int) -> None:
    for taken, weigh, sign in ((ours, _weight, 1.0), (theirs, _against, -1.0)):
        worth = sign * value * weigh(ours.bit_count(), theirs.bit_count()) if taken else 0.0
        while taken:
            low = taken & -taken
            shares[low.bit_length() - 1] += worth
            taken ^= low


@cache
def _weight(ours: int, theirs: int) -> float:
    return factorial(ours - 1) * factorial(theirs) / factorial(ours + theirs)


def _against(ours: int, theirs: int) -> float:
    return _weight(theirs, ours)
