"""Holding a served form against its pipeline, on given rows and on rows made to show a difference."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import chain, islice
from math import inf, nan, nextafter

import numpy as np

from live_trader.core.bars import Floats
from live_trader.errors import BadData
from live_trader.experts.served.cuts import on_and_beside, ranks
from live_trader.experts.served.form import Form, Served
from live_trader.experts.served.layers import Columns
from live_trader.experts.served.numbers import Whole, floats, whole
from live_trader.experts.served.stages import Quantile
from live_trader.experts.served.trees import Forest, Symmetric
from live_trader.experts.served.walks import LEAF, shape

SAME = 1e-9
"""Two probabilities so near are one."""

_BLOCK = 4096
_KNOTS = 16  # of a column's quantiles so many are tried
_FEW = 5000  # beside so few thresholds more than two rows are tried


@dataclass(frozen=True, slots=True)
class Proof:
    """How many rows both answered, how far apart they ever were, and how often that changed a vote.

    `refused` counts the given rows that the served form would not answer.
    """

    rows: int
    max_difference: float
    flips: int
    refused: int = 0

    @property
    def holds(self) -> bool:
        """Whether the served form may stand in for its pipeline."""
        return self.rows > 0 and self.max_difference <= SAME and not self.flips and not self.refused

    def joined(self, other: Proof) -> Proof:
        """Both proofs as one; a difference that is no number stays."""
        return Proof(
            self.rows + other.rows,
            float(np.maximum(self.max_difference, other.max_difference)),
            self.flips + other.flips,
            self.refused + other.refused,
        )


def prove(
    served: Served, reference: Callable[[Floats], Floats], rows: Floats, threshold: float = 0.3
) -> Proof:
    """Ask both for these rows, and for rows beside them on and next to every threshold of the model.

    Of the rows made for it, those that the form refuses say nothing: to refuse is not to differ.
    """
    proof = Proof(0, 0.0, 0)
    for block in _blocks(iter(rows)):
        proof = proof.joined(_compared(served, reference, block, threshold))
    for block in _blocks(probes(served.form, rows) if len(rows) else iter(())):
        proof = proof.joined(replace(_compared(served, reference, block, threshold), refused=0))
    return proof


def _compared(served: Served, reference: Callable[[Floats], Floats], rows: Floats, threshold: float) -> Proof:
    answers = np.array([_answer(served, row) for row in rows])
    answered = ~np.isnan(answers)
    if not answered.any():
        return Proof(0, 0.0, 0, len(rows))
    answers, expected = answers[answered], np.asarray(reference(rows[answered]), np.float64)
    flips = int(((answers > threshold) != (expected > threshold)).sum())
    return Proof(len(answers), float(np.abs(answers - expected).max()), flips, int((~answered).sum()))


def _answer(served: Served, row: Floats) -> float:
    try:
        return served.probability(row)
    except BadData:
        return nan


def _blocks(rows: Iterator[Floats]) -> Iterator[Floats]:
    while block := list(islice(rows, _BLOCK)):
        yield np.array(block)


def probes(form: Form, rows: Floats) -> Iterator[Floats]:
    """Rows that differ from one of these in one column, which is put where an answer may change."""
    last = form.layers[-1]
    assert isinstance(last, Columns)
    made: Iterator[Floats] = iter(())
    if isinstance(form.estimator, Forest | Symmetric):
        made = _beside_thresholds(form.estimator, last, rows)
    first = form.layers[0]
    assert isinstance(first, Columns)
    reach = np.array(form.reach)
    for row in chain(made, _beside_knots(first, rows)):
        if (np.abs(row) < reach).all():
            yield row


def _beside_thresholds(trees: Forest | Symmetric, columns: Columns, rows: Floats) -> Iterator[Floats]:
    """For each threshold a row that comes to a question about it, with its value on it and just above."""
    coming = _coming(trees, _ranked(trees, columns, rows))
    few = sum(len(floats(cut.marks)) for cut in trees.cuts) <= _FEW
    for place, cut in enumerate(trees.cuts):
        column = columns.columns[cut.column]
        sure, above = floats(cut.sure), floats(cut.above)
        for rank, low, high in on_and_beside(cut, column.stages):
            row = rows[coming.get((place, rank), rank % len(rows))]
            values = {low, high}
            if few:
                values |= {nextafter(low, -inf), nextafter(high, inf), float(sure[rank]), float(above[rank])}
            for value in values:
                yield _changed(row, column.source, value)


def _ranked(trees: Forest | Symmetric, columns: Columns, rows: Floats) -> Whole:
    ranked = ranks(trees.cuts, columns)
    return np.array([ranked(row) for row in rows.tolist()], np.int64).reshape(len(rows), -1)


def _coming(trees: Forest | Symmetric, found: Whole) -> dict[tuple[int, int], int]:
    """For each cut and rank, the place of a row that comes to a question about it, where one does."""
    asked, at = whole(trees.asked), whole(trees.ranks)
    if isinstance(trees, Symmetric):
        return {}  # every row comes to every question
    inner = asked != LEAF
    roots, right = shape(inner)
    comes: dict[tuple[int, int], int] = {}
    waiting = [(int(root), np.arange(len(found))) for root in roots]
    while waiting:
        node, here = waiting.pop()
        if inner[node] and len(here):
            cut, rank = int(asked[node]), int(at[node])
            comes.setdefault((cut, rank), int(here[node % len(here)]))
            up = found[here, cut] > rank
            waiting += ((int(right[node]), here[up]), (node + 1, here[~up]))
    return comes


def _beside_knots(columns: Columns, rows: Floats) -> Iterator[Floats]:
    """Rows with a value on, beside and beyond quantiles of its column, or far out."""
    for place, column in enumerate(columns.columns):
        values = [float(rows[:, column.source].min()) - 1e3, float(rows[:, column.source].max()) + 1e3, 0.0]
        for stage in column.stages[:1]:
            if isinstance(stage, Quantile):
                points = floats(stage.points)
                some = points[np.linspace(0, len(points) - 1, min(_KNOTS, len(points))).astype(int)]
                values += [*some, *np.nextafter(some, -inf), *np.nextafter(some, inf)]
                values += [points[0] + 1e-7, points[-1] - 1e-7]
        for value in values:
            yield _changed(rows[place % len(rows)], column.source, float(value))


def _changed(row: Floats, column: int, value: float) -> Floats:
    changed = row.copy()
    changed[column] = value
    return changed
