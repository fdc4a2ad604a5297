"""Trees of scikit-learn taken apart: forests, boosted trees, single ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from live_trader.core.bars import Floats
from live_trader.experts.served.apart.parts import demand, kind, part
from live_trader.experts.served.layers import Columns
from live_trader.experts.served.numbers import Whole
from live_trader.experts.served.trees import Forest, Link, forest
from live_trader.experts.served.walks import LEAF

_TINY = np.finfo(np.float64).eps


def planted(trees: Iterable[tuple[Whole, Floats]], columns: Columns, link: Link) -> Forest:
    """Trees of columns asked about and thresholds or leaves, node after node, as one forest.

    Only finite numbers are thresholds, and there is at least one tree.
    """
    asked, numbers = zip(*trees, strict=True)
    everything = np.concatenate(numbers)
    demand(np.isfinite(everything).all(), "a threshold or a leaf of a tree is NaN or infinite")
    return forest(np.concatenate(asked), everything, columns, link)


def in_order(left: Whole, right: Whole) -> Whole:
    """The nodes of a tree one after the other: each before its left side, that before its right side."""
    order, waiting = [], [0]
    lefts, rights = left.tolist(), right.tolist()
    while waiting:
        node = waiting.pop()
        order.append(node)
        if lefts[node] >= 0:
            waiting += (rights[node], lefts[node])
    return np.array(order)


def narrowed(thresholds: Floats, *, below: bool = False) -> Floats:
    """The largest double whose single-precision rounding is at most the threshold, or below it."""
    with np.errstate(over="ignore"):
        single = thresholds.astype(np.float32)
        too_high = (single >= thresholds) if below else (single > thresholds)
        single = np.where(too_high, np.nextafter(single, np.float32(-np.inf)), single)
        following = np.nextafter(single, np.float32(np.inf)).astype(np.float64)
        middle = (single.astype(np.float64) + following) / 2
        ties = middle.astype(np.float32) <= single
    return np.where(ties, middle, np.nextafter(middle, -np.inf))


def decision_tree(estimator: Any, columns: Columns) -> Forest:
    """One tree: the share of class 1 in the leaf."""
    return planted([_shares(estimator)], columns, Link("share"))


def random_forest(estimator: Any, columns: Columns) -> Forest:
    """The mean of the trees' shares."""
    trees = part(estimator, "estimators_")
    return planted(map(_shares, trees), columns, Link("share", float(len(trees))))


def gradient_boosting(estimator: Any, columns: Columns) -> Forest:
    """A start, and what each tree adds to it."""
    start = part(estimator, "_raw_predict_init")(np.zeros((1, part(estimator, "n_features_in_"))))
    first = part(estimator, "init_")
    demand(
        isinstance(first, str) or (kind(first) == "sklearn.DummyClassifier" and first.strategy == "prior"),
        "a model of its own is at the start of the boosting",
    )
    rate = float(part(estimator, "learning_rate"))
    trees = [
        _tree(each.tree_, rate * each.tree_.value[:, 0, 0]) for each in part(estimator, "estimators_")[:, 0]
    ]
    scale = {"log_loss": 1.0, "exponential": 2.0}[part(estimator, "loss")]
    return planted(raised(trees, float(start[0, 0])), columns, Link("logistic", scale))


def raised(trees: list[tuple[Whole, Floats]], start: float | np.float32) -> list[tuple[Whole, Floats]]:
    """The trees with the start added, as precise as it is, to the leaves of the first: sums begin with it."""
    asked, numbers = trees[0]
    leaves = np.asarray(start) + numbers.astype(np.asarray(start).dtype)
    return [(asked, np.where(asked == LEAF, leaves, numbers)), *trees[1:]]


def histogram_boosting(estimator: Any, columns: Columns) -> Forest:
    """Gradient boosting on bins, whose thresholds are doubles."""
    start = np.ravel(part(estimator, "_baseline_prediction"))
    demand(len(start) == 1, "the boosting has more classes than two")
    demand(not np.any(part(estimator, "is_categorical_")), "a column of the boosting is a category")
    trees = [_histogram_tree(stage[0].nodes) for stage in part(estimator, "_predictors")]
    return planted(raised(trees, float(start[0])), columns, Link("logistic"))


def _histogram_tree(nodes: Any) -> tuple[Whole, Floats]:
    demand(not nodes["is_categorical"].any(), "a tree asks about a category")
    leaf = nodes["is_leaf"].astype(bool)
    left, right = (np.where(leaf, LEAF, nodes[side].astype(np.int64)) for side in ("left", "right"))
    order = in_order(left, right)
    asked = np.where(leaf, LEAF, nodes["feature_idx"].astype(np.int64))
    return asked[order], np.where(leaf, nodes["value"], nodes["num_threshold"])[order]


def adaptive_boosting(estimator: Any, columns: Columns) -> Forest:
    """Trees that vote, each with its weight, or by how sure they are."""
    members, weights = part(estimator, "estimators_"), part(estimator, "estimator_weights_")
    trees = all(kind(each) == "sklearn.DecisionTreeClassifier" for each in members)
    demand(trees, "the adaptive boosting is not one of trees")
    votes: Callable[[Any, float], Floats]
    votes = _sureness if part(estimator, "algorithm") == "SAMME.R" else _vote
    voting = [_tree(each.tree_, votes(each.tree_, weights[place])) for place, each in enumerate(members)]
    return planted(voting, columns, Link("logistic", 1.0 / float(weights.sum())))


def _sureness(tree: Any, weight: float) -> Floats:
    logs: Floats = np.log(np.clip(_fractions(tree), _TINY, None))
    return logs[:, 1] - logs[:, 0]


def _vote(tree: Any, weight: float) -> Floats:
    shares = _fractions(tree)
    return np.where(shares[:, 1] > shares[:, 0], 2 * weight, -2 * weight)


def _fractions(tree: Any) -> Floats:
    shares: Floats = tree.value[:, 0, :]
    return shares


def _shares(estimator: Any) -> tuple[Whole, Floats]:
    demand(part(estimator, "n_outputs_") == 1, "the trees have more than one target")
    tree = part(estimator, "tree_")
    return _tree(tree, _fractions(tree)[:, 1])


def _tree(tree: Any, leaves: Floats) -> tuple[Whole, Floats]:
    """A tree as scikit-learn keeps it: it reads its columns in single precision."""
    left, right = tree.children_left.astype(np.int64), tree.children_right.astype(np.int64)
    inner = left >= 0
    order = in_order(left, right)
    asked = np.where(inner, tree.feature.astype(np.int64), LEAF)
    numbers = np.where(inner, narrowed(tree.threshold), leaves)
    return asked[order], numbers[order]
