"""Tampered tapes are possible tapes that differ from one bar on, and cuts fall where leaks hide."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from live_trader.core.bars import Tape, Ticker, Timeframe
from live_trader.edge.feeds.simulated import Market
from live_trader.lab.leaks.tampering import altered, differing, turns

EURUSD = Ticker("EURUSD", Timeframe.M5)
NAMES = ("open", "high", "low", "close", "volume")


@pytest.fixture(scope="module")
def tape() -> Tape:
    return Tape.of(EURUSD, list(Market(EURUSD, 3).history(1_760_000_400, 900)))


@given(cut=st.integers(0, 900), seed=st.integers(0, 99))
def test_an_altered_tape_is_the_same_before_the_cut_and_another_after(
    tape: Tape, cut: int, seed: int
) -> None:
    other = altered(tape, cut, seed)
    assert len(list(other.bars())) == len(tape)  # every bar of it is a possible one
    for name in NAMES:
        one, two = getattr(tape, name), getattr(other, name)
        assert np.array_equal(one[:cut], two[:cut])
        assert not (one[cut:] == two[cut:]).any()
    turned = (other.close[cut:] - other.open[cut:]) * (tape.close[cut:] - tape.open[cut:])
    assert (turned <= 0).all()


def test_a_tape_is_not_altered_by_the_numbers_it_was_made_of() -> None:
    """A random tape of the same small seed as the tampering still becomes another one."""
    random = np.random.default_rng(1)
    close = 100.0 * np.exp(np.cumsum(random.normal(0.0, 0.004, 500)))
    tape = Tape(EURUSD, 300 * np.arange(500), close, close, close, close, np.ones(500))
    moved, other = np.diff(np.log(tape.close)), np.diff(np.log(altered(tape, 0, 1).close))
    assert abs(np.corrcoef(moved, other)[0, 1]) > 0.3  # turned upside down, with its own moves on top
    assert np.corrcoef(moved, other)[0, 1] < 0.0


def test_cuts_fall_where_a_day_begins_and_right_after_the_largest_move(tape: Tape) -> None:
    found = turns(tape, 100, 36, 0)
    assert found == sorted(set(found))
    assert 100 <= found[0] <= found[-1] < len(tape)
    midnights = set(np.flatnonzero(np.diff(tape.times // 86_400, prepend=tape.times[0] // 86_400)).tolist())
    assert midnights & set(found)
    assert sum(b - a == 1 for a, b in pairwise(found)) >= 9


def test_tables_differ_where_one_has_a_hole_or_another_number() -> None:
    one = np.array([[1.0, np.nan, 5.0], [2.0, 2.0, 6.0]])
    same = one * (1.0 + 1e-13)
    other = np.array([[1.0, 1.0, 5.0], [2.0, 2.0, 6.0001]])
    assert list(differing(one, same, "abc")) == []
    assert list(differing(one, other, "abc")) == [("b", 0), ("c", 1)]
