"""The four ways to the leaves, held against a walk that takes one question after the other."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from live_trader.experts.served.walks import LEAF, levels, quickest, shape, steps, symmetric, table

SIZES = [3, 1, 5]

Node = tuple[int, int, object, object] | float


def trees(depth: int) -> st.SearchStrategy[Node]:
    """Nested questions: the cut, the rank, the left side, the right side."""
    leaf = st.floats(-1.0, 1.0)
    if not depth:
        return leaf
    question = st.sampled_from([(cut, rank) for cut, size in enumerate(SIZES) for rank in range(size)])
    side = trees(depth - 1)
    return leaf | st.builds(lambda asked, low, high: (*asked, low, high), question, side, side)


def written(forest: list[Node]) -> tuple[list[int], list[int], list[float]]:
    """The forest node after node: cuts, ranks and leaves."""
    cuts, at, leaves = [], [], []
    waiting = forest[::-1]
    while waiting:
        node = waiting.pop()
        if isinstance(node, float):
            cuts.append(LEAF)
            at.append(0)
            leaves.append(node)
        else:
            cut, rank, low, high = node
            cuts.append(cut)
            at.append(rank)
            waiting += (high, low)
    return cuts, at, leaves


def walked(node: Node, ranks: list[int]) -> float:
    while not isinstance(node, float):
        cut, rank, low, high = node
        node = low if ranks[cut] <= rank else high
    return node


rows = st.tuples(*(st.integers(0, size) for size in SIZES)).map(list)


@given(st.lists(trees(5), min_size=1, max_size=6), st.lists(rows, min_size=1, max_size=8))
def test_every_way_reaches_the_leaves_that_a_walk_reaches(forest: list[Node], asked: list[list[int]]) -> None:
    cuts, at, leaves = written(forest)
    arrays = np.array(cuts), np.array(at)
    ways = [way(*arrays, np.array(leaves)) for way in (steps, levels)]
    ways += [way(*arrays, SIZES, np.array(leaves)) for way in (table, quickest)]
    for ranks in asked:
        expected = [walked(tree, ranks) for tree in forest]
        assert [way(ranks).tolist() for way in ways] == [expected] * len(ways)


@given(st.data())
def test_answers_to_questions_of_a_level_number_the_leaf(data: st.DataObject) -> None:
    depth, count = data.draw(st.integers(1, 11)), data.draw(st.integers(1, 4))
    cuts = data.draw(st.lists(st.integers(0, 2), min_size=count * depth, max_size=count * depth))
    at = [data.draw(st.integers(0, SIZES[cut])) for cut in cuts]
    leaves = np.arange(float(count << depth))
    asked = np.array(cuts).reshape(count, depth), np.array(at).reshape(count, depth)
    pick, ranks = symmetric(*asked, leaves), data.draw(rows)
    expected = [
        (tree << depth)
        + sum((ranks[asked[0][tree, bit]] > asked[1][tree, bit]) << bit for bit in range(depth))
        for tree in range(count)
    ]
    assert pick(ranks).tolist() == expected


@pytest.mark.parametrize("cuts", [[0], [0, LEAF], [LEAF, 0, LEAF], [0, 0, LEAF, LEAF]])
def test_a_tree_that_is_not_whole_is_refused(cuts: list[int]) -> None:
    with pytest.raises(ValueError, match="not whole"):
        shape(np.array(cuts) != LEAF)


@pytest.mark.parametrize(
    ("trees", "questions", "marks", "way"),
    [(1, 400, 300, steps), (100, 30, 1000, table), (100, 64, 1000, levels), (5_000, 2, 1000, levels)],
)
def test_a_tree_is_walked_and_a_hundred_have_a_table_unless_they_are_too_large(
    trees: int, questions: int, marks: int, way: Callable[..., object]
) -> None:
    cuts, at = (
        np.array(([0] * questions + [LEAF] * (questions + 1)) * trees),
        np.zeros(trees * (2 * questions + 1), int),
    )
    pick = quickest(cuts, at, [marks], np.zeros(trees * (questions + 1)))
    assert pick.__qualname__ == f"{way.__qualname__}.<locals>.pick"
