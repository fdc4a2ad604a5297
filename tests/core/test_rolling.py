"""Rolling sums and extremes: right, and made of their own bars to the last bit."""

from collections.abc import Callable

import numpy as np
import pytest
import talib
from hypothesis import given
from hypothesis import strategies as st

from live_trader.core.bars import Floats
from live_trader.core.rolling import (
    fade,
    highest,
    last_where,
    lowest,
    mean,
    rsi,
    rsi_memory,
    shift,
    total,
    wilder,
)

series = st.lists(st.floats(1.0, 1000.0), min_size=1, max_size=60).map(np.array)
counts = st.integers(1, 40)


@given(series, counts)
def test_extremes_and_sums_are_those_of_the_last_values(values: Floats, count: int) -> None:
    for at in range(len(values)):
        part = values[at - count + 1 : at + 1] if at >= count - 1 else np.array([])
        if not len(part):
            assert np.isnan(
                [highest(values, count)[at], lowest(values, count)[at], total(values, count)[at]]
            ).all()
            continue
        assert highest(values, count)[at] == part.max()
        assert lowest(values, count)[at] == part.min()
        assert total(values, count)[at] == pytest.approx(part.sum())
        assert mean(values, count)[at] == pytest.approx(part.mean())


def test_a_weighted_sum_gives_the_oldest_value_the_first_weight() -> None:
    weights = np.array([1.0, 10.0, 100.0])
    assert total(np.array([1.0, 2.0, 3.0, 4.0]), 3, weights)[2:].tolist() == [321.0, 432.0]


@pytest.mark.parametrize(
    ("roll", "memory"),
    [
        (lambda values: total(values, 7), 7),
        (lambda values: mean(values, 10), 10),
        (lambda values: highest(values, 9), 9),
        (lambda values: wilder(values, 3), 3 + fade(3)),
        (lambda values: rsi(values, 3), rsi_memory(3)),
    ],
)
@given(st.integers(0, 2**32 - 1), st.integers(1, 40))
def test_every_value_is_made_of_its_memory_alone_bit_for_bit(
    roll: Callable[[Floats], Floats], memory: int, seed: int, start: int
) -> None:
    values = np.random.default_rng(seed).uniform(1.0, 1000.0, memory + 60)
    cut = roll(values[start:])
    assert np.array_equal(cut[memory - 1 :], roll(values)[start + memory - 1 :])


@pytest.mark.parametrize("count", [2, 5, 14])
def test_the_rsi_is_wilders_as_ta_lib_has_it(count: int) -> None:
    close = 100 + np.cumsum(np.random.default_rng(4).normal(size=2000))
    known = slice(rsi_memory(count), None)
    assert np.allclose(rsi(close, count)[known], talib.RSI(close, count)[known], rtol=0, atol=1e-7)


def test_an_rsi_where_nothing_moves_stands_in_the_middle() -> None:
    assert rsi(np.full(200, 5.0), 2)[-1] == 50.0


@given(series, st.integers(0, 70))
def test_a_shift_moves_and_forgets(values: Floats, by: int) -> None:
    moved = shift(values, by)
    assert np.isnan(moved[: min(by, len(values))]).all()
    assert np.array_equal(moved[by:], values[: max(len(values) - by, 0)])


def test_the_last_flagged_bar_is_remembered() -> None:
    assert last_where(np.array([False, True, False, False, True])).tolist() == [-1, 1, 1, 1, 4]
