"""Contributions: Shapley values that add up to the model's own sum, whatever its family."""

from __future__ import annotations

import itertools
from math import factorial, log
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from live_trader.experts.contributions import contributions
from live_trader.experts.served import Served, serve

NAMES = list("abcd")


def learned(estimator: Any) -> tuple[Served, np.ndarray[Any, Any]]:
    draw = np.random.default_rng(3)
    rows = draw.normal(size=(300, 4))
    labels = (rows[:, 0] + rows[:, 1] * rows[:, 2] + draw.normal(size=300) / 2 > 0).astype(int)
    pipeline = make_pipeline(StandardScaler(), estimator).fit(pd.DataFrame(rows, columns=NAMES), labels)
    return serve(pipeline, NAMES), rows


def log_odds(probability: float) -> float:
    return log(probability / (1 - probability))


@pytest.mark.parametrize(
    ("estimator", "method"),
    [
        (GradientBoostingClassifier(n_estimators=12, random_state=1), "TreeSHAP"),
        (RandomForestClassifier(n_estimators=8, max_depth=5, random_state=1), "TreeSHAP"),
        (LogisticRegression(), "weights"),
    ],
)
def test_base_and_shares_add_up_to_the_answer(estimator: Any, method: str) -> None:
    """What the golden rows give and what every column adds is what the model says of the row."""
    model, rows = learned(estimator)
    for row in rows[40:48]:
        found = contributions(model, row, rows[:32])
        answer = model.probability(row)
        said = answer if found.unit == "probability" else log_odds(answer)
        assert found.method == method
        assert found.base + sum(found.shares) == pytest.approx(said, abs=1e-9)


def test_tree_shares_are_the_shapley_values_by_definition() -> None:
    """The walk through the trees finds what trying every mixture of row and reference finds."""
    model, rows = learned(GradientBoostingClassifier(n_estimators=6, random_state=2))
    row, reference = rows[7], rows[11]
    found = contributions(model, row, reference[None])
    for place in range(4):
        others = [each for each in range(4) if each != place]
        value = 0.0
        for size in range(4):
            for taken in itertools.combinations(others, size):
                mixed = reference.copy()
                mixed[list(taken)] = row[list(taken)]
                joined = mixed.copy()
                joined[place] = row[place]
                gain = log_odds(model.probability(joined)) - log_odds(model.probability(mixed))
                value += factorial(size) * factorial(3 - size) / factorial(4) * gain
        assert found.shares[place] == pytest.approx(value, abs=1e-9)


def test_symmetric_trees_add_up_too() -> None:
    """CatBoost's trees, whose answers are bits, are walked to the same sum."""
    catboost = pytest.importorskip("catboost", reason="CatBoost is an extra")
    estimator = catboost.CatBoostClassifier(iterations=10, depth=4, verbose=0, allow_writing_files=False)
    model, rows = learned(estimator)
    found = contributions(model, rows[5], rows[:20])
    assert found.method == "TreeSHAP"
    assert found.base + sum(found.shares) == pytest.approx(log_odds(model.probability(rows[5])), abs=1e-6)


def test_other_families_say_that_one_column_was_left_out() -> None:
    """A family without a decomposition of its own is named for what was done instead."""
    model, rows = learned(GaussianNB())
    found = contributions(model, rows[5], rows[:32])
    usual = np.median(rows[:32], axis=0)
    without = rows[5].copy()
    without[0] = usual[0]
    assert (found.method, found.unit) == ("leave one out", "probability")
    assert found.shares[0] == model.probability(rows[5]) - model.probability(without)
