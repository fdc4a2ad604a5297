"""From the ranks of a row to the leaf it comes to in every tree: three ways, each for its kind of forest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from live_trader.experts.served.numbers import Whole

LEAF = -1
"""Where a node names the column it asks about, this says that it is a leaf."""

Flags = NDArray[np.bool_]
Leaves = NDArray[np.floating[Any]]
Words = NDArray[np.uint64]
Pick = Callable[[list[int]], Leaves]

_TABLE_BITS = 2**25


def table(cuts: Whole, at: Whole, sizes: list[int], leaves: Leaves) -> Pick:
    """Each rank of a column allows some leaves; what all columns allow is the one leaf of each tree.

    The leaves are bits of one row of a table for each rank of each column.
    """
    possible = _possible(cuts, at, sizes, len(leaves))
    first = np.cumsum([0, *(size + 1 for size in sizes)])[:-1]
    count, unpack, both = len(leaves), np.unpackbits, np.bitwise_and.reduce

    def pick(ranks: list[int]) -> Leaves:
        left = both(possible.take(first + np.array(ranks, np.int64), axis=0))
        bits = unpack(left.view(np.uint8), count=count, bitorder="little")
        return leaves[bits.view(np.bool_)]

    return pick


def tabled(marks: int, leaves: int) -> bool:
    """Whether a table for so many thresholds and leaves is small enough to be worth it."""
    return marks * leaves <= _TABLE_BITS


def _possible(cuts: Whole, at: Whole, sizes: list[int], leaves: int) -> Words:
    """The rows of all ranks of the first column, then those of the second, and so on."""
    words = (leaves + 63) // 64
    possible = np.empty((sum(sizes) + len(sizes), words), np.uint64)
    questions, spans = _spans(cuts)
    row = 0
    for cut, size in enumerate(sizes):  # one after the other, so that little is held on the way
        here = cuts[questions] == cut
        columns = (at[questions[here]], *(each[here] for each in spans))
        for allowed in _allowed(size, (1 << leaves) - 1, *(column.tolist() for column in columns)):
            possible[row] = np.frombuffer(allowed.to_bytes(8 * words, "little"), np.uint64)
            row += 1
    return possible


def _allowed(
    size: int, everything: int, ranks: list[int], starts: list[int], middles: list[int], ends: list[int]
) -> list[int]:
    """The leaves that each rank of one column allows, by the questions that are asked about it."""
    low = [0] * (size + 1)  # leaves that a rank above this one leaves behind
    high = [0] * (size + 1)  # leaves that a rank up to this one leaves behind
    for rank, start, middle, end in zip(ranks, starts, middles, ends, strict=True):
        low[rank + 1] |= (1 << middle) - (1 << start)
        high[rank] |= (1 << end) - (1 << middle)
    for rank in range(1, len(low)):
        low[rank] |= low[rank - 1]
        high[-1 - rank] |= high[-rank]
    return [everything ^ (one | other) for one, other in zip(low, high, strict=True)]


def _spans(cuts: Whole) -> tuple[Whole, tuple[Whole, Whole, Whole]]:
    """All questions, and where the leaves of the left side of each begin, end and those of its right end."""
    inner = cuts != LEAF
    roots, right = shape(inner)
    end = np.zeros(len(cuts) + 1, np.int64)
    end[roots] = [*roots[1:], len(cuts)]
    ends, rights = end.tolist(), right.tolist()
    questions = np.flatnonzero(inner)
    for node in questions.tolist():
        ends[node + 1], ends[rights[node]] = rights[node], ends[node]
    before = np.concatenate(([0], np.cumsum(~inner)))  # how many leaves stand before each node
    return questions, (before[questions], before[right[questions]], before[np.array(ends)[questions]])


def levels(cuts: Whole, at: Whole, leaves: Leaves) -> Pick:
    """One step down in all trees at once, until all are at a leaf: for forests too large for a table."""
    inner = cuts != LEAF
    roots, right = shape(inner)
    questions = np.flatnonzero(inner)
    place = np.zeros(len(cuts), np.int64)  # where a node moves to: roots first, then pairs of siblings
    place[roots] = np.arange(len(roots))
    pairs = len(roots) + 2 * np.arange(len(questions))
    place[questions + 1], place[right[questions]] = pairs, pairs + 1
    column, rank, left = np.zeros(len(cuts), np.intp), np.full(len(cuts), 2**31 - 1), np.arange(len(cuts))
    column[place[questions]], rank[place[questions]] = cuts[questions], at[questions]
    left[place[questions]] = pairs
    values = np.zeros(len(cuts), leaves.dtype)
    values[place[~inner]] = leaves
    start, steps = np.arange(len(roots)), _depth(left, len(roots))

    def pick(ranks: list[int]) -> Leaves:
        row, node = np.array(ranks), start
        for _ in range(steps):
            node = left[node] + (row[column[node]] > rank[node])
        reached: Leaves = values[node]
        return reached

    return pick


def _depth(left: Whole, roots: int) -> int:
    node, depth = np.arange(roots), 0
    while len(node := left[node][left[node] != node]):
        node, depth = np.concatenate((node, node + 1)), depth + 1
    return depth


def shape(inner: Flags) -> tuple[Whole, Whole]:
    """The roots of trees written node after node, and each question's right side (its left one follows it).

    Nodes that are not whole trees, one after the other, are a ValueError.
    """
    steps = np.where(inner, 1, -1)
    open_before = np.cumsum(steps) - steps  # how many sides are still to come, less one for each tree done
    lowest = np.minimum.accumulate(open_before)
    if open_before[-1] + steps[-1] >= lowest[-1]:
        raise ValueError("a tree of the forest is not whole")
    roots = np.flatnonzero(np.diff(lowest, prepend=1))
    order = np.argsort(open_before, kind="stable")
    following = np.zeros(len(inner), np.int64)
    following[order[:-1]] = order[1:]  # a right side begins where as much is open as at its question
    return roots, following


def symmetric(cuts: Whole, at: Whole, leaves: Leaves) -> Pick:
    """The answers to a tree's questions, one row of it each, are the bits of its leaf's number."""
    trees, depth = cuts.shape
    width = 8 if depth <= 8 else 16
    column, rank = np.zeros((trees, width), np.intp), np.full((trees, width), 2**31 - 1)
    column[:, :depth], rank[:, :depth] = cuts, at
    column, rank, first = column.ravel(), rank.ravel(), np.arange(trees) * (1 << depth)
    kind = np.dtype(f"<u{width // 8}")

    def pick(ranks: list[int]) -> Leaves:
        bits = np.packbits(np.array(ranks).take(column) > rank, bitorder="little")
        reached: Leaves = leaves.take(first + bits.view(kind))
        return reached

    return pick
