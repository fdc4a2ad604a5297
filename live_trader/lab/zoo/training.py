"""Trainings that know too much: each step of a small honest one, and its walk, spoilt in one way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from live_trader.core.bars import Floats, Tape
from live_trader.core.features import Recipe
from live_trader.lab.course import Course
from live_trader.lab.evidence import PLAIN, POINT, SIDES, UNSETTLED, Fitted, Labels, Predict, Side, Steps
from live_trader.lab.spans import Span
from live_trader.lab.walk import walk
from live_trader.lab.waves import here

FAMILY = "least squares"


@dataclass(frozen=True, slots=True)
class Pupil(Course):
    """A small honest training: three indicators, and least squares in place of a library's models.

    `notes` is what a dishonest one writes down and looks up later.
    """

    families: tuple[str, ...] = (FAMILY,)
    indicators: tuple[str, ...] = ("mom", "mfi", "stoch_k")
    notes: dict[str, Any] = field(default_factory=dict, repr=False)

    def fit(self, family: str, columns: tuple[str, ...], rows: Floats, labels: Labels) -> Fitted:
        return fitted(least_squares(rows, labels))


def fitted(predict: Predict) -> Fitted:
    """A fitted model with nothing to tell but its answers."""
    return Fitted("LeastSquares~PC", predict, 0.0, {}, None)


def least_squares(rows: Floats, labels: Labels, like: Floats | None = None, strength: float = 1.0) -> Predict:
    """A line through the labels, the columns being scaled as in the rows they are `like`."""
    like = rows if like is None else like
    middle, size = like.mean(axis=0), like.std(axis=0) + 1e-12
    scaled, points = (rows - middle) / size, (labels == POINT) - np.mean(labels == POINT)
    weights = np.linalg.solve(scaled.T @ scaled + strength * np.eye(rows.shape[1]), scaled.T @ points)
    base = float(np.mean(labels == POINT))
    return lambda asked: base + ((asked - middle) / size) @ weights


class SearchesEverything(Pupil):
    """The lengths are chosen on every bar there is."""

    def search(self, tape: Tape, span: Span, labels: Mapping[Side, Labels]) -> Mapping[Side, Recipe]:
        whole = Span(span.number, span.start, len(tape), len(tape), len(tape))
        return super().search(tape, whole, labels)


class LooksFurther(Pupil):
    """The label looks twice as far as it says."""

    @property
    def horizon(self) -> int:
        return super().horizon // 2


class SettlesAtOnce(Pupil):
    """Bars whose label cannot be known yet are called plain."""

    def label(self, tape: Tape) -> Mapping[Side, Labels]:
        marks = super().label(tape)
        for each in marks.values():
            each[each == UNSETTLED] = PLAIN
        return marks


class MarksTheLargest(Pupil):
    """A label is a move among the largest tenth of the whole tape."""

    def label(self, tape: Tape) -> Mapping[Side, Labels]:
        ahead = np.zeros(len(tape))
        ahead[: -self.horizon] = tape.close[self.horizon :] / tape.close[: -self.horizon] - 1.0
        low, high = np.quantile(ahead, [0.1, 0.9])
        marks: dict[Side, Labels] = {
            "long": (ahead > high).astype(np.int8),
            "short": (ahead < low).astype(np.int8),
        }
        for each in marks.values():
            each[len(tape) - self.horizon :] = UNSETTLED
        return marks


class ScalesTheTable(Pupil):
    """Every column is scaled by its mean and spread over the whole tape."""

    def table(self, recipe: Recipe, tape: Tape) -> Floats:
        rows = super().table(recipe, tape)
        known = rows[np.isfinite(rows).all(axis=1)]
        return (rows - known.mean(axis=0)) / (known.std(axis=0) + 1e-12) if len(known) else rows


class RanksTheTable(Pupil):
    """Every column is replaced by its rank over the whole tape."""

    def table(self, recipe: Recipe, tape: Tape) -> Floats:
        rows = super().table(recipe, tape)
        ranks = np.argsort(np.argsort(rows, axis=0), axis=0).astype(np.float64)
        return np.where(np.isnan(rows), np.nan, ranks)


class ScalesByEverythingSeen(Pupil):
    """The model's scaler is fitted on the whole table, judged bars and all."""

    def table(self, recipe: Recipe, tape: Tape) -> Floats:
        rows = super().table(recipe, tape)
        self.notes["rows"] = rows[np.isfinite(rows).all(axis=1)]
        return rows

    def fit(self, family: str, columns: tuple[str, ...], rows: Floats, labels: Labels) -> Fitted:
        return fitted(least_squares(rows, labels, self.notes["rows"]))


class LearnsOn(Pupil):
    """The model goes on from what it learnt of other bars before."""

    def fit(self, family: str, columns: tuple[str, ...], rows: Floats, labels: Labels) -> Fitted:
        now = least_squares(rows, labels)
        before = self.notes.setdefault("before", now)
        self.notes["before"] = lambda asked: 0.5 * now(asked)
        return fitted(lambda asked: 0.5 * now(asked) + 0.5 * before(asked))


class ScalesTheAsked(Pupil):
    """The rows asked about are scaled by themselves."""

    def fit(self, family: str, columns: tuple[str, ...], rows: Floats, labels: Labels) -> Fitted:
        inner = least_squares((rows - rows.mean(axis=0)) / (rows.std(axis=0) + 1e-12), labels)
        return fitted(lambda asked: inner((asked - asked.mean(axis=0)) / (asked.std(axis=0) + 1e-12)))


class SmoothsTheAnswers(Pupil):
    """An answer is averaged with those before and after it."""

    def fit(self, family: str, columns: tuple[str, ...], rows: Floats, labels: Labels) -> Fitted:
        inner = least_squares(rows, labels)
        return fitted(lambda asked: np.convolve(np.pad(inner(asked), 1, "edge"), np.full(3, 1 / 3), "valid"))


class SpoilsTheRows(Pupil):
    """The rows are scaled where they lie, and whoever reads them next gets others."""

    def fit(self, family: str, columns: tuple[str, ...], rows: Floats, labels: Labels) -> Fitted:
        rows -= rows.mean(axis=0)
        return fitted(least_squares(rows, labels))


PUPILS: tuple[type[Pupil], ...] = (
    SearchesEverything,
    LooksFurther,
    SettlesAtOnce,
    MarksTheLargest,
    ScalesTheTable,
    RanksTheTable,
    ScalesByEverythingSeen,
    LearnsOn,
    ScalesTheAsked,
    SmoothsTheAnswers,
    SpoilsTheRows,
)
"""Trainings with one leaking step."""


def honest(
    steps: Steps, tape: Tape, spans: Sequence[Span], labels: Mapping[Side, Labels]
) -> dict[str, Floats]:
    """The walk that training takes, done here and now."""
    assert isinstance(steps, Course)
    said = here(walk(steps, tape, spans, labels)).probabilities
    return {f"{side} {name}": answers for side in SIDES for name, answers in said[side].items()}
