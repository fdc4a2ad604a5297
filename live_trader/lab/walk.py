"""The walk itself: each span is studied, then taught to every family, then asked about bars none has seen."""

from __future__ import annotations

import pickle
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np

from live_trader.core.bars import Floats, Tape, moment
from live_trader.core.features import Recipe
from live_trader.errors import BadData
from live_trader.lab.course import Course
from live_trader.lab.evidence import (
    PLAIN,
    POINT,
    SIDES,
    UNSETTLED,
    Labels,
    Lesson,
    Probabilities,
    Side,
)
from live_trader.lab.spans import Span
from live_trader.lab.stages import key
from live_trader.lab.waves import Stage, Waves
from live_trader.lab.workshop import Job, Outcome


class Studied(msgspec.Struct, frozen=True):
    """The recipe that a span suggests for each side, in plain lists."""

    recipes: dict[Side, list[Any]]


class Taught(msgspec.Struct, frozen=True):
    """What a fitted model says of its span's judged bars; where asked for, the model itself, pickled."""

    name: str
    score: float
    importance: dict[str, float]
    probabilities: bytes
    pipeline: bytes

    @property
    def said(self) -> Floats:
        """The probabilities of class 1, one per judged bar."""
        return np.frombuffer(self.probabilities, dtype=np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class Walked:
    """What a whole walk gave; `newest` holds the models of the last span, by side and name."""

    lessons: tuple[Lesson, ...]
    probabilities: Probabilities
    newest: Mapping[Side, Mapping[str, Taught]]
    left_out: Mapping[str, str]


def walk(
    course: Course,
    tape: Tape,
    spans: Sequence[Span],
    labels: Mapping[Side, Labels],
    newest: Course | None = None,
) -> Waves[Walked]:
    """Teach and question every family in every span.

    With `newest` this course teaches the last span instead, and its models are kept whole. A family that
    fails in one span or side is left out of all, with the reason; the others go on.
    """
    parts = [_part(course, tape, span, labels) for span in spans[:-1]]
    parts.append(_part(newest or course, tape, spans[-1], labels, whole=newest is not None))
    studies = yield [part.study() for part in parts]
    recipes = [_recipes(part, outcome) for part, outcome in zip(parts, studies, strict=True)]
    asked = [
        (part, side, family, found[side])
        for part, found in zip(parts, recipes, strict=True)
        for side in SIDES
        for family in course.families
    ]
    outcomes = yield [part.teach(side, family, recipe) for part, side, family, recipe in asked]
    told = {
        (part.place.number, side, family): outcome
        for (part, side, family, _), outcome in zip(asked, outcomes, strict=True)
    }
    return _gather(course, tape, parts, recipes, told)


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """One span with the bars and labels it needs; `span` counts from their first, `place` on the tape."""

    course: Course
    place: Span
    tape: Tape
    span: Span
    labels: Mapping[Side, Labels]
    whole: bool

    @property
    def name(self) -> str:
        first, last = (moment(int(self.tape.times[at])) for at in (self.span.start, self.span.stop - 1))
        return f"{self.tape.ticker} span {self.place.number} ({first:%Y-%m-%d} to {last:%Y-%m-%d})"

    def study(self) -> Stage:
        """Search the recipes of both sides."""
        job = Job(f"{self.name}: recipes", study, (self.course, self.tape, self.span, self.labels))
        return Stage(job, self._key(self.course.searching), Studied)

    def teach(self, side: Side, family: str, recipe: Recipe) -> Stage:
        """Fit one family on one side and ask it about the judged bars."""
        job = Job(
            f"{self.name}: {family} {side}",
            teach,
            (self.course, family, recipe.plain, self.tape, self.span, self.labels[side], self.whole),
        )
        return Stage(job, self._key(self.course.fitting(family), recipe.plain, side, self.whole), Taught)

    def _key(self, *more: Any) -> str:
        tape = self.tape
        columns = (tape.times, tape.open, tape.high, tape.low, tape.close, tape.volume)
        labels = (self.labels[side] for side in SIDES)
        return key(str(tape.ticker), repr(self.span), *columns, *labels, *more)


def _part(
    course: Course, tape: Tape, span: Span, labels: Mapping[Side, Labels], whole: bool = False
) -> _Part:
    begin = max(0, span.start - course.warm_up)
    near = {side: labels[side][begin : span.last].copy() for side in SIDES}
    for each in near.values():
        each[span.stop - begin :] = UNSETTLED  # nobody in this span may know them
    bounds = (at - begin for at in (span.start, span.stop, span.first, span.last))
    return _Part(course, span, tape.cut(begin, span.last), Span(span.number, *bounds), near, whole)


def study(course: Course, tape: Tape, span: Span, labels: Mapping[Side, Labels]) -> Studied:
    """The recipes of both sides, as one span suggests them."""
    for side in SIDES:
        settled = labels[side][span.start : span.stop]
        points, plain = np.count_nonzero(settled == POINT), np.count_nonzero(settled == PLAIN)
        if not points or not plain:
            raise BadData(
                f"the {side} target marks {points} of {points + plain} bars: there is nothing to tell apart",
                "Give a longer --train-span, or other settings of the target",
            )
    return Studied({side: recipe.plain for side, recipe in course.search(tape, span, labels).items()})


def teach(
    course: Course, family: str, plain: list[Any], tape: Tape, span: Span, labels: Labels, whole: bool
) -> Taught:
    """Fit a family on the training bars of a span; its answers for the judged bars."""
    recipe = Recipe.of(plain)
    rows = course.table(recipe, tape)
    settled = np.flatnonzero(labels[span.start : span.stop] != UNSETTLED) + span.start
    train = rows[settled]
    if not (train != train[0]).any():
        raise BadData(
            "every feature has the same value at every bar: the prices do not move",
            "Give bars of a market that trades",
        )
    fitted = course.fit(family, recipe.columns, train, labels[settled])
    said = np.ascontiguousarray(fitted.predict(rows[span.first : span.last]), dtype=np.float64)
    if not np.isfinite(said).all():
        raise BadData(f"{fitted.name} gives probabilities that are no numbers", "Leave this family out")
    pipeline = pickle.dumps(fitted.pipeline, protocol=5) if whole else b""
    return Taught(fitted.name, fitted.score, dict(fitted.importance), said.tobytes(), pipeline)


def _recipes(part: _Part, outcome: Outcome) -> Mapping[Side, Recipe]:
    if outcome.fault:
        raise BadData(f"{part.name}: {outcome.fault}")
    return {side: Recipe.of(plain) for side, plain in outcome.value.recipes.items()}


def _gather(
    course: Course,
    tape: Tape,
    parts: Sequence[_Part],
    recipes: Sequence[Mapping[Side, Recipe]],
    told: Mapping[tuple[int, Side, str], Outcome],
) -> Walked:
    failed: dict[str, str] = {}
    for (_, _, family), outcome in told.items():
        if outcome.fault:
            failed.setdefault(family, f"{outcome.job.name}: {outcome.fault}")
    kept = [family for family in course.families if family not in failed]
    if not kept:
        raise BadData(f"no model could be fitted for {tape.ticker}: {'; '.join(failed.values())}")
    lessons = []
    said: dict[Side, dict[str, Floats]] = {side: {} for side in SIDES}
    newest: dict[Side, dict[str, Taught]] = {side: {} for side in SIDES}
    for part, found in zip(parts, recipes, strict=True):
        for side in SIDES:
            taught = [told[part.place.number, side, family].value for family in kept]
            weights = {each.name: each.importance for each in taught}
            lessons.append(Lesson(side, part.place, found[side], weights, failed))
            for each in taught:
                line = said[side].setdefault(each.name, np.full(len(tape), np.nan))
                line[part.place.first : part.place.last] = each.said
            newest[side] = {each.name: each for each in taught}
    return Walked(tuple(lessons), said, newest, failed)
