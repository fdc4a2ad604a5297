"""LightGBM, XGBoost and CatBoost taken apart, by the models they export."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from live_trader.core.bars import Floats
from live_trader.experts.served.apart.parts import demand, part
from live_trader.experts.served.apart.woods import in_order, narrowed, planted, raised
from live_trader.experts.served.layers import Columns
from live_trader.experts.served.numbers import Whole
from live_trader.experts.served.trees import Forest, Link, Symmetric, symmetric_forest
from live_trader.experts.served.walks import LEAF

_ZERO = float(np.float32(1e-35))  # LightGBM takes what is nearer to zero than this for zero


def lightgbm(estimator: Any, columns: Columns) -> Forest:
    """Trees in double precision."""
    model = part(estimator, "booster_").dump_model(num_iteration=part(estimator, "best_iteration_") or -1)
    objective, *settings = model["objective"].split()
    demand(objective == "binary", f"LightGBM's objective is {model['objective']}")
    demand(not model["pandas_categorical"], "a column of LightGBM is a category")
    sigmoid = {key: float(value) for key, _, value in (each.partition(":") for each in settings)}["sigmoid"]
    trees = [_lightgbm_tree(each["tree_structure"]) for each in model["tree_info"]]
    scale = sigmoid / len(trees) if model["average_output"] else sigmoid
    return planted(trees, columns, Link("logistic", scale))


def _lightgbm_tree(root: dict[str, Any]) -> tuple[Whole, Floats]:
    asked, numbers, waiting = [], [], [root]
    while waiting:
        node = waiting.pop()
        if "split_feature" in node:
            demand(node["decision_type"] == "<=", "a tree of LightGBM asks about a category")
            demand(node["missing_type"] != "Zero", "LightGBM takes zero for a missing value")
            asked.append(node["split_feature"])
            numbers.append(float(node["threshold"]))
            waiting += (node["right_child"], node["left_child"])
        else:
            demand("leaf_coeff" not in node, "the leaves of LightGBM are linear models")
            asked.append(LEAF)
            numbers.append(float(node["leaf_value"]))
    at, inner = np.array(numbers), np.array(asked) != LEAF
    near = inner & (np.abs(at) <= _ZERO)
    snapped = np.where(at < 0, np.nextafter(-_ZERO, -np.inf), _ZERO)
    return np.array(asked), np.where(near, snapped, at)


def xgboost(estimator: Any, columns: Columns) -> Forest:
    """Trees in single precision that go left below a threshold."""
    booster = part(estimator, "get_booster")()
    model = json.loads(booster.save_raw("json"))
    learner = model["learner"]
    objective, boosting = learner["objective"]["name"], learner["gradient_booster"]
    demand(objective == "binary:logistic", f"XGBoost's objective is {objective}")
    demand(boosting["name"] == "gbtree", "XGBoost does not add up trees")
    demand(bool(np.isnan(part(estimator, "missing"))), "XGBoost takes a number for a missing value")
    used = len(boosting["model"]["trees"])
    if "best_iteration" in booster.attributes():
        used = boosting["model"]["iteration_indptr"][part(booster, "best_iteration") + 1]
    trees = [_xgboost_tree(each) for each in boosting["model"]["trees"][:used]]
    return planted(raised(trees, _start(booster, model)), columns, Link("narrow"))


def _start(booster: Any, model: dict[str, Any]) -> np.float32:
    """What the sum of leaves begins with: what the same model answers when its leaves are nothing."""
    for tree in model["learner"]["gradient_booster"]["model"]["trees"]:
        ends = np.array(tree["left_children"]) < 0
        tree["split_conditions"] = np.where(ends, 0.0, tree["split_conditions"]).tolist()
    bare = type(booster)(model_file=bytearray(json.dumps(model).encode()))
    width = int(model["learner"]["learner_model_param"]["num_feature"])
    start: np.float32 = bare.inplace_predict(np.zeros((1, width)), predict_type="margin")[0]
    return start


def _xgboost_tree(tree: dict[str, Any]) -> tuple[Whole, Floats]:
    demand(not tree["categories_nodes"], "a tree of XGBoost asks about a category")
    left, right = np.array(tree["left_children"]), np.array(tree["right_children"])
    numbers = np.array(tree["split_conditions"], np.float32)
    inner, order = left >= 0, in_order(left, right)
    asked = np.where(inner, np.array(tree["split_indices"]), LEAF)
    return asked[order], np.where(inner, narrowed(numbers.astype(np.float64), below=True), numbers)[order]


def catboost(estimator: Any, columns: Columns) -> Forest | Symmetric:
    """Trees that read their columns in single precision and add up in double."""
    model = _exported(estimator)
    demand(set(model["features_info"]) == {"float_features"}, "a column of CatBoost is no number")
    scale, start = model["scale_and_bias"]
    demand(len(start) == 1, "CatBoost knows more classes than two")
    if "trees" in model:
        trees = [_catboost_tree(each, scale) for each in model["trees"]]
        return planted(raised(trees, float(start[0])), columns, Link("logistic"))
    trees = model["oblivious_trees"]
    depth = max(len(each["splits"] or ()) for each in trees)
    if not depth:
        total = start[0] + scale * sum(each["leaf_values"][0] for each in trees)
        return planted([(np.array([LEAF]), np.array([total]))], columns, Link("logistic"))
    asked, marks = np.full((len(trees), depth), LEAF), np.zeros((len(trees), depth))
    leaves = np.zeros((len(trees), 1 << depth))
    for row, tree in enumerate(trees):
        for place, split in enumerate(tree["splits"] or ()):
            asked[row, place], marks[row, place] = _question(split)
        leaves[row, : len(tree["leaf_values"])] = np.array(tree["leaf_values"]) * scale
    leaves[0] += start[0]
    demand(bool(np.isfinite(marks).all()), "a threshold of CatBoost is NaN or infinite")
    return symmetric_forest(asked, marks, leaves, columns, Link("logistic"))


def _exported(estimator: Any) -> dict[str, Any]:
    with TemporaryDirectory() as folder:
        path = Path(folder, "model.json")
        part(estimator, "save_model")(str(path), format="json")
        exported: dict[str, Any] = json.loads(path.read_bytes())
        return exported


def _catboost_tree(root: dict[str, Any], scale: float) -> tuple[Whole, Floats]:
    asked, numbers, waiting = [], [], [root]
    while waiting:
        node = waiting.pop()
        if "split" in node:
            column, mark = _question(node["split"])
            waiting += (node["right"], node["left"])
        else:
            column, mark = LEAF, scale * node["value"]
        asked.append(column)
        numbers.append(mark)
    return np.array(asked), np.array(numbers)


def _question(split: dict[str, Any]) -> tuple[int, float]:
    demand(split["split_type"] == "FloatFeature", "a tree of CatBoost asks about something that is no number")
    mark = float(np.float32(split["border"]))
    return split["float_feature_index"], float(narrowed(np.array([mark]))[0])
