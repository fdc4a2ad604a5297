"""The stability index of features, and what is made of many of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from live_trader.core.bars import Timeframe
from live_trader.core.drift import FAR, Moved, Usual, drift, moved, needed, period, stability, typical
from live_trader.core.features import Recipe, table

RECIPE = Recipe.of([["bop", []], ["roc", [10]], ["rsi", [14]]])
numbers = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=80).map(np.array)


@given(numbers, numbers)
def test_the_index_is_never_negative_and_nothing_without_a_move(expected, actual):
    """Whatever was expected and came, also ties and constants; the same rows have not moved."""
    assert stability(expected, actual) >= 0.0
    assert stability(expected, expected[::-1]) == 0.0


@given(st.integers(0, 2**32 - 1), st.integers(-6, 6).map(lambda power: 2.0**power), st.integers(-5, 5))
def test_the_index_does_not_care_about_units(seed, scale, shift):
    """Bins are quantiles, so what both are measured in is no matter; these units round nothing."""
    chance = np.random.default_rng(seed)
    expected, actual = chance.integers(0, 1000, 64) * 1.0, chance.integers(0, 1000, 500) * 1.0
    assert stability(expected, actual) == stability(expected * scale + shift, actual * scale + shift)


def test_a_population_that_moved_is_far_and_one_that_did_not_is_near():
    """A whole deviation away is beyond the usual limit; another draw of the same is well below it."""
    chance = np.random.default_rng(4)
    expected = chance.normal(0, 1, 64)
    assert stability(expected, chance.normal(0, 1, 2000)) < 0.1
    assert stability(expected, chance.normal(1.5, 1, 2000)) > FAR


def test_a_feature_that_never_was_anything_but_one_value_can_move(market):
    """A constant has one bin below and one above: another constant above it is another population."""
    constant = np.zeros(64)
    assert stability(constant, np.zeros(500)) == 0.0
    assert stability(constant, np.ones(500)) > FAR


def test_drift_is_measured_over_the_rows_the_experts_see(market):
    """The last bars' rows are the ones of `table`, however long the tape before them is."""
    tape = market(1500)
    usual = Usual("long", RECIPE, table(RECIPE, tape)[400:900:8])
    expected = moved(usual, table(RECIPE, tape)[-300:])
    for length in (needed([usual], 300), 900, 1500):
        assert drift([usual], tape.cut(1500 - length, 1500), 300) == expected


@given(st.lists(st.floats(0, 3), min_size=1, max_size=60), st.floats(0.01, 2))
def test_a_bundle_is_far_when_more_than_half_of_its_features_are(indices, limit):
    found = [Moved("long", str(at), each) for at, each in enumerate(indices)]
    assert (typical(found) > limit) == (sum(each > limit for each in indices) > len(indices) / 2)


@pytest.mark.parametrize("timeframe", list(Timeframe))
def test_a_period_is_a_whole_number_of_bars_and_no_longer_than_a_day(timeframe):
    assert period(timeframe) % timeframe.seconds == 0
    assert timeframe.seconds <= period(timeframe) <= 86400
