"""Precision, recall, ranking, Brier score and calibration are those of scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn import calibration, metrics

from live_trader.core import accuracy


def opinions(seed: int, count: int = 300) -> tuple[np.ndarray, np.ndarray]:
    """Labels, some unsettled, and probabilities, some missing and some equal."""
    random = np.random.default_rng(seed)
    said = np.round(random.uniform(0, 1, count), int(random.integers(1, 6)))
    labels = (random.uniform(0, 1, count) < said * 0.5).astype(np.int8)
    said[random.integers(0, count, 20)] = np.nan
    labels[random.integers(0, count, 20)] = -1
    return labels, said


@given(st.integers(0, 100_000), st.floats(0.05, 0.95))
def test_figures_are_those_of_scikit_learn(seed: int, threshold: float) -> None:
    labels, said = opinions(seed)
    ours = accuracy.score(labels, said, threshold)
    known = (labels >= 0) & ~np.isnan(said)
    truth, probability = labels[known], said[known]
    assert ours is not None
    assert ours.rows == known.sum()
    assert ours.base == pytest.approx(truth.mean())
    votes = probability > threshold
    if ours.precision is not None:
        assert ours.precision == pytest.approx(metrics.precision_score(truth, votes))
    assert ours.recall == pytest.approx(metrics.recall_score(truth, votes))
    assert ours.auc == pytest.approx(metrics.roc_auc_score(truth, probability))
    assert ours.brier == pytest.approx(metrics.brier_score_loss(truth, probability))


@given(st.integers(0, 100_000))
def test_the_calibration_table_is_that_of_scikit_learn(seed: int) -> None:
    labels, said = opinions(seed)
    known = (labels >= 0) & ~np.isnan(said)
    inside = np.clip(said[known] + 1e-7, 0.0, 1.0)  # theirs puts a probability on an edge into the lower step
    ours = accuracy.calibration(labels[known].astype(float), inside)
    happened, meant = calibration.calibration_curve(labels[known], inside, n_bins=10)
    assert [each.happened for each in ours] == pytest.approx(happened.tolist())
    assert [each.said for each in ours] == pytest.approx(meant.tolist())
    assert sum(each.count for each in ours) == known.sum()
    assert all(each.least <= each.happened <= each.most for each in ours)


def test_without_a_settled_label_or_a_probability_there_is_no_figure() -> None:
    assert accuracy.score(np.full(5, -1, np.int8), np.full(5, 0.5), 0.3) is None
    assert accuracy.score(np.zeros(5, np.int8), np.full(5, np.nan), 0.3) is None


def test_one_class_and_no_vote_leave_out_what_has_no_meaning() -> None:
    ours = accuracy.score(np.zeros(5, np.int8), np.full(5, 0.1), 0.3)
    assert ours is not None
    assert (ours.precision, ours.recall, ours.auc, ours.votes) == (None, None, None, 0)
    assert ours.off == pytest.approx(0.1)


@pytest.mark.parametrize(("count", "total"), [(0, 200), (3, 200), (100, 100), (1, 2), (57, 60)])
def test_the_interval_is_that_of_scipy(count: int, total: int) -> None:
    theirs = stats.binomtest(count, total).proportion_ci(method="wilson")
    assert accuracy.wilson(count, total) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


def test_of_nothing_counted_nothing_is_known() -> None:
    assert accuracy.wilson(0, 0) == (0.0, 1.0)
