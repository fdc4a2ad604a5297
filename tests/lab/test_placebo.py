"""Meaningless labels keep how many points there are, and lose what they have to do with the bars."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from live_trader.core.bars import Tape
from live_trader.lab.course import Course
from live_trader.lab.evidence import SIDES, UNSETTLED, Labels
from live_trader.lab.placebo import meaningless

Make = Callable[..., Tape]


@pytest.fixture
def labels(market: Make) -> dict[str, Labels]:
    return dict(Course().label(market(3000)))


def test_placebos_are_shifted_and_shuffled_in_turn_and_always_the_same(labels: dict[str, Labels]) -> None:
    made = meaningless(labels, 3, 5)
    assert list(made) == ["shifted 1", "shuffled 1", "shifted 2"]
    again = meaningless(labels, 3, 5)
    other = meaningless(labels, 3, 6)
    for name in made:
        assert all(np.array_equal(made[name][side], again[name][side]) for side in SIDES)
        assert any(not np.array_equal(made[name][side], other[name][side]) for side in SIDES)


def test_as_many_points_are_left_and_they_fall_elsewhere(labels: dict[str, Labels]) -> None:
    before = {side: labels[side].copy() for side in SIDES}
    for made in meaningless(labels, 4, 1).values():
        for side in SIDES:
            assert np.array_equal(np.bincount(made[side] + 1), np.bincount(before[side] + 1))
            settled = (made[side] != UNSETTLED) & (before[side] != UNSETTLED)
            assert abs(np.corrcoef(made[side][settled], before[side][settled])[0, 1]) < 0.1
    assert all(np.array_equal(before[side], labels[side]) for side in SIDES)


def test_a_valley_does_not_become_a_peak_as_well(labels: dict[str, Labels]) -> None:
    """Both sides move together, as in the real labels no bar is both."""
    for made in meaningless(labels, 4, 2).values():
        assert not ((made["long"] == 1) & (made["short"] == 1)).any()
