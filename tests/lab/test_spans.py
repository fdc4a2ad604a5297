"""The walk judges every bar once, by models that end before it, and follows the calendar."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from live_trader.core.bars import Tape, Timeframe, moment
from live_trader.errors import BadData, BadSettings
from live_trader.lab.spans import Grid, Length, spans, usual

Make = Callable[..., Tape]
LENGTHS = st.builds(Length, st.integers(1, 4), st.sampled_from("MWD")) | st.builds(
    Length, st.integers(5, 60), st.just("H")
)
BARS = st.builds(Length, st.integers(10, 900), st.just("B"))


@given(
    lengths=st.tuples(LENGTHS, LENGTHS) | st.tuples(BARS, BARS),
    bars=st.integers(200, 6000),
    apart=st.integers(1, 60),
    warm_up=st.integers(0, 300),
    holes=st.lists(st.tuples(st.integers(0, 5999), st.integers(1, 900)), max_size=4),
)
@settings(max_examples=60, deadline=None)
def test_every_bar_from_the_first_judged_one_is_judged_once_by_models_that_end_before_it(
    market: Make,
    lengths: tuple[Length, Length],
    bars: int,
    apart: int,
    warm_up: int,
    holes: list[tuple[int, int]],
) -> None:
    times = market(6000).times
    for start, length in holes:
        times = np.concatenate((times[:start], times[start + length :]))
    tape = _with_times(market(6000), times[:bars])
    try:
        walk = spans(tape, Grid(*lengths), apart, warm_up)
    except BadData:
        return
    judged = [at for span in walk for at in range(span.first, span.last)]
    assert judged == list(range(walk[0].first, len(tape)))
    for span in walk:
        assert warm_up <= span.start < span.stop
        assert span.stop == span.first - apart


def test_months_are_those_of_the_original(market: Make) -> None:
    """Training spans of 36 whole months from the first one on, three months further each time."""
    tape = market(24 * 365 * 4)
    walk = spans(tape, usual(Timeframe.H1), 48, 500)
    assert [moment(int(tape.times[span.first])).strftime("%Y-%m-%d %H") for span in walk] == [
        "2020-08-01 00",
        "2020-11-01 00",
        "2021-02-01 00",
        "2021-05-01 00",
    ]
    assert [moment(int(tape.times[span.start])).strftime("%Y-%m-%d %H") for span in walk[1:]] == [
        "2017-11-01 00",
        "2018-02-01 00",
        "2018-05-01 00",
    ]


def test_only_the_newest_spans_are_walked_when_asked(market: Make) -> None:
    tape = market(3000)
    grid = Grid(Length.parse("500B"), Length.parse("100B"))
    walk = spans(tape, grid, 10, 0)
    assert spans(tape, Grid(grid.train, grid.step, 3), 10, 0) == walk[-3:]


@pytest.mark.parametrize("timeframe", Timeframe)
def test_every_timeframe_has_a_usual_grid(timeframe: Timeframe) -> None:
    grid = usual(timeframe)
    assert (grid.train.unit == "B") == (grid.step.unit == "B")


def test_too_few_bars_are_told_with_what_takes_them(market: Make) -> None:
    with pytest.raises(BadData, match=r"has 700 bars: with 200 to warm up, a training span of 600B and 48"):
        spans(market(700), Grid(Length.parse("600B"), Length.parse("100")), 48, 200)


@pytest.mark.parametrize("text", ["", "36", "3Y", "-3M", "0D", "M", "3 M", "1e3B"])
def test_what_is_not_a_length_is_refused(text: str) -> None:
    if text == "36":
        assert str(Length.parse(text)) == "36B"
        return
    with pytest.raises(BadSettings, match="is not a length of time"):
        Length.parse(text)


def test_calendar_and_bars_do_not_mix(market: Make) -> None:
    with pytest.raises(BadSettings, match="both in bars or neither"):
        spans(market(700), Grid(Length.parse("1M"), Length.parse("100B")), 48, 200)


def _with_times(tape: Tape, times: np.ndarray) -> Tape:
    short = tape.cut(0, len(times))
    return Tape(tape.ticker, times, short.open, short.high, short.low, short.close, short.volume)
