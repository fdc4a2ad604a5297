"""What the lessons of a walk have in common: how steady the lengths are, and what weighs in the models."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise

from live_trader.core.features import Recipe
from live_trader.lab.evidence import Lesson, Side

NEAR = 0.25
"""Two lengths agree when they differ by no more than this share of the longer."""


def lengths(lessons: Iterable[Lesson], side: Side) -> dict[str, list[tuple[int, ...]]]:
    """The lengths of each indicator that has any, span after span; spans that dropped it are left out."""
    found: dict[str, list[tuple[int, ...]]] = {}
    for lesson in _of(lessons, side):
        for name, chosen in _chosen(lesson.recipe).items():
            found.setdefault(name, []).append(chosen)
    return found


def steadiness(lessons: Iterable[Lesson], side: Side) -> float | None:
    """How often an indicator keeps its lengths, or nearly so, to the next span; None with one span."""
    recipes = [_chosen(lesson.recipe) for lesson in _of(lessons, side)]
    kept = [
        name in after and _near(chosen, after[name])
        for before, after in pairwise(recipes)
        for name, chosen in before.items()
    ]
    return sum(kept) / len(kept) if kept else None


def importance(lessons: Iterable[Lesson], side: Side) -> dict[str, float]:
    """What each indicator weighs on this side, on average over models and spans, heaviest first."""
    weights: dict[str, float] = {}
    told = [
        (lesson.recipe, weighed)
        for lesson in _of(lessons, side)
        for weighed in lesson.importance.values()
        if weighed
    ]
    for recipe, weighed in told:
        for name, weight in _by_indicator(recipe, weighed):
            weights[name] = weights.get(name, 0.0) + weight / len(told)
    return dict(sorted(weights.items(), key=lambda item: -item[1]))


def _of(lessons: Iterable[Lesson], side: Side) -> list[Lesson]:
    return sorted((each for each in lessons if each.side == side), key=lambda each: each.span.number)


def _chosen(recipe: Recipe) -> dict[str, tuple[int, ...]]:
    return {step.name: step.lengths for step in recipe.steps if step.lengths}


def _near(one: Sequence[int], other: Sequence[int]) -> bool:
    return all(abs(a - b) <= NEAR * max(a, b) for a, b in zip(one, other, strict=True))


def _by_indicator(recipe: Recipe, weighed: Mapping[str, float]) -> Iterator[tuple[str, float]]:
    names = {step.column: step.name for step in recipe.steps}
    return ((names.get(column, column), weight) for column, weight in weighed.items())
