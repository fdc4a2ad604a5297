"""The file of a served model: the same bytes for the same model, and nothing else is believed."""

import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lightgbm import LGBMClassifier
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import QuantileTransformer, StandardScaler

from live_trader.core.bars import Floats
from live_trader.errors import BadBundle, BadData
from live_trader.experts.served import Quantile, Served, serve

Market = tuple[tuple[str, ...], Floats, Floats]

ESTIMATORS = {
    "LightGBM": LGBMClassifier(n_estimators=3, num_leaves=7, verbose=-1, n_jobs=1),
    "forest": RandomForestClassifier(2, max_depth=3),
    "linear": LogisticRegression(),
    "components": [PCA(2), LogisticRegression()],
    "Bayes": GaussianNB(),
    "neighbours": KNeighborsClassifier(3),
    "network": MLPClassifier((3,), max_iter=5),
}


@pytest.fixture(scope="module")
def forms(market: Market) -> dict[str, Served]:
    return {name: _served(estimator, market) for name, estimator in ESTIMATORS.items()}


def _served(estimator: Any, market: Market) -> Served:
    columns, rows, labels = market
    last = estimator if isinstance(estimator, list) else [estimator]
    steps = [QuantileTransformer(n_quantiles=20, output_distribution="normal"), StandardScaler(), *last]
    pipeline = Pipeline([(str(place), step) for place, step in enumerate(steps)])
    return serve(pipeline.fit(rows, labels), columns)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", sorted(ESTIMATORS))
def test_a_form_that_was_saved_gives_the_same_bits(
    name: str, forms: dict[str, Served], market: Market, tmp_path: Path
) -> None:
    form, path = forms[name], tmp_path / "served"
    form.save(path)
    loaded = Served.load(path)
    assert [loaded.probability(row) for row in market[1]] == [form.probability(row) for row in market[1]]
    assert loaded.to_bytes() == path.read_bytes() == form.to_bytes()
    assert (loaded.columns, loaded.family) == (market[0], form.family)


@pytest.mark.filterwarnings("ignore")
def test_the_same_training_is_the_same_file(market: Market) -> None:
    estimator = RandomForestClassifier(3, random_state=5)
    assert _served(estimator, market).to_bytes() == _served(estimator, market).to_bytes()


@pytest.mark.filterwarnings("ignore")
@given(data=st.data())
def test_a_file_with_any_byte_changed_lost_or_added_is_refused(
    data: st.DataObject, forms: dict[str, Served]
) -> None:
    content = forms[data.draw(st.sampled_from(sorted(forms)))].to_bytes()
    place = data.draw(st.integers(0, len(content) - 1))
    damage = data.draw(st.sampled_from(("change", "cut", "add", "drop")))
    if damage == "change":
        changed = bytes([content[place] ^ data.draw(st.integers(1, 255))])
        damaged = content[:place] + changed + content[place + 1 :]
    elif damage == "cut":
        damaged = content[:place]
    elif damage == "add":
        damaged = content[:place] + bytes([content[place] ^ 1]) + content[place:]
    else:
        damaged = content[:place] + content[place + 1 :]
    with pytest.raises(BadBundle, match=r"served model|damaged"):
        Served.from_bytes(damaged, "this file")


@pytest.mark.filterwarnings("ignore")
@settings(max_examples=300)
@given(data=st.data())
def test_a_forged_file_answers_a_probability_or_is_refused(
    data: st.DataObject, forms: dict[str, Served], market: Market
) -> None:
    """Even with a digest that fits: no crash, no endless walk, no number that is no probability."""
    form = forms[data.draw(st.sampled_from(sorted(forms)))]
    mark, content = form.to_bytes()[:14], bytearray(form.to_bytes()[46:])
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        forged = Served.from_bytes(mark + sha256(content).digest() + bytes(content))
    except BadBundle:
        return
    for row in market[1][:5]:
        try:
            assert 0.0 <= forged.probability(row[: len(forged.columns)]) <= 1.0
        except BadData:
            continue


def test_what_is_kept_on_disk_answers_the_same_and_is_read_again_only_as_it_was(
    forms: dict[str, Served], market: Market, tmp_path: Path
) -> None:
    for name, served in forms.items():
        path, share = tmp_path / name, dict[Quantile, Quantile]()
        served.save(path)
        loaded = [Served.on_disk(path.read_bytes(), path, share) for _ in range(2)]
        for row in market[1][:50]:
            assert {each.probability(row) for each in loaded} == {served.probability(row)}
        assert loaded[0].form == served.form
        path.write_bytes(forms["linear" if name != "linear" else "Bayes"].to_bytes())
        with pytest.raises(BadBundle, match="not the model that was loaded"):
            _ = loaded[0].form
        path.unlink()
        with pytest.raises(BadBundle, match="cannot be read"):
            _ = loaded[0].form


def test_a_file_that_is_not_there_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(BadBundle, match="nowhere"):
        Served.load(tmp_path / "nowhere")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", sorted(ESTIMATORS))
@pytest.mark.parametrize("odd", [float("nan"), float("inf"), -float("inf"), 1e300, -1e31])
def test_a_row_with_a_value_that_is_no_feature_is_refused_by_column(
    name: str, odd: float, forms: dict[str, Served], market: Market
) -> None:
    row = market[1][0].copy()
    row[3] = odd
    with pytest.raises(BadData, match="column 3"):
        forms[name].probability(row)


def test_a_row_of_another_width_is_refused(forms: dict[str, Served], market: Market) -> None:
    with pytest.raises(BadData, match="6 columns, the model reads 7"):
        forms["linear"].probability(market[1][0, :6])


def test_a_nan_among_the_weights_is_refused(forms: dict[str, Served]) -> None:
    form = forms["linear"].form
    spoilt = msgspec.structs.replace(form.estimator, weights=np.full(7, np.nan).tobytes())
    content = msgspec.msgpack.encode(msgspec.structs.replace(form, estimator=spoilt))
    with pytest.raises(BadBundle, match="NaN or infinite"):
        Served.from_bytes(b"served form 1\n" + sha256(content).digest() + content)


ALONE = """
import sys, pathlib, numpy
from live_trader.experts.served import Served
model = Served.load(pathlib.Path(sys.argv[1]))
row = numpy.array([float(each) for each in sys.argv[2:]])
print(repr(model.probability(row)))
heavy = {"pandas", "sklearn", "scipy", "pycaret", "lightgbm", "xgboost", "catboost", "treelite", "joblib"}
print(sorted(heavy & set(sys.modules)))
"""


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", sorted(ESTIMATORS))
def test_a_process_that_loads_and_answers_imports_nothing_heavy(
    name: str, forms: dict[str, Served], market: Market, tmp_path: Path
) -> None:
    path, row = tmp_path / "served", market[1][7]
    forms[name].save(path)
    done = subprocess.run(
        [sys.executable, "-c", ALONE, str(path), *map(repr, row.tolist())],
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout.splitlines() == [repr(forms[name].probability(row)), "[]"]
