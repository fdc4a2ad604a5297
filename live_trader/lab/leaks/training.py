"""Whether the steps of a training, or a whole walk, use anything that was not known yet."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise

import numpy as np

from live_trader.core.bars import Floats, Tape
from live_trader.core.features import STRIDE, Recipe
from live_trader.errors import BadData
from live_trader.lab.evidence import SIDES, UNSETTLED, Labels, Side, Steps
from live_trader.lab.leaks.features import copies, features
from live_trader.lab.leaks.tampering import Leak, altered, differing, turns
from live_trader.lab.spans import Span

Walk = Callable[[Steps, Tape, Sequence[Span], Mapping[Side, Labels]], Mapping[str, Floats]]
"""Trains in these spans on these labels, and answers for every bar by model; NaN outside the judged bars."""

SLOW = 250

BARS = 4000
"""How many bars of a tape are examined, after those to warm up; the newest."""

Marks = Mapping[Side, Labels]


def examine(steps: Steps, tape: Tape, families: Sequence[str] = (), walk: Walk | None = None) -> list[Leak]:
    """Every leak in the steps, found on the newest bars of a tape; fitting only these families, and so often.

    With a walk the whole of it is run three times over.
    """
    tape = tape.cut(max(0, len(tape) - steps.warm_up - BARS), len(tape))
    marks, span = steps.label(tape), _span(steps, len(tape))
    found = [*labels(steps, tape, marks), *searches(steps, tape, span, marks)]
    for side, recipe in steps.search(tape, span, marks).items():
        rows = steps.table(recipe, tape)
        found += features(partial(steps.table, recipe), tape, recipe.columns, recipe.memory + STRIDE)
        found += copies(rows, marks[side], recipe.columns, side)
        for family in families:
            found += fits(steps, family, recipe, tape, span, marks[side])
    return [*found, *(walks(walk, steps, tape, [span]) if walk else ())]


def _span(steps: Steps, count: int) -> Span:
    stop = steps.warm_up + (count - steps.warm_up) * 2 // 3
    span = Span(0, steps.warm_up, stop, stop + steps.horizon + 1, count)
    if span.last - span.first < steps.horizon + 2:
        raise BadData(
            f"{count} bars are too few to examine a training that needs {steps.warm_up} to warm up",
            f"Give at least {steps.warm_up + 10 * (steps.horizon + 2)}",
        )
    return span


def labels(steps: Steps, tape: Tape, marks: Marks, cuts: int = 36, seed: int = 0) -> Iterator[Leak]:
    """Labels that change with bars beyond their horizon, or are settled before it has passed."""
    horizon, seen = steps.horizon, set[str]()
    for cut in turns(tape, len(tape) // 4, cuts, seed):
        for how, tampered in (("cut off", tape.cut(0, cut)), ("altered", altered(tape, cut, cut))):
            given = steps.label(tampered)
            for side in SIDES:
                known, again = marks[side][: cut - horizon], given[side][: cut - horizon]
                if side not in seen and (known != again).any():
                    seen.add(side)
                    bar = int(np.argmax(known != again))
                    what = f"looks beyond its {horizon} bars: bar {bar} changes with those from {cut} {how}"
                    yield Leak("label", side, what)
                if side not in seen and (given[side][len(tampered) - horizon :] != UNSETTLED).any():
                    seen.add(side)
                    yield Leak("label", side, f"is settled before its {horizon} bars have passed")


def searches(steps: Steps, tape: Tape, span: Span, marks: Marks, seed: int = 0) -> Iterator[Leak]:
    """Recipes that change with the bars and labels after the training span."""
    early = replace(span, stop=span.start + (span.stop - span.start) // 2)
    before = steps.search(tape, early, marks)
    others = (
        (tape, meddled(marks, early.stop, _slow(tape))),
        (altered(tape, early.stop, seed), meddled(marks, early.stop, seed)),
    )
    for other, labels in others:
        after = steps.search(other, early, labels)
        for side in SIDES:
            if before[side] != after[side]:
                yield Leak(
                    "search", side, f"chooses otherwise with other bars and labels from {early.stop} on"
                )
                return


def fits(steps: Steps, family: str, recipe: Recipe, tape: Tape, span: Span, label: Labels) -> Iterator[Leak]:
    """Models that remember more than the rows they were fitted on, or answer a row by its company."""
    table = steps.table(recipe, tape)
    use = np.flatnonzero((label[: span.stop] != UNSETTLED) & np.isfinite(table[: span.stop]).all(axis=1))
    use = use[use >= span.start]
    rows, fresh = table[use], table[span.first :]
    given = rows.copy()
    predict = steps.fit(family, recipe.columns, given, label[use]).predict
    if not np.array_equal(given, rows):
        yield Leak("fit", family, "changes the rows it is given")
    answers = predict(fresh)
    steps.table(recipe, altered(tape, span.stop, 1))
    again = steps.fit(family, recipe.columns, rows.copy(), label[use]).predict(fresh)
    if _unlike(answers, again):
        yield Leak(
            "fit", family, "answers otherwise when fitted again on the same rows after seeing other bars"
        )
    alone = np.array(
        [predict(fresh[at : at + 1])[0] for at in range(0, len(fresh), max(len(fresh) // 20, 1))]
    )
    if _unlike(answers[:: max(len(fresh) // 20, 1)], alone):
        yield Leak("fit", family, "answers a row otherwise when other rows are asked with it")


def walks(walk: Walk, steps: Steps, tape: Tape, spans: Sequence[Span], seed: int = 0) -> Iterator[Leak]:
    """Walks whose answers change with bars after them, or with labels that nobody could have known."""
    marks, seen = steps.label(tape), set[str]()
    before = walk(steps, tape, spans, marks)

    def compared(what: str, cut: int, after: Mapping[str, Floats]) -> Iterator[Leak]:
        for name, answers in before.items():
            if name not in seen and _unlike(answers[:cut], after[name][:cut]):
                seen.add(name)
                yield Leak("walk", name, f"answers otherwise with {what}")

    for at, span in enumerate(spans):
        other = meddled(marks, span.stop, seed)
        yield from compared(
            f"other labels from bar {span.stop} on", span.last, walk(steps, tape, spans[: at + 1], other)
        )
        for cut in (span.first + 1, span.first + max((span.last - span.first) // 3, 2)):
            later = altered(tape, cut, seed)
            after = walk(steps, later, spans[: at + 1], steps.label(later))
            yield from compared(f"other bars from {cut} on", cut, after)


def grid(spans: Sequence[Span], horizon: int) -> Iterator[Leak]:
    """Spans that teach what they are judged by: too little kept apart, or bars judged twice."""
    for span in spans:
        if span.stop + horizon > span.first:
            what = f"keeps {span.first - span.stop} bars apart where labels look {horizon} ahead"
            yield Leak("span", str(span.number), what)
    for one, other in pairwise(sorted(spans, key=lambda each: each.first)):
        if other.first < one.last:
            yield Leak("span", str(other.number), f"judges bars that span {one.number} judges too")


def meddled(marks: Marks, cut: int, points: int | Marks) -> dict[Side, Labels]:
    """The labels with those from `cut` on in another order, given by a seed, or others altogether."""
    if isinstance(points, int):
        order = np.random.default_rng(points).permutation(np.arange(cut, len(marks["long"])))
        points = {side: np.concatenate((each[:cut], each[order])) for side, each in marks.items()}
    return {side: np.concatenate((marks[side][:cut], points[side][cut:])) for side in SIDES}


def _slow(tape: Tape) -> Marks:
    """Labels that another recipe would suit than any that marks quick turns: the slowest swings."""
    far = np.convolve(np.pad(tape.close, (SLOW - 1, 0), "edge"), np.full(SLOW, 1.0 / SLOW), "valid")
    low, high = np.quantile(tape.close / far, (0.1, 0.9))
    return {
        "long": (tape.close / far < low).astype(np.int8),
        "short": (tape.close / far > high).astype(np.int8),
    }


def _unlike(one: Floats, other: Floats) -> bool:
    return any(differing(one[:, None], other[:, None], ("",)))
