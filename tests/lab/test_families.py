"""PyCaret fits what the original fitted, the same way each time, and what it cannot fit is told."""

from __future__ import annotations

import pickle
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from live_trader.errors import BadData, BadSettings, TraderError
from live_trader.lab import families
from live_trader.lab.course import Course

RANDOM = np.random.default_rng(5)
ROWS = RANDOM.normal(size=(400, 5))
ROWS[:, 3] = ROWS[:, 0] + 1e-3 * ROWS[:, 3]  # all but the same column
ROWS[:, 4] = 7.0
LABELS = (ROWS[:, 0] + ROWS[:, 1] + RANDOM.normal(size=400) > 1.5).astype(np.int8)
COLUMNS = ("trend", "noise", "depth", "double", "still")


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_every_setting_of_the_original_is_in_the_pipeline_and_nothing_is_left_behind(tmp_path: Path) -> None:
    """Still and double columns dropped, points multiplied, quantiles to normal, scaled; no file, no log."""
    fitted = families.fit("lr", COLUMNS, ROWS, LABELS, apart=10)
    steps = dict(fitted.pipeline.steps)
    assert fitted.name == "LogisticRegression~PC"
    assert type(steps["balance"].transformer.estimator).__name__ == "SMOTE"
    assert type(steps["transformation"].transformer).__name__ == "QuantileTransformer"
    assert steps["transformation"].transformer.output_distribution == "normal"
    assert type(steps["normalize"].transformer).__name__ == "StandardScaler"
    assert steps["remove_multicollinearity"].transformer.threshold == 0.9
    assert set(fitted.importance) == {"trend", "noise", "depth"}
    assert sum(fitted.importance.values()) == pytest.approx(1.0)
    assert 0.4 < fitted.score <= 1.0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("family", ["lightgbm", "dt", "catboost"])
def test_the_same_rows_give_the_same_bytes_with_a_score_and_without(family: str) -> None:
    scored = families.fit(family, COLUMNS, ROWS, LABELS, apart=10)
    plain = families.fit(family, COLUMNS, ROWS, LABELS, apart=10, compare={"cross_validation": False})
    assert pickle.dumps(scored.pipeline) == pickle.dumps(plain.pipeline)
    assert np.array_equal(scored.predict(ROWS), plain.predict(ROWS))
    assert (scored.score > 0.0, plain.score) == (True, 0.0)


def test_the_probability_is_the_pipelines_own_of_class_1() -> None:
    fitted = families.fit("nb", COLUMNS, ROWS, LABELS, apart=10)
    import pandas as pd

    given = fitted.pipeline.predict_proba(pd.DataFrame(ROWS, columns=list(COLUMNS)))
    assert np.array_equal(fitted.predict(ROWS), given[:, 1])
    assert fitted.predict(ROWS)[LABELS == 1].mean() > fitted.predict(ROWS)[LABELS == 0].mean()


def test_arguments_of_setup_and_compare_models_can_be_overridden() -> None:
    fitted = families.fit(
        "lr",
        COLUMNS,
        ROWS,
        LABELS,
        apart=10,
        setup={"transformation": False, "fix_imbalance": False, "train_size": 0.8, "fold": 3},
        compare={"sort": "AUC"},
    )
    steps = dict(fitted.pipeline.steps)
    assert "transformation" not in steps
    assert "balance" not in steps


def test_a_family_without_probabilities_and_a_target_with_one_class_are_told() -> None:
    with pytest.raises(BadData, match=r"RidgeClassifier gives no probability. Leave this family out"):
        families.fit("ridge", COLUMNS, ROWS, LABELS, apart=10)
    with pytest.raises(BadData, match="the target marks 0 of 400 bars"):
        families.fit("lr", COLUMNS, ROWS, 0 * LABELS, apart=10)


def test_too_few_points_to_balance_are_told_with_the_fold_that_lacks_them() -> None:
    late = np.zeros(400, dtype=np.int8)
    late[-20:] = 1
    with pytest.raises(
        BadData, match=r"marks 20 of 400 bars, and 0 in the smallest fold, where 6 are needed"
    ):
        families.fit("lr", COLUMNS, ROWS, late, apart=10)
    unscored = {"cross_validation": False}
    assert families.fit("lr", COLUMNS, ROWS, late, apart=10, compare=unscored).score == 0.0
    late[:-5] = 0
    with pytest.raises(BadData, match=r"marks 5 of 400 bars.*--setup fix_imbalance=false"):
        families.fit("lr", COLUMNS, ROWS, late, apart=10, compare=unscored)


def test_unknown_families_are_told_with_the_known_ones() -> None:
    with pytest.raises(BadSettings, match=r"there is no model family 'lgbm'. Use some of ada, catboost"):
        families.known("lgbm")


def test_where_pycaret_cannot_be_the_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    families.demand()
    monkeypatch.setitem(sys.modules, "pycaret", None)
    monkeypatch.setattr(families, "find_spec", lambda _: None)
    with pytest.raises(TraderError, match=r"not installed. Run: pip install pycaret==3.3.2"):
        families.demand()
    monkeypatch.setattr(sys, "version_info", SimpleNamespace(major=3, minor=12))
    with pytest.raises(
        TraderError, match=r"does not run on Python 3.12. Install this program under Python 3.11"
    ):
        families.demand()


def test_a_search_and_a_fit_depend_on_what_they_use_and_on_nothing_else() -> None:
    """So that another family, or another setting of PyCaret, does not search again."""
    one, other = Course(families=("lr",)), Course(families=("lr", "nb"), setup={"fold": 3})
    assert one.searching == other.searching
    assert one.fitting("lr") == Course(families=("lr", "nb")).fitting("lr")
    assert len({one.fitting("lr"), one.fitting("nb"), other.fitting("lr"), one.unscored.fitting("lr")}) == 4
