"""What has no exact served form, and the reason that is given."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from lightgbm import LGBMClassifier
from sklearn import ensemble, linear_model, preprocessing
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.dummy import DummyClassifier
from sklearn.impute import SimpleImputer
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier
from xgboost import XGBClassifier

from live_trader.core.bars import Floats
from live_trader.errors import BadData
from live_trader.experts.served import Heavy, NotServable, Proof, Served, prove, reference, serve

Market = tuple[tuple[str, ...], Floats, Floats]


class Improved(DecisionTreeClassifier):
    """A tree that answers something else than its base."""

    def predict_proba(self, X: Any, check_input: bool = True) -> Any:
        return super().predict_proba(X, check_input)[:, ::-1]


REFUSED: dict[str, tuple[list[Any], str]] = {
    "ridge": ([linear_model.RidgeClassifier()], "RidgeClassifier gives no probabilities"),
    "hinge loss": ([linear_model.SGDClassifier(loss="hinge")], "SGDClassifier gives no probabilities"),
    "an estimator nobody knows": ([SVC(probability=True)], "knows the estimator sklearn.SVC"),
    "a subclass of a known one": ([Improved()], "knows the estimator .*Improved"),
    "a step nobody knows": (
        [preprocessing.PolynomialFeatures(2), DecisionTreeClassifier()],
        "knows the step sklearn.PolynomialFeatures",
    ),
    "Box and Cox": (
        [preprocessing.MinMaxScaler((1, 2)), preprocessing.PowerTransformer("box-cox"), DummyClassifier()],
        "only Yeo-Johnson",
    ),
    "zero for missing": ([SimpleImputer(missing_values=0), DummyClassifier()], "a number for a gap"),
    "lots": ([DummyClassifier(strategy="stratified")], "draws lots"),
    "trees behind a rotation": ([PCA(2), DecisionTreeClassifier()], "behind a rotation"),
    "zero as missing": (
        [LGBMClassifier(n_estimators=2, zero_as_missing=True, verbose=-1)],
        "zero for a missing value",
    ),
    "linear leaves": ([LGBMClassifier(n_estimators=2, linear_tree=True, verbose=-1)], "linear models"),
    "another objective": (
        [LGBMClassifier(n_estimators=2, objective="cross_entropy", verbose=-1)],
        "objective is cross_entropy",
    ),
    "boosted lines": ([XGBClassifier(n_estimators=2, booster="gblinear")], "does not add up trees"),
    "dropped trees": ([XGBClassifier(n_estimators=2, booster="dart")], "does not add up trees"),
    "a number for missing": ([XGBClassifier(n_estimators=2, missing=0.0)], "takes a number for a missing"),
    "a start of its own": (
        [ensemble.GradientBoostingClassifier(n_estimators=2, init=LinearDiscriminantAnalysis())],
        "a model of its own",
    ),
    "boosted lines of another kind": (
        [ensemble.AdaBoostClassifier(linear_model.LogisticRegression(), n_estimators=2)],
        "not one of trees",
    ),
    "another metric": ([KNeighborsClassifier(metric="chebyshev")], "the metric chebyshev"),
    "brute distances": (
        [KNeighborsClassifier(weights="distance", algorithm="brute")],
        "distances found by brute force",
    ),
}


def fitted(steps: list[Any], rows: Any, labels: Any) -> Pipeline:
    steps = [clone(step) for step in steps]
    return Pipeline([(str(place), step) for place, step in enumerate(steps)]).fit(rows, labels)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", sorted(REFUSED))
def test_what_cannot_be_served_exactly_is_refused_with_its_reason(name: str, market: Market) -> None:
    columns, rows, labels = market
    steps, reason = REFUSED[name]
    with pytest.raises(NotServable, match=reason):
        serve(fitted(steps, rows, labels), columns)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("library", ["LightGBM", "histograms"])
def test_a_category_is_refused(library: str) -> None:
    rng = np.random.default_rng(1)
    rows = pd.DataFrame({"kind": rng.integers(0, 4, 300).astype(float), "size": rng.normal(size=300)})
    labels = (rows["kind"] == 2).astype(int)
    model: Any = ensemble.HistGradientBoostingClassifier(max_iter=2, categorical_features=[0])
    if library == "LightGBM":
        model = LGBMClassifier(n_estimators=2, verbose=-1, min_child_samples=2)
        model.fit(rows, labels, categorical_feature=["kind"])
    with pytest.raises(NotServable, match="category"):
        serve(model.fit(rows, labels) if library != "LightGBM" else model, ["kind", "size"])


@pytest.mark.parametrize("classes", [(1, 2), ("no", "yes"), (0, 1, 2)])
def test_classes_that_are_not_0_and_1_are_refused_also_by_the_pipeline_itself(
    classes: tuple[Any, ...], market: Market
) -> None:
    columns, rows, _ = market
    pipeline = fitted([DecisionTreeClassifier()], rows, np.resize(np.array(classes), len(rows)))
    with pytest.raises(NotServable, match="not 0 and 1"):
        serve(pipeline, columns)
    with pytest.raises(NotServable, match="not 0 and 1"):
        reference(pipeline, columns)


def test_equal_rows_of_both_classes_leave_the_nearest_to_chance(market: Market) -> None:
    columns, rows, labels = market
    twice, both = np.concatenate([rows, rows]), np.concatenate([labels, 1 - labels])
    with pytest.raises(NotServable, match="left to chance"):
        serve(fitted([KNeighborsClassifier()], twice, both), columns)


def test_a_row_between_both_classes_is_refused_rather_than_guessed() -> None:
    rows = np.array([[-1.0], [1.0], [-3.0], [3.0]])
    model = serve(KNeighborsClassifier(1).fit(rows, [0, 1, 0, 1]), ["one"])
    assert model.probability(np.array([0.5])) == 1.0
    with pytest.raises(BadData, match="equally near"):
        model.probability(np.array([0.0]))


def test_a_nan_for_a_threshold_is_refused(market: Market) -> None:
    columns, rows, labels = market
    model = DecisionTreeClassifier(max_depth=2).fit(rows, labels)
    model.tree_.threshold[0] = np.nan
    with pytest.raises(NotServable, match="NaN or infinite"):
        serve(model, columns)


@pytest.mark.parametrize("columns", [(), ("one",) * 7, tuple("abcdef")])
def test_columns_that_are_not_the_pipelines_are_refused(columns: tuple[str, ...], market: Market) -> None:
    _, rows, labels = market
    with pytest.raises(NotServable, match="columns"):
        serve(fitted([DecisionTreeClassifier()], rows, labels), columns)


def test_what_is_no_pipeline_is_refused() -> None:
    with pytest.raises(NotServable):
        serve("a pipeline", ["one"])
    with pytest.raises(NotServable, match="not fitted"):
        serve(DecisionTreeClassifier(), ["one"])


def test_a_form_that_differs_is_not_proven(market: Market) -> None:
    """One threshold moved by one step of a float is enough to be found out."""
    columns, rows, labels = market
    model = DecisionTreeClassifier(max_depth=4, random_state=1).fit(rows.astype(np.float32), labels)
    served, ask = serve(model, columns), reference(model, columns)
    assert prove(served, ask, rows) == Proof(prove(served, ask, rows).rows, 0.0, 0)
    node = int(np.argmax(model.tree_.feature >= 0))
    model.tree_.threshold[node] = np.nextafter(np.float32(model.tree_.threshold[node]), np.float32(np.inf))
    assert not prove(served, ask, rows).holds


def test_nothing_is_proven_by_no_rows(market: Market) -> None:
    columns, rows, labels = market
    model = DecisionTreeClassifier(max_depth=2).fit(rows, labels)
    assert not prove(serve(model, columns), reference(model, columns), rows[:0]).holds


def test_a_model_that_refuses_a_training_row_is_not_proven(market: Market) -> None:
    columns, rows, labels = market
    model = DecisionTreeClassifier(max_depth=2).fit(rows, labels)
    odd = rows.copy()
    odd[0, 0] = 1e33
    proof = prove(serve(model, columns), lambda asked: model.predict_proba(asked)[:, 1], odd)
    assert (proof.refused, proof.holds) == (1, False)


@pytest.mark.filterwarnings("ignore")
def test_what_cannot_be_served_is_served_by_the_pipeline_itself(market: Market) -> None:
    columns, rows, labels = market
    table = pd.DataFrame(rows, columns=list(columns))
    pipeline = fitted([preprocessing.StandardScaler(), SVC(probability=True)], table, labels)
    heavy = Heavy(pipeline, columns)
    assert heavy.columns == columns
    assert not isinstance(heavy, Served)
    expected = pipeline.predict_proba(table.iloc[:5])[:, 1]
    assert [heavy.probability(row) for row in rows[:5]] == pytest.approx(expected, abs=1e-12)
    for odd in (np.full(7, np.nan), rows[0, :6]):
        with pytest.raises(BadData, match="7 finite numbers"):
            heavy.probability(odd)


def test_a_model_without_probabilities_cannot_be_served_at_all(market: Market) -> None:
    columns, rows, labels = market
    with pytest.raises(NotServable, match="gives no probabilities"):
        Heavy(fitted([linear_model.RidgeClassifier()], rows, labels), columns)
