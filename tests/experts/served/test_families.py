"""Random models of every family behind random transforms: the served form says what the pipeline says."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from catboost import CatBoostClassifier
from hypothesis import given, settings
from hypothesis import strategies as st
from lightgbm import LGBMClassifier, early_stopping
from sklearn import ensemble, linear_model, preprocessing
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis, QuadraticDiscriminantAnalysis
from sklearn.dummy import DummyClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline
from sklearn.tree import DecisionTreeClassifier
from xgboost import XGBClassifier

from live_trader.core.bars import Floats
from live_trader.experts.served import Served, prove, reference, serve

Draw = Callable[[st.SearchStrategy[Any]], Any]


def few(draw: Draw, low: int = 1, high: int = 12) -> int:
    return draw(st.integers(low, high))


def some(draw: Draw, *values: Any) -> Any:
    return draw(st.sampled_from(values))


TREES: dict[str, Callable[[Draw], Any]] = {
    "LightGBM": lambda draw: LGBMClassifier(
        n_estimators=few(draw),
        num_leaves=few(draw, 2, 40),
        boosting_type=some(draw, "gbdt", "dart", "rf"),
        min_child_samples=few(draw, 1, 20),
        subsample=0.7,
        subsample_freq=1,
        is_unbalance=some(draw, True, False),
        verbose=-1,
        n_jobs=1,
    ),
    "XGBoost": lambda draw: XGBClassifier(
        n_estimators=few(draw),
        max_depth=few(draw, 1, 7),
        learning_rate=some(draw, 0.05, 0.3, 1.0),
        base_score=some(draw, None, 0.2, 0.5, 0.123456789),
        num_parallel_tree=some(draw, 1, 3),
        grow_policy=some(draw, "depthwise", "lossguide"),
        n_jobs=1,
    ),
    "CatBoost": lambda draw: CatBoostClassifier(
        iterations=few(draw),
        depth=few(draw, 1, 10),
        boost_from_average=some(draw, True, False),
        grow_policy=some(draw, "SymmetricTree", "SymmetricTree", "Depthwise", "Lossguide"),
        verbose=False,
        allow_writing_files=False,
        thread_count=1,
    ),
    "GradientBoosting": lambda draw: ensemble.GradientBoostingClassifier(
        n_estimators=few(draw),
        max_depth=few(draw, 1, 6),
        loss=some(draw, "log_loss", "exponential"),
        init=some(draw, None, "zero"),
    ),
    "HistGradientBoosting": lambda draw: ensemble.HistGradientBoostingClassifier(
        max_iter=few(draw), max_leaf_nodes=few(draw, 2, 40), early_stopping=some(draw, True, False)
    ),
    "RandomForest": lambda draw: ensemble.RandomForestClassifier(
        few(draw), max_depth=some(draw, None, 2, 5), class_weight=some(draw, None, "balanced_subsample")
    ),
    "ExtraTrees": lambda draw: ensemble.ExtraTreesClassifier(few(draw), max_leaf_nodes=some(draw, None, 9)),
    "DecisionTree": lambda draw: DecisionTreeClassifier(
        max_depth=some(draw, None, 1, 4), criterion=some(draw, "gini", "entropy")
    ),
    "AdaBoost": lambda draw: ensemble.AdaBoostClassifier(
        some(draw, None, DecisionTreeClassifier(max_depth=3)),
        n_estimators=few(draw),
        algorithm=some(draw, "SAMME", "SAMME.R"),
    ),
}
OTHERS: dict[str, Callable[[Draw], Any]] = {
    "LogisticRegression": lambda draw: linear_model.LogisticRegression(
        C=some(draw, 0.01, 1.0, 100.0), multi_class=some(draw, "auto", "multinomial", "ovr")
    ),
    "SGD": lambda draw: linear_model.SGDClassifier(loss=some(draw, "log_loss", "modified_huber")),
    "LDA": lambda draw: some(
        draw, LinearDiscriminantAnalysis(), LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.3)
    ),
    "QDA": lambda draw: QuadraticDiscriminantAnalysis(reg_param=some(draw, 0.05, 0.5)),
    "GaussianNB": lambda draw: GaussianNB(),
    "KNN": lambda draw: KNeighborsClassifier(
        few(draw), p=some(draw, 1, 2), weights=some(draw, "uniform", "distance"), algorithm="kd_tree"
    ),
    "KNN by brute force": lambda draw: KNeighborsClassifier(few(draw), algorithm="brute"),
    "MLP": lambda draw: MLPClassifier(
        some(draw, (5,), (8, 3)),
        activation=some(draw, "identity", "logistic", "tanh", "relu"),
        max_iter=20,
    ),
    "Dummy": lambda draw: some(
        draw,
        *(DummyClassifier(strategy=each) for each in ("prior", "most_frequent", "uniform")),
        DummyClassifier(strategy="constant", constant=1),
    ),
}

TRANSFORMS: dict[str, Callable[[Draw], list[Any]]] = {
    "none": lambda draw: [],
    "standard": lambda draw: [preprocessing.StandardScaler()],
    "as the original": lambda draw: [
        preprocessing.QuantileTransformer(n_quantiles=few(draw, 5, 200), output_distribution="normal"),
        preprocessing.StandardScaler(),
    ],
    "quantile and range": lambda draw: [
        preprocessing.QuantileTransformer(n_quantiles=few(draw, 5, 200)),
        preprocessing.MinMaxScaler(clip=some(draw, True, False)),
    ],
    "robust and power": lambda draw: [preprocessing.RobustScaler(), preprocessing.PowerTransformer()],
    "largest": lambda draw: [preprocessing.MaxAbsScaler()],
}
SCALED = {
    **{name: make for name, make in TRANSFORMS.items() if name != "none"},
    "components": lambda draw: [preprocessing.StandardScaler(), PCA(3, whiten=some(draw, True, False))],
}


def proven(
    estimator: Any, steps: list[Any], market: tuple[tuple[str, ...], Floats, Floats], narrow: bool
) -> None:
    """Fit, take apart, save, load, and hold the form that was loaded against the pipeline."""
    pandas = pytest.importorskip("pandas")
    columns, rows, labels = market
    table = pandas.DataFrame(rows, columns=list(columns)).astype(np.float32 if narrow else np.float64)
    pipeline = Pipeline([(str(place), step) for place, step in enumerate([*steps, estimator])])
    pipeline.fit(table, labels.astype(int))
    content = serve(pipeline, columns).to_bytes()
    loaded = Served.from_bytes(content)
    assert loaded.to_bytes() == content
    proof = prove(loaded, reference(pipeline, columns), rows)
    assert proof.rows > len(rows)
    assert proof.holds, proof


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("family", sorted(TREES))
@settings(max_examples=8)
@given(data=st.data())
def test_trees_are_exact_on_and_beside_every_threshold(family: str, market: Any, data: st.DataObject) -> None:
    steps = TRANSFORMS[data.draw(st.sampled_from(sorted(TRANSFORMS)))](data.draw)
    proven(TREES[family](data.draw), steps, market, data.draw(st.booleans()))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("family", sorted(OTHERS))
@settings(max_examples=8)
@given(data=st.data())
def test_other_families_are_exact_too(family: str, market: Any, data: st.DataObject) -> None:
    steps = SCALED[data.draw(st.sampled_from(sorted(SCALED)))](data.draw)
    proven(OTHERS[family](data.draw), steps, market, data.draw(st.booleans()))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("library", ["LightGBM", "XGBoost"])
def test_only_the_rounds_up_to_the_best_one_count(library: str, market: Any) -> None:
    columns, rows, labels = market
    held = [(rows[:100], np.roll(labels[:100], 3))]
    model: Any
    if library == "LightGBM":
        model = LGBMClassifier(n_estimators=60, learning_rate=0.5, verbose=-1, n_jobs=1)
        model.fit(rows, labels, eval_set=held, callbacks=[early_stopping(3, verbose=False)])
    else:
        model = XGBClassifier(n_estimators=60, learning_rate=0.9, early_stopping_rounds=3, n_jobs=1)
        model.fit(rows, labels, eval_set=held, verbose=False)
    assert (model.best_iteration_ if library == "LightGBM" else model.best_iteration) < 50
    proof = prove(serve(model, columns), reference(model, columns), rows)
    assert proof.holds, proof
