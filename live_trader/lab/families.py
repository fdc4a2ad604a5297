"""The kinds of model PyCaret offers, and how one of them is fitted to a training span."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from live_trader.core.bars import Floats
from live_trader.errors import BadData, BadSettings, TraderError
from live_trader.lab.evidence import POINT, Fitted, Labels

FAMILIES = (
    *("ada", "catboost", "dt", "dummy", "et", "gbc", "knn", "lda", "lightgbm"),
    *("lr", "nb", "qda", "rf", "ridge", "svm", "xgboost"),
)
"""PyCaret's names of the sixteen families the original compares."""

SETUP: Mapping[str, Any] = MappingProxyType(
    {
        "fold": 2,
        "normalize": True,
        "transformation": True,
        "transformation_method": "quantile",
        "low_variance_threshold": 0,
        "remove_multicollinearity": True,
        "multicollinearity_threshold": 0.90,
        "fix_imbalance": True,
        "session_id": 909,
        "use_gpu": False,
        "verbose": False,
        # Beyond the original's: the same answer on any machine, and nothing left behind.
        "n_jobs": 1,
        "html": False,
        "memory": False,
        "system_log": False,
    }
)
COMPARE: Mapping[str, Any] = MappingProxyType({"sort": "Accuracy", "n_select": 1, "verbose": False})

_TARGET = "target"
_SMOTE = 6


def demand() -> None:
    """PyCaret can be used here, or the sentence that says what to install."""
    version = (sys.version_info.major, sys.version_info.minor)
    if version >= (3, 12):
        raise TraderError(
            f"training needs PyCaret 3.3.2, which does not run on Python {version[0]}.{version[1]}",
            "Install this program under Python 3.11 and train there; its bundles are served here",
        )
    if find_spec("pycaret") is None:
        raise TraderError("training needs PyCaret, which is not installed", "Run: pip install pycaret==3.3.2")


def known(family: str) -> str:
    """This family, if PyCaret has it."""
    if family not in FAMILIES:
        raise BadSettings(
            f"there is no model family {family!r}", f"Use some of {', '.join(FAMILIES)}, or all"
        )
    return family


def fit(
    family: str,
    columns: tuple[str, ...],
    rows: Floats,
    labels: Labels,
    *,
    apart: int,
    setup: Mapping[str, Any] = MappingProxyType({}),
    compare: Mapping[str, Any] = MappingProxyType({}),
) -> Fitted:
    """A model of this family as PyCaret makes it of these rows; folds keep `apart` bars between each other.

    Without cross-validation the model is the same, but has no score.

    PyCaret compares on its own hold-out what we judge by walking on. It is therefore given the training rows
    once more as its hold-out, so that a model learns from the whole span, and nobody reads that score.
    """
    os.environ.setdefault("PYCARET_CUSTOM_LOGGING_PATH", os.devnull)
    import pandas as pd
    from pycaret.classification import ClassificationExperiment
    from sklearn.model_selection import TimeSeriesSplit

    points = int(np.count_nonzero(labels == POINT))
    if not 0 < points < len(labels):
        raise BadData(
            f"the target marks {points} of {len(labels)} bars, and there is nothing to tell apart",
            "Give a longer --train-span, or other target settings",
        )
    data = pd.DataFrame(rows, columns=list(columns)).assign(**{_TARGET: labels.astype(np.int64)})
    chosen, ranking = {**SETUP, **setup}, {**COMPARE, **compare}
    folds = TimeSeriesSplit(int(chosen["fold"]), gap=apart)
    scored = bool(ranking.get("cross_validation", True))
    if chosen["fix_imbalance"] and "fix_imbalance_method" not in chosen:
        _refuse_too_few(labels, [taught for taught, _ in folds.split(rows)] if scored else [])
    ours = {
        "fold_strategy": folds,
        "data_split_shuffle": False,
        "data_split_stratify": False,
        "index": False,
    }
    if "train_size" not in chosen:
        ours["test_data"] = data
    experiment = ClassificationExperiment()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        experiment.setup(data, target=_TARGET, **{**ours, **chosen})
        if not scored:
            model = experiment.create_model(family, cross_validation=False, verbose=False)
            return _fitted(experiment, model, columns, 0.0)
        model = experiment.compare_models(include=[family], errors="raise", **ranking)
        table = experiment.pull()
        return _fitted(experiment, model, columns, float(table[ranking["sort"]].iloc[0]))


def _refuse_too_few(labels: Labels, folds: Sequence[NDArray[np.intp]]) -> None:
    """SMOTE makes new points out of six: say so where a fold has fewer."""
    points = [int(np.count_nonzero(some == POINT)) for some in (labels, *(labels[each] for each in folds))]
    if min(points) < _SMOTE:
        raise BadData(
            f"the target marks {points[0]} of {len(labels)} bars, and {min(points)} in the smallest fold, "
            f"where {_SMOTE} are needed to balance them",
            "Give a longer --train-span, or --setup fix_imbalance=false",
        )


def _fitted(experiment: Any, model: Any, columns: tuple[str, ...], score: float) -> Fitted:
    import pandas as pd

    with TemporaryDirectory() as folder:
        pipeline, _ = experiment.save_model(model, str(Path(folder) / "pipeline"), verbose=False)
    if not hasattr(pipeline, "predict_proba"):
        raise BadData(f"{type(model).__name__} gives no probability", "Leave this family out of --models")
    _unstamp(model)
    positive = list(model.classes_).index(POINT)

    def predict(rows: Floats) -> Floats:
        return np.asarray(pipeline.predict_proba(pd.DataFrame(rows, columns=list(columns)))[:, positive])

    seen = list(experiment.get_config("X_train_transformed").columns)
    return Fitted(f"{type(model).__name__}~PC", predict, score, _weights(model, seen), pipeline)


def _unstamp(model: Any) -> None:
    """CatBoost writes down when it made a model and a new id: the same model must be the same bytes."""
    if hasattr(model, "get_metadata"):
        stamps = model.get_metadata()
        stamps["train_finish_time"] = stamps["model_guid"] = ""


def _weights(model: Any, columns: list[str]) -> Mapping[str, float]:
    """How much each column weighs in the model, where the model can say."""
    raw = getattr(model, "feature_importances_", None)
    if raw is None:
        raw = getattr(model, "coef_", None)
    if raw is None:
        return {}
    sizes = np.abs(np.asarray(raw, dtype=np.float64)).reshape(-1, len(columns)).sum(axis=0)
    total = float(sizes.sum())
    return {name: float(size) / total for name, size in zip(columns, sizes, strict=True)} if total else {}
