"""Scales, ticks and thinned lines: what is drawn is what was given."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from live_trader.core.bars import moment
from live_trader.lab.reports.drawing import Scale, calendar, tag, thinned, ticks

sizes = st.floats(1e-6, 1e9)


@given(st.floats(-1e6, 1e6), sizes, st.integers(2, 10))
def test_ticks_are_few_round_and_inside(low: float, size: float, count: int) -> None:
    size = max(size, 1e-5 * abs(low))
    high = low + size
    marks = ticks(low, high, count)
    assert 1 <= len(marks) <= count + 1
    slack = 1e-6 * size
    assert all(low - slack <= mark <= high + slack for mark in marks)
    steps = np.diff(marks)
    assert len(steps) == 0 or steps == pytest.approx(np.full(len(steps), steps[0]), rel=1e-6)


def test_ticks_are_those_a_person_would_choose() -> None:
    assert ticks(0.0, 1.0) == [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    assert ticks(-3.2, 7.9) == [-2.5, 0.0, 2.5, 5.0, 7.5]
    assert ticks(0.0, 2400.0, 4) == [0.0, 1000.0, 2000.0]


@pytest.mark.parametrize(
    ("first", "last", "labels"),
    [
        ("2012-11-16T08", "2022-03-04T21", ["2014", "2016", "2018", "2020", "2022"]),
        ("2021-11-16T08", "2022-03-04T21", ["Dec 2021", "2022", "Feb 2022", "Mar 2022"]),
        ("2022-01-03T00", "2022-01-09T00", ["3 Jan", "4 Jan", "5 Jan", "6 Jan", "7 Jan", "8 Jan", "9 Jan"]),
        ("2022-01-03T22", "2022-01-04T04", ["22:00", "23:00", "4 Jan", "01:00", "02:00", "03:00", "04:00"]),
    ],
)
def test_a_calendar_speaks_of_years_months_days_or_hours(first: str, last: str, labels: list[str]) -> None:
    begin, end = (int(np.datetime64(text, "s").astype(np.int64)) for text in (first, last))
    marks = calendar(begin, end)
    assert [label for _, label in marks] == labels
    assert all(begin <= at <= end for at, _ in marks)


@given(st.integers(0, 4_000_000_000), st.integers(60, 500_000_000))
def test_a_calendar_never_crowds(first: int, length: int) -> None:
    marks = calendar(first, first + length)
    assert len(marks) <= 17
    assert [at for at, _ in marks] == sorted({at for at, _ in marks})
    assert all(moment(at).second == 0 for at, _ in marks)


@given(st.integers(0, 1000), st.integers(1, 5000))
def test_thinning_a_line_loses_neither_its_ends_nor_its_extremes(seed: int, count: int) -> None:
    values = np.random.default_rng(seed).normal(0, 1, count)
    kept = thinned(values, 50)
    assert len(kept) <= max(102, 2)
    assert {0, count - 1, int(values.argmin()), int(values.argmax())} <= set(kept.tolist())
    assert kept.tolist() == sorted(set(kept.tolist()))


@given(st.floats(-1e6, 1e6), sizes, st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_a_scale_puts_values_in_proportion(low: float, size: float, shares: list[float]) -> None:
    scale = Scale(low, low + size, 100.0, 20.0)
    values = low + np.array(shares) * size
    assert scale.places(values) == pytest.approx(np.array([scale(value) for value in values.tolist()]))
    assert np.all((scale.places(values) <= 100.01) & (scale.places(values) >= 19.99))


def test_what_is_written_into_an_attribute_cannot_leave_it() -> None:
    assert tag("p", class_='x" onload="alert(1)', data_x=1.50) == (
        '<p class="x&quot; onload=&quot;alert(1)" data-x="1.5"></p>'
    )
