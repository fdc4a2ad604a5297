"""Walks that peep at the bars they are judged on; the steps they take are honest."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from live_trader.core.bars import Floats, Tape, Times
from live_trader.lab.evidence import POINT, SIDES, UNSETTLED, Labels, Predict, Side, Steps
from live_trader.lab.leaks import Walk
from live_trader.lab.spans import Span
from live_trader.lab.zoo.training import least_squares

Teach = Callable[[Floats, Labels, Span], Predict]
"""From the whole table and all labels to answers for one span: what it should not touch is its own affair."""

WALKS: dict[str, Walk] = {}
"""Every leaking walk by name; the docstring of its lesson says what is wrong with it."""


def exhibit(teach: Teach) -> Teach:
    """Put a walk of such lessons on show under the name of the lesson."""
    WALKS[teach.__name__.replace("_", " ")] = walking(teach)
    return teach


def walking(teach: Teach) -> Walk:
    """A walk that teaches every span in this way."""

    def walk(
        steps: Steps, tape: Tape, spans: Sequence[Span], labels: Mapping[Side, Labels]
    ) -> dict[str, Floats]:
        said = {side: np.full(len(tape), np.nan) for side in SIDES}
        for span in spans:
            recipes = steps.search(tape, span, labels)
            for side in SIDES:
                rows = np.nan_to_num(steps.table(recipes[side], tape))
                part = slice(span.first, span.last)
                said[side][part] = teach(rows, labels[side], span)(rows[part])
        return {f"{side} answers": answers for side, answers in said.items()}

    return walk


def settled(labels: Labels, start: int, stop: int) -> Times:
    """The bars of a stretch whose label is known."""
    return np.flatnonzero(labels[start:stop] != UNSETTLED) + start


def taught(rows: Floats, labels: Labels, span: Span, strength: float = 1.0) -> Predict:
    """The honest lesson."""
    use = settled(labels, span.start, span.stop)
    return least_squares(rows[use], labels[use], strength=strength)


def off(predict: Predict, rows: Floats, labels: Labels, span: Span) -> float:
    """How far the answers are from the judged labels."""
    use = settled(labels, span.first, span.last)
    return float(np.mean((predict(rows[use]) - (labels[use] == POINT)) ** 2))


@exhibit
def shuffled_split(rows: Floats, labels: Labels, span: Span) -> Predict:
    """Three of four bars, drawn from all, teach; the rest and they themselves are judged."""
    use = settled(labels, span.start, span.last)
    use = np.random.default_rng(0).permutation(use)[: 3 * len(use) // 4]
    return least_squares(rows[use], labels[use])


@exhibit
def nothing_purged(rows: Floats, labels: Labels, span: Span) -> Predict:
    """Training goes up to the first judged bar, with labels that have already seen those after it."""
    use = settled(labels, span.start, span.first)
    return least_squares(rows[use], labels[use])


@exhibit
def newest_model_for_all(rows: Floats, labels: Labels, span: Span) -> Predict:
    """The model of the last bars answers for all."""
    use = settled(labels, span.start, len(labels))
    return least_squares(rows[use], labels[use])


@exhibit
def stopped_at_the_best(rows: Floats, labels: Labels, span: Span) -> Predict:
    """How strongly a model is held back is chosen by the judged labels."""
    models = [taught(rows, labels, span, strength) for strength in np.logspace(-1, 6, 40).tolist()]
    return min(models, key=lambda model: off(model, rows, labels, span))


@exhibit
def turned_if_wrong(rows: Floats, labels: Labels, span: Span) -> Predict:
    """Answers are moved to the level that the judged labels turned out to have."""
    use = settled(labels, span.first, span.last)
    model, level = taught(rows, labels, span), float(np.mean(labels[use] == POINT))
    return lambda asked: model(asked) - float(np.mean(model(rows[use]))) + level


@exhibit
def calibrated_on_the_judged(rows: Floats, labels: Labels, span: Span) -> Predict:
    """Answers are made probabilities by a line through the judged labels."""
    use, model = settled(labels, span.first, span.last), taught(rows, labels, span)
    slope, level = np.polyfit(model(rows[use]), (labels[use] == POINT).astype(np.float64), 1)
    return lambda asked: np.asarray(slope * model(asked) + level)


@exhibit
def oversampled_before_the_split(rows: Floats, labels: Labels, span: Span) -> Predict:
    """Points between points are invented before the judged ones are taken out."""
    use, points = settled(labels, span.start, span.stop), settled(labels, span.start, span.last)
    points = points[labels[points] == POINT]
    between = 0.5 * (rows[points[1:]] + rows[points[:-1]])
    marks = np.concatenate((labels[use], np.full(len(between), POINT, np.int8)))
    return least_squares(np.concatenate((rows[use], between)), marks)


@exhibit
def columns_chosen_by_the_judged(rows: Floats, labels: Labels, span: Span) -> Predict:
    """Only the column that is worth most on the judged bars is kept."""
    use = settled(labels, span.first, span.last)
    scaled = (rows[use] - rows[use].mean(axis=0)) / (rows[use].std(axis=0) + 1e-12)
    best = [int(np.abs(scaled.T @ (labels[use] == POINT)).argmax())]
    inner = taught(rows[:, best], labels, span)
    return lambda asked: inner(asked[:, best])


@exhibit
def scaled_with_the_judged(rows: Floats, labels: Labels, span: Span) -> Predict:
    """Each span is scaled by its own bars, the judged ones with them."""
    use = settled(labels, span.start, span.stop)
    return least_squares(rows[use], labels[use], rows[span.start : span.last])


@exhibit
def weighted_by_judged_score(rows: Floats, labels: Labels, span: Span) -> Predict:
    """Two models speak, the one that does better on the judged bars the louder."""
    one, other = taught(rows, labels, span, 0.1), taught(rows, labels, span, 10_000.0)
    share = off(other, rows, labels, span) / (off(one, rows, labels, span) + off(other, rows, labels, span))
    return lambda asked: share * one(asked) + (1.0 - share) * other(asked)


@exhibit
def asks_the_nearest_of_all(rows: Floats, labels: Labels, span: Span) -> Predict:
    """The answer is the label of the most similar bar, whether or not it lies ahead."""
    use = settled(labels, span.start, len(labels))
    size = rows[use].std(axis=0) + 1e-12

    def predict(asked: Floats) -> Floats:
        far = ((asked[:, None, :] - rows[None, use, :]) / size) ** 2
        return np.asarray(labels[use][far.sum(axis=2).argmin(axis=1)], dtype=np.float64)

    return predict
