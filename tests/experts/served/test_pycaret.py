"""Real PyCaret pipelines: every step it knows to put in front of a model, and every family it compares."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from live_trader.core.bars import Floats
from live_trader.experts.served import NotServable, Served, prove, reference, serve

Market = tuple[tuple[str, ...], Floats, Floats]

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

ORIGINAL: Mapping[str, Any] = {
    "fold_strategy": "timeseries",
    "data_split_shuffle": False,
    "data_split_stratify": False,
    "fold": 2,
    "normalize": True,
    "transformation": True,
    "transformation_method": "quantile",
    "low_variance_threshold": 0,
    "remove_multicollinearity": True,
    "multicollinearity_threshold": 0.9,
    "fix_imbalance": True,
}
SETUPS: Mapping[str, Mapping[str, Any]] = {
    "power and components": {
        "transformation": True,
        "transformation_method": "yeo-johnson",
        "normalize": True,
        "normalize_method": "robust",
        "pca": True,
        "pca_components": 3,
    },
    "range, a choice of columns and one kept": {
        "normalize": True,
        "normalize_method": "minmax",
        "feature_selection": True,
        "feature_selection_method": "univariate",
        "n_features_to_select": 0.6,
        "keep_features": ["column 1"],
        "numeric_imputation": "knn",
    },
    "largest, without outliers": {
        "normalize": True,
        "normalize_method": "maxabs",
        "remove_outliers": True,
        "feature_selection": True,
        "feature_selection_estimator": "lr",
    },
}
FAMILIES: Mapping[str, Mapping[str, Any]] = {
    **{family: {} for family in ("ada", "dt", "dummy", "gbc", "knn", "lda", "lightgbm", "lr", "nb", "qda")},
    **{family: {"n_estimators": 10} for family in ("et", "rf", "xgboost")},
    "catboost": {"iterations": 30},
    "mlp": {"max_iter": 30},
}


@pytest.fixture(scope="module", autouse=True)
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """PyCaret writes a log where it stands."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("pycaret"))
        yield


def experiment(market: Market, setup: Mapping[str, Any]) -> Any:
    import pandas as pd
    from pycaret.classification import ClassificationExperiment

    columns, rows, labels = market
    table = pd.DataFrame(rows, columns=list(columns)).assign(target=labels.astype(int))
    made = ClassificationExperiment()
    quiet = {"verbose": False, "html": False, "system_log": False, "n_jobs": 1, "session_id": 909}
    return made.setup(table, target="target", **quiet, **setup)


def pipeline(made: Any, family: str) -> Any:
    settings = FAMILIES.get(family, {})
    return made.finalize_model(made.create_model(family, cross_validation=False, verbose=False, **settings))


def proven(fitted: Any, market: Market) -> Served:
    columns, rows, _ = market
    served = serve(fitted, columns)
    proof = prove(served, reference(fitted, columns), rows)
    assert proof.holds, proof
    return served


@pytest.fixture(scope="module")
def original(market: Market) -> Any:
    return experiment(market, ORIGINAL)


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_every_family_behind_the_steps_of_the_original_is_exact(
    family: str, original: Any, market: Market
) -> None:
    fitted = pipeline(original, family)
    served = proven(fitted, market)
    assert len(served.form.layers[-1].columns) < len(market[0])  # the collinear column is not read


@pytest.mark.parametrize("family", ["ridge", "svm"])
def test_families_that_give_no_probabilities_are_refused(family: str, original: Any, market: Market) -> None:
    with pytest.raises(NotServable, match="gives no probabilities"):
        serve(pipeline(original, family), market[0])


@pytest.mark.parametrize("setup", sorted(SETUPS))
def test_other_steps_are_exact(setup: str, market: Market) -> None:
    columns, rows, labels = market
    calm = (columns, rows / rows.std(axis=0), labels)  # no power makes millions normal
    made = experiment(calm, SETUPS[setup])
    proven(pipeline(made, "lr"), calm)
    if "pca" not in SETUPS[setup]:
        proven(pipeline(made, "lightgbm"), calm)


def test_the_reference_keeps_no_cache_on_disk(market: Market, tmp_path: Path) -> None:
    columns, rows, _ = market
    fitted = pipeline(experiment(market, {**ORIGINAL, "memory": str(tmp_path)}), "lr")
    before = sorted(tmp_path.rglob("*"))
    first = reference(fitted, columns)(rows[:1] + 0.125)
    assert sorted(tmp_path.rglob("*")) == before
    assert first == pytest.approx([serve(fitted, columns).probability(rows[0] + 0.125)], abs=1e-12)


def test_a_threshold_of_pycarets_own_is_taken_off(original: Any, market: Market) -> None:
    made = original.create_model("lr", probability_threshold=0.3, cross_validation=False, verbose=False)
    assert proven(original.finalize_model(made), market).family == "LogisticRegression"


def test_a_category_is_refused(market: Market) -> None:
    columns, rows, labels = market
    lettered = np.array(["a", "b", "c"])[np.arange(len(rows)) % 3]
    import pandas as pd
    from pycaret.classification import ClassificationExperiment

    table = pd.DataFrame(rows, columns=list(columns)).assign(kind=lettered, target=labels.astype(int))
    made = ClassificationExperiment().setup(
        table, target="target", verbose=False, html=False, system_log=False, session_id=909
    )
    with pytest.raises(NotServable, match="category or a text"):
        serve(pipeline(made, "lr"), (*columns, "kind"))


def test_a_target_of_words_is_refused(market: Market) -> None:
    columns, rows, labels = market
    made = experiment((columns, rows, labels), {})
    fitted = pipeline(made, "lr")
    assert serve(fitted, columns).family == "LogisticRegression"
    import pandas as pd
    from pycaret.classification import ClassificationExperiment

    words = np.where(labels > 0, "yes", "no")
    table = pd.DataFrame(rows, columns=list(columns)).assign(target=words)
    spoken = ClassificationExperiment().setup(
        table, target="target", verbose=False, html=False, system_log=False, session_id=909
    )
    for refuses in (serve, reference):
        with pytest.raises(NotServable, match="not 0 and 1"):
            refuses(pipeline(spoken, "lr"), columns)
