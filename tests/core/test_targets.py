"""Targets mark what they say they mark, and know their horizon and no more."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import find_peaks

from live_trader.core import targets
from live_trader.core.bars import Tape
from live_trader.core.targets import POINT, UNSETTLED
from live_trader.errors import BadSettings
from tests.lab.conftest import walked

Make = Callable[..., Tape]
SIDES = ("long", "short")
NAMES = list(targets.TARGETS)


@pytest.fixture(scope="session")
def market() -> Make:
    """The random walks that training is tested with."""
    return walked


@pytest.mark.parametrize("name", NAMES)
@given(cut=st.integers(60, 399), seed=st.integers(0, 50), grain=st.sampled_from([0.0, 0.001, 0.01]))
@settings(max_examples=60, deadline=None)
def test_a_settled_label_does_not_change_with_later_bars(
    market: Make, name: str, cut: int, seed: int, grain: float
) -> None:
    """Cut the tape anywhere: every label older than the horizon is the one of the whole tape."""
    tape, target = market(400, seed, grain=grain), targets.target(name, {})
    whole, short = target.label(tape), target.label(tape.cut(0, cut))
    known = max(0, cut - target.horizon)
    for side in SIDES:
        assert np.array_equal(short[side][:known], whole[side][:known])
        assert (short[side][known:] == UNSETTLED).all()


@pytest.mark.parametrize("name", NAMES)
def test_every_target_marks_both_sides_of_a_market_and_never_the_same_bar(market: Make, name: str) -> None:
    labels = targets.target(name, {}).label(market(3000))
    long, short = (labels[side] == POINT for side in SIDES)
    assert 30 < long.sum() < 1500
    assert 30 < short.sum() < 1500
    assert not (long & short).any()


def test_extremes_are_those_of_the_original_when_asked_for_its_prominence(market: Make) -> None:
    """Width 1, distance 1, a window of 24, and the greater of 0.0005 and the deviation of three closes."""
    tape = market(2000, 3)
    deviation = np.array(
        [np.std(tape.close[max(0, at - 2) : at + 1], ddof=1) if at > 1 else np.nan for at in range(2000)]
    )
    deviation[:2] = deviation[2]
    sought = {"width": 1, "distance": 1, "wlen": 24, "prominence": np.maximum(0.0005, deviation)}
    labels = targets.extremes(0.0005, "price").label(tape)
    for side, line in (("long", -tape.close), ("short", tape.close)):
        points, _ = find_peaks(line, **sought)
        assert np.flatnonzero(labels[side] == POINT).tolist() == [at for at in points if at < 2000 - 24]


def test_prominence_in_volatilities_does_not_depend_on_the_unit_of_the_price(market: Make) -> None:
    tape = market(1500, 5)
    times_64 = Tape(
        tape.ticker,
        tape.times,
        *(64.0 * getattr(tape, n) for n in ("open", "high", "low", "close", "volume")),
    )
    one, other = targets.extremes().label(tape), targets.extremes().label(times_64)
    assert all(np.array_equal(one[side], other[side]) for side in SIDES)


def test_a_plateau_longer_than_the_horizon_is_no_extreme(market: Make) -> None:
    tape = market(200)
    close = np.where(
        (np.arange(200) > 80) & (np.arange(200) < 120), 2.0, 1.0 + 0.001 * np.sin(np.arange(200))
    )
    flat = Tape(tape.ticker, tape.times, close, close, close, close, tape.volume)
    assert not (targets.extremes().label(flat)["short"][81:120] == POINT).any()


def test_a_barrier_is_won_by_the_one_that_is_touched_first(market: Make) -> None:
    """Each bar looked at one by one gives the same answer."""
    tape = market(300, 8)
    labels, unit = (
        targets.triple_barrier(bars=10, profit=1.5, loss=1.0).label(tape),
        targets.volatility(tape.close),
    )
    for at in range(96, 280):
        won = lost = 99
        for step in range(10, 0, -1):
            won = step if tape.high[at + step] >= tape.close[at] + 1.5 * unit[at] else won
            lost = step if tape.low[at + step] <= tape.close[at] - unit[at] else lost
        assert (labels["long"][at] == POINT) == (won < lost)


def test_zigzag_points_alternate(market: Make) -> None:
    labels = targets.zigzag(bars=400).label(market(2000, 2))
    turns = [labels["short"][at] for at in range(2000) if POINT in (labels["long"][at], labels["short"][at])]
    assert len(turns) > 10
    assert all(one != other for one, other in pairwise(turns))


def test_unknown_targets_and_settings_are_told_with_the_known_ones() -> None:
    with pytest.raises(BadSettings, match="Use one of extremes"):
        targets.target("peaks", {})
    with pytest.raises(BadSettings, match="It has prominence, unit"):
        targets.target("extremes", {"prominance": 1})
