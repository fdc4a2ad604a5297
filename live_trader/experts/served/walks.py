"""From the ranks of a row to the leaf it comes to in every tree: four ways, each for its kind of forest."""

from __future__ import annotations

from collections.abc import Callable
from itertools import accumulate
from operator import or_
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from live_trader.experts.served.numbers import Whole

LEAF = -1
"""Where a node names the column it asks about, this says that it is a leaf."""

Flags = NDArray[np.bool_]
Leaves = NDArray[np.floating[Any]]
Pick = Callable[[list[int]], Leaves]

_FEW = 20
_WORD = 64
_TABLE_BYTES = 2**22


class _Questions(NamedTuple):
    """All questions: column, rank and tree, and with which of the tree's leaves the sides begin and end."""

    column: Whole
    rank: Whole
    tree: Whole
    left: Whole
    right: Whole
    end: Whole


def quickest(cuts: Whole, at: Whole, sizes: list[int], leaves: Leaves) -> Pick:
    """The way that is the quickest for these trees and takes no more memory than it is worth."""
    counts = _leaves_of(cuts != LEAF)
    if len(counts) <= _FEW:
        return steps(cuts, at, leaves)
    if counts.max() <= _WORD and sum(sizes) * len(counts) <= _TABLE_BYTES:
        return table(cuts, at, sizes, leaves)
    return levels(cuts, at, leaves)


def _leaves_of(inner: Flags) -> Whole:
    """How many leaves each tree has."""
    roots, _ = shape(inner)
    counts: Whole = np.diff([*roots, len(inner)]) + 1 >> 1
    return counts


def table(cuts: Whole, at: Whole, sizes: list[int], leaves: Leaves) -> Pick:
    """Each rank of a column leaves some leaves of a tree; what all columns leave is the one leaf.

    A tree's leaves are the bits of a word. There is a word for each number of a tree's questions about a
    column that send a row to the right; a table has these numbers for each rank of each column.
    """
    inner = cuts != LEAF
    if not inner.any():
        return lambda _: leaves
    counts = _leaves_of(inner)
    first_leaf = np.cumsum(counts) - counts
    asked = _questions(cuts, at, first_leaf)
    words, first_word = _words(asked, counts, len(sizes))
    rights, first_row = _rights(asked, sizes, len(counts))
    both, bits, before = np.bitwise_and.reduce, np.frexp, first_leaf - 1  # frexp counts the bits from one

    def pick(ranks: list[int]) -> Leaves:
        told = rights.take(first_row + np.array(ranks, np.int64), axis=0)
        reached: Leaves = leaves.take(before + bits(both(words.take(first_word + told)))[1])
        return reached

    return pick


def _words(asked: _Questions, counts: Whole, columns: int) -> tuple[NDArray[Any], Whole]:
    """The words of every column and tree, and where those of each begin."""
    group = asked.column * len(counts) + asked.tree
    order = np.lexsort((asked.rank, group))
    sides = zip(*(each[order].tolist() for each in (asked.left, asked.right, asked.end)), strict=True)
    bits = [((1 << right) - (1 << left), (1 << end) - (1 << right)) for left, right, end in sides]
    numbers = np.bincount(group, minlength=columns * len(counts))
    words: list[int] = []
    upto = 0
    for number, leaves in zip(numbers.tolist(), counts.tolist() * columns, strict=True):
        here = bits[upto : upto + number]
        passed = accumulate((left for left, _ in here), or_, initial=0)
        ahead = [*accumulate((right for _, right in reversed(here)), or_, initial=0)]
        words += [(1 << leaves) - 1 ^ (one | other) for one, other in zip(passed, ahead[::-1], strict=True)]
        upto += number
    kind = np.min_scalar_type((1 << int(counts.max())) - 1)
    return np.array(words, kind), (np.cumsum(numbers + 1) - numbers - 1).astype(np.int32).reshape(columns, -1)


def _rights(asked: _Questions, sizes: list[int], trees: int) -> tuple[NDArray[np.uint8], Whole]:
    """How many questions send a row to the right, by rank of each column and tree, and each column's row."""
    rows = np.array(sizes) + 1
    first_row = np.cumsum(rows) - rows
    rights = np.zeros((rows.sum(), trees), np.uint8)
    np.add.at(rights, (first_row[asked.column] + asked.rank + 1, asked.tree), 1)
    for first, count in zip(first_row.tolist(), rows.tolist(), strict=True):
        here = rights[first : first + count]
        np.add.accumulate(here, axis=0, dtype=np.uint8, out=here)
    return rights, first_row


def _questions(cuts: Whole, at: Whole, first_leaf: Whole) -> _Questions:
    inner = cuts != LEAF
    roots, right = shape(inner)
    end = np.zeros(len(cuts) + 1, np.int64)
    end[roots] = [*roots[1:], len(cuts)]
    ends, rights = end.tolist(), right.tolist()
    nodes = np.flatnonzero(inner)
    for node in nodes.tolist():
        ends[node + 1], ends[rights[node]] = rights[node], ends[node]
    before = np.concatenate(([0], np.cumsum(~inner)))  # how many leaves stand before each node
    tree = np.searchsorted(roots, nodes, side="right") - 1
    sides = (before[each] - first_leaf[tree] for each in (nodes, right[nodes], np.array(ends)[nodes]))
    return _Questions(cuts[nodes], at[nodes], tree, *sides)


def steps(cuts: Whole, at: Whole, leaves: Leaves) -> Pick:
    """One question after the other: for few trees, of any size."""
    inner = cuts != LEAF
    roots, right = shape(inner)
    first, column, rank, right_side = (each.tolist() for each in (roots, cuts, at, right))
    number = (np.cumsum(~inner) - 1).tolist()

    def pick(ranks: list[int]) -> Leaves:
        reached = []
        for node in first:
            while (asked := column[node]) != LEAF:
                node = node + 1 if ranks[asked] <= rank[node] else right_side[node]
            reached.append(number[node])
        return leaves[reached]

    return pick


def levels(cuts: Whole, at: Whole, leaves: Leaves) -> Pick:
    """One step down in all trees at once, until all are at a leaf: for many trees too large for a table."""
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
