"""Taking a fitted pipeline apart into data that gives the same probabilities."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from live_trader.experts.served.apart import boosters, estimators, woods
from live_trader.experts.served.apart.parts import demand, kind, not_servable, part
from live_trader.experts.served.apart.steps import Flow, passed
from live_trader.experts.served.cuts import HUGE
from live_trader.experts.served.form import Estimator, Form, Served
from live_trader.experts.served.layers import Columns, Layer, Rotation

_PIPELINES = ("imblearn.Pipeline", "pycaret.Pipeline", "sklearn.Pipeline")
_WIDEST = 1e38  # what is farther from zero has no place in single precision
_NARROWEST = 1e-30

_TREES: dict[str, Callable[[Any, Columns], Estimator]] = {
    "catboost.CatBoostClassifier": boosters.catboost,
    "lightgbm.LGBMClassifier": boosters.lightgbm,
    "sklearn.AdaBoostClassifier": woods.adaptive_boosting,
    "sklearn.DecisionTreeClassifier": woods.decision_tree,
    "sklearn.ExtraTreeClassifier": woods.decision_tree,
    "sklearn.ExtraTreesClassifier": woods.random_forest,
    "sklearn.GradientBoostingClassifier": woods.gradient_boosting,
    "sklearn.HistGradientBoostingClassifier": woods.histogram_boosting,
    "sklearn.RandomForestClassifier": woods.random_forest,
    "xgboost.XGBClassifier": boosters.xgboost,
}
_OTHERS: dict[str, Callable[[Any], Estimator]] = {
    "sklearn.DummyClassifier": estimators.dummy,
    "sklearn.GaussianNB": estimators.naive_bayes,
    "sklearn.KNeighborsClassifier": estimators.neighbours,
    "sklearn.LinearDiscriminantAnalysis": estimators.discriminant,
    "sklearn.LogisticRegression": estimators.logistic_regression,
    "sklearn.MLPClassifier": estimators.perceptron,
    "sklearn.QuadraticDiscriminantAnalysis": estimators.quadratic,
    "sklearn.SGDClassifier": estimators.gradient_descent,
}


def serve(pipeline: Any, columns: Sequence[str]) -> Served:
    """The served form of a fitted pipeline whose rows have these columns, or NotServable with the reason.

    It is not yet proven: `prove` holds it against the pipeline itself.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about column names: a probe of zeros has none
            form = _form(pipeline, tuple(columns))
            form.check()
            return Served(form)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise not_servable(f"the pipeline is not built as those that are known: {error!r}") from error


def _form(pipeline: Any, names: tuple[str, ...]) -> Form:
    demand(len(set(names)) == len(names) > 0, "the recipe has no columns, or two of one name")
    steps, estimator = _steps(pipeline)
    flow = Flow.of(names)
    for step in steps:
        flow = passed(step, flow)
    family = kind(estimator).partition(".")[2]
    demand(hasattr(estimator, "predict_proba"), f"{family} gives no probabilities")
    classes = np.ravel(part(estimator, "classes_")).tolist()
    demand(classes == [0, 1], f"the classes are {classes}, not 0 and 1")
    width, made = _width(estimator, len(flow.names)), len(flow.names)
    demand(width == made, f"{family} reads {width} columns, {made} come out of the steps")
    layers = flow.layers
    return Form(family, names, _reach(layers[0], len(names)), layers, _taken(estimator, layers))


def _width(estimator: Any, otherwise: int) -> int:
    if kind(estimator) == "catboost.CatBoostClassifier":  # PyCaret's copy of one forgets its other count
        return len(part(estimator, "feature_names_"))
    return int(getattr(estimator, "n_features_in_", otherwise))


def _steps(pipeline: Any) -> tuple[list[Any], Any]:
    """The transformers and the estimator, PyCaret's own threshold taken off."""
    if kind(pipeline) in _PIPELINES:
        *steps, estimator = (step for _, step in part(pipeline, "steps"))
    else:
        steps, estimator = [], pipeline
    if kind(estimator) == "pycaret.CustomProbabilityThresholdClassifier":
        estimator = part(estimator, "classifier_")
    return steps, estimator


def _taken(estimator: Any, layers: list[Layer]) -> Estimator:
    name = kind(estimator)
    if name in _OTHERS:
        return _OTHERS[name](estimator)
    if name not in _TREES:
        raise not_servable(f"nobody here knows the estimator {name}")
    turned = any(isinstance(each, Rotation) for each in layers)
    demand(not turned, "trees behind a rotation cannot be proven at their thresholds")
    last = layers[-1]
    assert isinstance(last, Columns)
    return _TREES[name](estimator, last)


def _reach(first: Layer, width: int) -> tuple[float, ...]:
    """How far from zero each column may be without leaving single precision behind its transforms."""
    reach = np.full(width, HUGE)
    assert isinstance(first, Columns)
    sources = np.array([column.source for column in first.columns], np.intp)
    while True:
        with np.errstate(all="ignore"):
            ends = np.abs(first.many(np.array([-reach, reach]))).max(axis=0)
        beyond = sources[~(ends < _WIDEST)]
        if not len(beyond):
            return tuple(reach.tolist())
        reach[beyond] /= 10.0
        demand(bool((reach > _NARROWEST).all()), "a transform makes more of a column than a number can hold")
