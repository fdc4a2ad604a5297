"""Factors: held to a plain reading of their definitions, bar by bar."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from live_trader.core.bars import Tape, Ticker, Timeframe
from live_trader.core.factors import NAMES, PARTS, WINDOWS, factors


def drawn(seed: int, length: int = 180) -> Tape:
    random = np.random.default_rng(seed)
    times = 900 * (2_000_000 + np.cumsum(np.where(random.random(length) < 0.03, 70, 1)))
    close = 100 + np.cumsum(random.normal(size=length))
    open_ = np.concatenate(([100.0], close[:-1]))
    reach = random.random((2, length))
    high, low = np.maximum(open_, close) + reach[0], np.minimum(open_, close) - reach[1]
    return Tape(Ticker("X", Timeframe.M15), times, open_, high, low, close, np.ones(length))


def plain(tape: Tape, start: int, end: int, at: int, before: float, first: float, way: float) -> list[float]:
    """The parts over bars start to end, by the book."""
    close, high, low = tape.close[at], tape.high[start:end].max(), tape.low[start:end].min()
    count = end - start
    slope = np.polyfit(np.arange(count), tape.close[start:end], 1)[0] if count > 1 else 0.0
    return [
        high / close,
        low / close,
        first / close,
        (high - low) / close,
        (close - before) / close * 100,
        slope / close,
        (close - low) / (high - low),
        abs(close - before) / way,
    ]


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=15, deadline=None)
def test_every_column_is_what_its_name_says(seed: int) -> None:
    tape = drawn(seed)
    columns = dict(zip(NAMES, factors(tape), strict=True))
    random = np.random.default_rng(seed)
    for at in random.integers(101, len(tape), 8).tolist():
        for length in WINDOWS:
            way = np.abs(np.diff(tape.close[at - length : at + 1])).sum()
            expected = plain(tape, at - length, at, at, tape.close[at - length], tape.open[at - length], way)
            found = [columns[f"n{length}_{part}"][at] for part in PARTS]
            assert found == pytest.approx(expected, rel=1e-9, abs=1e-9)
        start = int(np.flatnonzero(tape.times // 86_400 == tape.times[at] // 86_400)[0])
        opened = tape.open[start]
        way = abs(tape.close[start] - opened) + np.abs(np.diff(tape.close[start : at + 1])).sum()
        expected = plain(tape, start, at + 1, at, opened, opened, way)
        found = [columns[f"day_{part}"][at] for part in PARTS]
        assert found == pytest.approx(expected, rel=1e-9, abs=1e-9)
        assert columns["day_bars"][at] == at + 1 - start


@given(st.integers(0, 2**32 - 1), st.integers(102, 179))
@settings(max_examples=15, deadline=None)
def test_no_factor_sees_the_future(seed: int, cut: int) -> None:
    tape = drawn(seed)
    for whole, part in zip(factors(tape), factors(tape.cut(0, cut)), strict=True):
        assert np.array_equal(whole[:cut], part, equal_nan=True)


def test_a_still_market_has_factors_too() -> None:
    still = np.full(150, 5.0)
    times = 900 * np.arange(150, dtype=np.int64)
    tape = Tape(Ticker("X", Timeframe.M15), times, still, still, still, still, still)
    values = dict(zip(NAMES, factors(tape), strict=True))
    assert all(np.isfinite(column[100:]).all() for column in values.values())
    assert values["n10_position"][-1] == 0.5
    assert values["n10_trendiness"][-1] == 0.0


def test_a_window_that_is_not_full_is_no_number() -> None:
    values = dict(zip(NAMES, factors(drawn(1)), strict=True))
    for length in WINDOWS:
        for part in PARTS:
            column = values[f"n{length}_{part}"]
            assert np.isnan(column[:length]).all(), part
            assert np.isfinite(column[length:]).all(), part
