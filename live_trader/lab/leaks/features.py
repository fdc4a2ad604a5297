"""Whether a maker of features, from a tape to a table, uses anything but the bars up to each row."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from live_trader.core.accuracy import auc
from live_trader.core.bars import Floats, Tape
from live_trader.errors import BadData
from live_trader.lab.evidence import POINT, UNSETTLED, Labels
from live_trader.lab.leaks.tampering import Leak, altered, differing, turns

Maker = Callable[[Tape], Floats]
"""One row per bar of the tape, NaN where there is too little past."""

MOVED = 10_007
"""By how many bars a tape is moved in time: a prime, so that no calendar falls into step again."""

TOO_GOOD = 0.98


def features(
    make: Maker, tape: Tape, columns: Sequence[str], memory: int, cuts: int = 36, seed: int = 0
) -> list[Leak]:
    """Every leak of a maker that claims to look back `memory` bars; at most one for each column and kind."""
    if len(tape) < memory + cuts:
        raise BadData(
            f"{tape.ticker} has {len(tape)} bars: too few to examine features that look back {memory}",
            f"Give at least {memory + cuts}",
        )
    whole = make(tape)
    if whole.shape != (len(tape), len(columns)):
        return [Leak("features", "", f"have the shape {whole.shape} for {len(tape)} bars")]
    ahead = list(future(make, tape, columns, whole, [max(memory // 2, 1), *turns(tape, memory, cuts, seed)]))
    if any(not leak.column for leak in ahead):
        return ahead
    return [*ahead, *past(make, tape, columns, whole, memory), *foreign(make, tape, columns, whole)]


def future(
    make: Maker, tape: Tape, columns: Sequence[str], whole: Floats, cuts: Sequence[int]
) -> Iterator[Leak]:
    """Rows that are not the same when the bars after them are cut off, or are other ones."""
    seen: set[str] = set()
    for cut in cuts:
        for how, tampered in (("cut off", tape.cut(0, cut)), ("altered", altered(tape, cut, cut))):
            rows = make(tampered)
            if len(rows) != len(tampered):
                yield Leak("features", "", f"answer for {len(rows)} bars when given {len(tampered)}")
                return
            for column, row in differing(whole[:cut], rows[:cut], columns):
                if column not in seen:
                    seen.add(column)
                    yield Leak(
                        "feature", column, f"changes at bar {row} when the bars from {cut} on are {how}"
                    )


def past(make: Maker, tape: Tape, columns: Sequence[str], whole: Floats, memory: int) -> Iterator[Leak]:
    """Rows that are not the same when there is more past before them than they claim to need."""
    seen: set[str] = set()
    for skip in (1, len(tape) // 4):
        rows = make(tape.cut(skip, len(tape)))
        for column, row in differing(whole[skip + memory - 1 :], rows[memory - 1 :], columns):
            if column not in seen:
                seen.add(column)
                yield Leak(
                    "feature", column, f"changes at bar {row + skip + memory - 1} with bars beyond its memory"
                )


def foreign(make: Maker, tape: Tape, columns: Sequence[str], whole: Floats) -> Iterator[Leak]:
    """Columns that vary, but not with the bars: they come from elsewhere. One made of the time alone may."""
    moved = replace(tape, times=tape.times + MOVED * tape.ticker.timeframe.seconds)
    rows, timed = make(altered(tape, 0, 1)), make(moved)
    for at, column in enumerate(columns):
        known = np.isfinite(whole[:, at])
        values, otherwise = whole[known, at], timed[known, at]
        deaf = np.array_equal(values, rows[known, at]) and len(np.unique(values)) > 1
        if deaf and (np.array_equal(values, otherwise) or not np.isfinite(otherwise).any()):
            yield Leak("feature", column, "is not made of the bars it is given")


def copies(rows: Floats, labels: Labels, columns: Sequence[str], side: str) -> Iterator[Leak]:
    """Columns that alone tell the label almost without error: no honest feature does."""
    settled = (labels != UNSETTLED) & np.isfinite(rows).all(axis=1)
    points = (labels[settled] == POINT).astype(np.float64)
    for at, column in enumerate(columns):
        told = auc(points, rows[settled, at])
        if told is not None and max(told, 1.0 - told) >= TOO_GOOD:
            yield Leak(
                "feature", column, f"tells the {side} label with an AUC of {told:.3f}: it must contain it"
            )
