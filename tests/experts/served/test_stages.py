"""Transforms of one column, held against scikit-learn's, and thresholds moved in front of them."""

from math import inf, nextafter
from typing import Any

import numpy as np
import pytest
from hypothesis import given, reject
from hypothesis import strategies as st
from sklearn import preprocessing

from live_trader.core.bars import Floats
from live_trader.experts.served.apart.steps import Flow, passed
from live_trader.experts.served.cuts import cut, on_and_beside, ranks
from live_trader.experts.served.layers import Column, Columns
from live_trader.experts.served.numbers import floats
from live_trader.experts.served.stages import Stage

MAKERS: dict[str, list[Any]] = {
    "standard": [preprocessing.StandardScaler()],
    "robust": [preprocessing.RobustScaler()],
    "largest": [preprocessing.MaxAbsScaler()],
    "range": [preprocessing.MinMaxScaler()],
    "clipped range": [preprocessing.MinMaxScaler(feature_range=(-2, 3), clip=True)],
    "quantile": [preprocessing.QuantileTransformer(n_quantiles=50)],
    "normal": [preprocessing.QuantileTransformer(n_quantiles=50, output_distribution="normal")],
    "power": [preprocessing.PowerTransformer(standardize=False)],
    "as the original": [
        preprocessing.QuantileTransformer(n_quantiles=200, output_distribution="normal"),
        preprocessing.StandardScaler(),
    ],
    "all of them": [
        preprocessing.RobustScaler(),
        preprocessing.PowerTransformer(),
        preprocessing.QuantileTransformer(n_quantiles=30, output_distribution="normal"),
        preprocessing.MinMaxScaler(),
    ],
}

SHAPES = {
    "normal": lambda rng, count: rng.normal(size=count),
    "skewed": lambda rng, count: rng.lognormal(sigma=1.5, size=count),
    "tiny": lambda rng, count: 1e-5 * rng.normal(size=count),
    "large": lambda rng, count: 1e6 * rng.standard_t(3, size=count),
    "of few values": lambda rng, count: rng.integers(-2, 3, size=count).astype(float),
    "mostly one value": lambda rng, count: np.where(rng.random(count) < 0.9, 0.5, rng.random(count)),
}


def fitted(name: str, values: Floats, narrow: bool) -> tuple[list[Stage], Any]:
    """The stages of this column, and scikit-learn's own transform of it."""
    flow, column = Flow.of(["one"]), values[:, None].astype(np.float32 if narrow else np.float64)
    steps = []
    for maker in MAKERS[name]:
        try:
            step = type(maker)(**maker.get_params()).fit(column)
        except RuntimeError:  # a column that no power makes normal
            reject()
        column = step.transform(column)
        flow = passed(step, flow)
        steps.append(step)

    def transformed(column: Floats) -> Floats:
        column = column[:, None]
        for step in steps:
            column = step.transform(column)
        return np.asarray(column[:, 0], np.float64)

    return flow.columns[0].stages, transformed


def tried(values: Floats, stages: list[Stage]) -> Floats:
    """Values of the column, between, on, beside and beyond them."""
    low, high = values.min(), values.max()
    near = np.concatenate([values[:40], [low, high, low + 1e-7, high - 1e-7, (low + high) / 2, 0.0]])
    for stage in stages[:1]:
        near = np.concatenate([near, floats(stage.points)]) if hasattr(stage, "points") else near
    beside = np.concatenate([np.nextafter(near, -inf), near, np.nextafter(near, inf)])
    return np.concatenate([beside, np.linspace(2 * low - high, 2 * high - low, 60)])


def _far(values: Floats) -> float:
    return 4.0 * float(np.abs(values).max())


pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # powers overflow far out, in both

columns = st.tuples(
    st.sampled_from(sorted(MAKERS)), st.sampled_from(sorted(SHAPES)), st.integers(0, 2**32 - 1), st.booleans()
)


@given(columns)
def test_one_value_has_the_bits_scikit_learn_gives_it(column: tuple[str, str, int, bool]) -> None:
    name, shape, seed, narrow = column
    values = SHAPES[shape](np.random.default_rng(seed), 300)
    stages, transformed = fitted(name, values, narrow)
    asked = tried(values, stages)
    layer = Columns([Column(0, stages)])
    one_by_one = [layer.ready()([value])[0] for value in asked.tolist()]
    np.testing.assert_array_equal(one_by_one, transformed(asked))


@given(columns)
def test_a_threshold_moved_in_front_of_the_transforms_divides_as_it_did_behind(
    column: tuple[str, str, int, bool],
) -> None:
    name, shape, seed, narrow = column
    rng = np.random.default_rng(seed)
    values = SHAPES[shape](rng, 300)
    stages, transformed = fitted(name, values, narrow)
    results = transformed(values)
    marks = np.unique(np.concatenate([rng.choice(results, 8), rng.uniform(results.min(), results.max(), 8)]))
    made = cut(0, stages, marks)
    assert made.check(1) == len(marks)
    edges = [each for _, *pair in on_and_beside(made, stages) for each in pair]
    edges += [*floats(made.sure), *floats(made.above)]
    edges += [nextafter(each, way) for each in edges for way in (-inf, inf)]
    asked = np.array([each for each in edges if abs(each) < _far(values)] + tried(values, stages).tolist())
    ranked = ranks([made], Columns([Column(0, stages)]))
    expected = np.searchsorted(marks, transformed(asked), side="left")
    np.testing.assert_array_equal([ranked([value])[0] for value in asked.tolist()], expected)


def test_the_two_values_beside_a_threshold_are_neighbours_and_on_either_side() -> None:
    values = np.random.default_rng(3).normal(size=500)
    stages, transformed = fitted("as the original", values, narrow=False)
    marks = np.linspace(-2.0, 2.0, 9)
    pairs = list(on_and_beside(cut(0, stages, marks), stages))
    assert [place for place, _, _ in pairs] == list(range(9))
    for place, low, high in pairs:
        below, above = transformed(np.array([low, high]))
        assert nextafter(low, inf) == high
        assert below <= marks[place] < above


@pytest.mark.parametrize("name", sorted(MAKERS))
def test_most_values_are_ranked_without_their_transforms(name: str) -> None:
    """Between `sure` and `above` only the transform can tell; it is less than a millionth of the column."""
    values = np.random.default_rng(5).normal(size=400)
    stages, transformed = fitted(name, values, narrow=False)
    results = np.unique(transformed(values))
    made = cut(0, stages, (results[1:] + results[:-1]) / 2)
    sure, above = (floats(each).clip(-10.0, 10.0) for each in (made.sure, made.above))
    assert (above - sure).max() < 1e-6
