"""Tapes that differ from one bar on, the bars where it is best to cut, and where two answers differ."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from live_trader.core.bars import Floats, Tape, Times

CLOSE = 1e-9
"""Answers that differ by less than this share of their column's size are equal; sums may round."""

SALT = 7_340_033  # a tape may itself come from a small seed, and would then be altered by its own numbers


@dataclass(frozen=True, slots=True)
class Leak:
    """Something that looks where it must not: in which step, in which column, and how it shows."""

    step: str
    column: str
    what: str

    def __str__(self) -> str:
        return f"{self.step}{f' of {self.column}' if self.column else ''} {self.what}"


def altered(tape: Tape, cut: int, seed: int) -> Tape:
    """The tape with every bar from `cut` on another one: upside down, moved, wider and of another volume."""
    random = np.random.default_rng((SALT, seed))
    count = len(tape) - cut
    if not count:
        return tape
    moved = np.exp(np.cumsum(random.normal(0.0, 0.004, count)))
    wider = 1.0 + random.uniform(0.0005, 0.003, (2, count))
    turned = moved * tape.open[cut] ** 2
    return replace(
        tape,
        open=_spliced(tape.open, cut, turned / tape.open[cut:]),
        high=_spliced(tape.high, cut, turned / tape.low[cut:] * wider[0]),
        low=_spliced(tape.low, cut, turned / tape.high[cut:] / wider[1]),
        close=_spliced(tape.close, cut, turned / tape.close[cut:]),
        volume=_spliced(tape.volume, cut, (tape.volume[cut:] + 1.0) * random.lognormal(0.0, 1.0, count)),
    )


def turns(tape: Tape, begin: int, count: int, seed: int) -> list[int]:
    """About so many bars, none before `begin`, from which on to tamper with a tape.

    Leaks hide where something happens: after an extreme, a large move or a heavy bar, where an hour, a day or
    a week begins. Some of each are taken, some at random, and some bars in a row.
    """
    random = np.random.default_rng(seed)
    bars = np.arange(begin, len(tape))
    before = bars[bars > 0] - 1
    moves, inner = np.abs(np.diff(tape.close, prepend=tape.close[0])), tape.close[1:-1]
    up, down = inner > tape.close[:-2], inner > tape.close[2:]
    kinds = [
        bars,
        before[np.argsort(moves[before])[-count:]] + 1,
        before[np.argsort(tape.volume[before])[-count:]] + 1,
        np.flatnonzero(up & down) + 2,
        np.flatnonzero(~up & ~down) + 2,
        *(_openings(tape.times, seconds) for seconds in (3_600, 14_400, 86_400, 604_800)),
    ]
    some = [_some(kind[kind >= begin], max(count // len(kinds), 1), random) for kind in kinds]
    row = begin + int(random.integers(max(len(bars) - count // 4, 1))) + np.arange(max(count // 4, 1))
    found = np.unique(np.concatenate([*some, row]))
    return [int(bar) for bar in found[(found > 0) & (found < len(tape))]]


def differing(one: Floats, other: Floats, columns: Sequence[str]) -> Iterator[tuple[str, int]]:
    """The columns in which two tables differ, each with the first row that does."""
    size = np.nanmax(np.abs(np.where(np.isfinite(one), one, 0.0)), axis=0, initial=0.0)
    with np.errstate(invalid="ignore"):
        same = (np.abs(one - other) <= CLOSE * size) | (one == other) | (np.isnan(one) & np.isnan(other))
    for column in np.flatnonzero(~same.all(axis=0)):
        yield columns[column], int(np.argmin(same[:, column]))


def _openings(times: Times, seconds: int) -> Times:
    return np.flatnonzero(np.diff(times // seconds, prepend=times[0] // seconds))


def _some(bars: Times, count: int, random: np.random.Generator) -> Times:
    return random.choice(bars, min(count, len(bars)), replace=False)


def _spliced(column: Floats, cut: int, rest: Floats) -> Floats:
    return np.concatenate((column[:cut], rest))
