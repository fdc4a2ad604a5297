"""What lessons have in common: lengths that stay or wander, and weights by indicator."""

from __future__ import annotations

import pytest

from live_trader.core.features import Recipe, Step
from live_trader.lab import lessons
from live_trader.lab.evidence import Lesson
from live_trader.lab.spans import Span


def lesson(number: int, *lengths: int, side: str = "long", weights: dict[str, float] | None = None) -> Lesson:
    steps = tuple(Step(name, (length,)) for name, length in zip(("mom", "mfi"), lengths, strict=False))
    importance = {"M~PC": weights} if weights else {}
    span = Span(number, 0, 10, 20, 30)
    return Lesson(side, span, Recipe((Step("bop"), *steps)), importance, {})


def test_lengths_that_stay_near_are_steady_and_others_are_not() -> None:
    told = [lesson(1, 21, 50), lesson(0, 20, 10), lesson(2, 20, 55), lesson(0, 99, 99, side="short")]
    assert lessons.lengths(told, "long") == {"mom": [(20,), (21,), (20,)], "mfi": [(10,), (50,), (55,)]}
    assert lessons.steadiness(told, "long") == pytest.approx(3 / 4)


def test_an_indicator_that_is_dropped_was_not_steady() -> None:
    assert lessons.steadiness([lesson(0, 20, 10), lesson(1, 20)], "long") == pytest.approx(1 / 2)


def test_one_span_says_nothing_about_steadiness() -> None:
    assert lessons.steadiness([lesson(0, 20)], "long") is None


def test_weights_are_added_up_by_indicator_over_its_lengths() -> None:
    told = [
        lesson(0, 20, weights={"mom_20": 0.75, "bop": 0.25}),
        lesson(1, 30, weights={"mom_30": 0.25, "bop": 0.75}),
        lesson(2, 30),
    ]
    assert lessons.importance(told, "long") == pytest.approx({"mom": 0.5, "bop": 0.5})
    assert lessons.importance(told, "short") == {}
