"""Longer bars: made of the shorter ones, and never seen before they are over."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from live_trader.core.bars import Tape, Ticker, Timeframe
from live_trader.core.resample import resample
from live_trader.errors import BadData

LONGER = [Timeframe.M3, Timeframe.M5, Timeframe.M15, Timeframe.H1, Timeframe.H4, Timeframe.D1]


def drawn(seed: int, length: int = 500, gaps: float = 0.1) -> Tape:
    random = np.random.default_rng(seed)
    steps = np.where(random.random(length) < gaps, random.integers(1, 400, length), 1)
    times = 60 * (20_000_000 + int(random.integers(0, 3000)) + np.cumsum(steps))
    close = 100 + np.cumsum(random.normal(size=length))
    open_ = np.concatenate(([100.0], close[:-1]))
    reach = random.random((2, length))
    return Tape(
        Ticker("X", Timeframe.M1),
        times,
        open_,
        np.maximum(open_, close) + reach[0],
        np.minimum(open_, close) - reach[1],
        close,
        random.integers(0, 9, length).astype(np.float64),
    )


tapes = st.builds(drawn, st.integers(0, 2**32 - 1), st.just(300), st.sampled_from([0.0, 0.02, 0.3]))


@given(tapes, st.sampled_from(LONGER), st.integers(1, 300))
def test_what_is_seen_at_a_bar_is_what_the_tape_up_to_it_gives(
    tape: Tape, timeframe: Timeframe, cut: int
) -> None:
    whole, part = resample(tape, timeframe), resample(tape.cut(0, cut), timeframe)
    assert len(part.tape) == whole.seen[cut - 1]
    for name in ("times", "open", "high", "low", "close", "volume"):
        assert np.array_equal(getattr(part.tape, name), getattr(whole.tape, name)[: len(part.tape)])


@given(tapes, st.sampled_from(LONGER))
def test_a_longer_bar_is_made_of_the_shorter_bars_in_it_and_over_when_seen(
    tape: Tape, timeframe: Timeframe
) -> None:
    longer = resample(tape, timeframe)
    for at, opened in enumerate(longer.tape.times.tolist()):
        inside = (tape.times >= opened) & (tape.times < opened + timeframe.seconds)
        first, last = np.flatnonzero(inside)[[0, -1]]
        assert longer.tape.open[at] == tape.open[first]
        assert longer.tape.close[at] == tape.close[last]
        assert longer.tape.high[at] == tape.high[inside].max()
        assert longer.tape.low[at] == tape.low[inside].min()
        assert longer.tape.volume[at] == tape.volume[inside].sum()
    for at, seen in enumerate(longer.seen.tolist()):
        now = tape.times[at] + 60
        assert np.all(longer.tape.times[:seen] + timeframe.seconds <= now)


def test_a_bar_that_began_before_the_tape_is_left_out_and_one_that_is_not_over_too() -> None:
    tape = drawn(1, 12, 0.0)
    tape = Tape(
        tape.ticker,
        60 * (np.arange(12) + 3),
        *(getattr(tape, n) for n in ("open", "high", "low", "close", "volume")),
    )
    assert resample(tape, Timeframe.M5).tape.times.tolist() == [300, 600]
    assert resample(tape, Timeframe.M5).seen.tolist() == [0] * 6 + [1] * 5 + [2]
    assert resample(tape.cut(2, 12), Timeframe.M5).tape.times.tolist() == [300, 600]


def test_the_same_timeframe_is_the_same_tape() -> None:
    tape = drawn(2)
    again = resample(tape, Timeframe.M1)
    assert np.array_equal(again.tape.close, tape.close)
    assert again.seen.tolist() == list(range(1, len(tape) + 1))


def test_bars_that_do_not_divide_are_refused() -> None:
    tape = resample(drawn(3), Timeframe.M10).tape
    with pytest.raises(BadData, match="whole bars of M10"):
        resample(tape, Timeframe.M15)
    with pytest.raises(BadData, match="no bar"):
        resample(tape.cut(0, 0), Timeframe.H1)
