"""How an entry would end: the bar in which its stop or target is met, or that after which it is left."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from live_trader.core.bars import Floats
from live_trader.core.strategies.chartist import Signs
from live_trader.lab.backtest.setting import Entrant

Indices = NDArray[np.int64]
Flags = NDArray[np.bool_]

STOP, TARGET, OPPOSITE, NEUTRAL, END, UNKNOWN = range(6)
REASONS = ("stop", "target", "opposite", "neutral", "end")

Ending = tuple[int, int, float, int, float]
"""The first bar at whose close nothing is held any more, when that is and the price met, why, and the close
at which the trade earned most until then."""

_WHY = 3
_NEVER, _FURTHER = -1, -2
_FAR = 96


class Exits(NamedTuple):
    """For each wish its bar and side, and the bar whose close says to leave: the last if none does (`left`).

    `stops` and `targets` are prices of `Quotes`, infinitely far where there are none.
    """

    at: Indices
    side: Signs
    leave: Indices
    left: Flags
    stops: Floats
    targets: Floats


class Quotes(NamedTuple):
    """What a position of one side is closed against; a short's are negative: its stop too lies below."""

    open: Floats
    close: Floats
    against: Floats
    towards: Floats
    marks: Floats


class Endings:
    """The ending of every wish; one further away than was looked for all is found when it is asked for."""

    def __init__(self, entrant: Entrant, wishes: Signs, exits: Exits, at_open: bool) -> None:
        tape, ask = entrant.tape, entrant.ask or entrant.tape
        self._tape, self._wishes, self._exits, self._at_open = tape, wishes, exits, at_open
        self._quotes = {
            1: Quotes(tape.open, tape.close, tape.low, tape.high, tape.close),
            -1: Quotes(-ask.open, -ask.close, -ask.high, -ask.low, -tape.close),
        }
        self._rows = self._near()

    def __getitem__(self, index: int) -> Ending:
        row = self._rows[index]
        return self._far(index) if row[_WHY] == UNKNOWN else row

    def _near(self) -> list[Ending]:
        side = self._exits.side
        hits = np.full(len(side), _NEVER, dtype=np.int64)
        best = np.zeros(len(side))
        for one in (1, -1):
            mine = np.flatnonzero(side == one)
            hits[mine] = self._search(one, mine)
            ends = np.where(hits[mine] >= 0, hits[mine], self._exits.leave[mine] + 1)
            best[mine] = one * _highest(self._quotes[one].marks, self._exits.at[mine] + 1, ends)
        return self._told(np.arange(len(side)), hits, best)

    def _search(self, one: int, rows: Indices) -> Indices:
        """Bar after bar for all rows of one side at once, those that are decided dropping out."""
        seen, stops, targets = self._quotes[one], self._exits.stops[rows], self._exits.targets[rows]
        first, last = self._exits.at[rows] + 1, self._exits.leave[rows]
        hits = np.full(len(rows), _NEVER, dtype=np.int64)
        alive = np.flatnonzero(first <= last)
        for step in range(_FAR):
            at = first[alive] + step
            met = (seen.against[at] <= stops[alive]) | (seen.towards[at] >= targets[alive])
            hits[alive[met]] = at[met]
            alive = alive[~met & (at < last[alive])]
        hits[alive] = _FURTHER
        return hits

    def _far(self, index: int) -> Ending:
        """One row, looked at as far as it takes."""
        at, leave = int(self._exits.at[index]), int(self._exits.leave[index])
        seen = self._quotes[int(self._exits.side[index])]
        first, width, hit = at + 1 + _FAR, _FAR, _NEVER
        while first <= leave and hit == _NEVER:
            part = slice(first, min(first + width, leave + 1))
            met = (seen.against[part] <= self._exits.stops[index]) | (
                seen.towards[part] >= self._exits.targets[index]
            )
            hit = first + int(met.argmax()) if met.any() else _NEVER
            first, width = first + width, 2 * width
        end = leave + 1 if hit == _NEVER else hit
        best = abs(float(seen.marks[at + 1 : end].max()))
        return self._told(np.array([index]), np.array([hit]), np.array([best]))[0]

    def _told(self, rows: Indices, hits: Indices, best: Floats) -> list[Ending]:
        """The endings of these rows, whose stop or target is met in the bars of `hits`."""
        hit, leave = hits >= 0, self._exits.leave[rows]
        bar = np.maximum(hits, 0)
        why, met = self._met(rows, bar)
        left = np.where(self._wishes[leave] == 0, NEUTRAL, OPPOSITE)
        left = np.where(self._exits.left[rows], left, END)
        why = np.where(hit, why, np.where(hits == _FURTHER, UNKNOWN, left))
        when, price = self._leaving(rows, leave)
        columns = (
            np.where(hit, hits, leave + 1),
            np.where(hit, self._tape.times[bar], when),
            np.where(hit, met, price) * self._exits.side[rows],
            why,
            best,
        )
        return list(zip(*(column.tolist() for column in columns), strict=True))

    def _met(self, rows: Indices, bar: Indices) -> tuple[Indices, Floats]:
        """Whether stop or target is met in this bar, and at what price: first at its open, then inside."""
        stop, target = self._exits.stops[rows], self._exits.targets[rows]
        opened, lowest = self._seen("open", rows, bar), self._seen("against", rows, bar)
        through, past = opened <= stop, opened >= target
        stopped = through | (~past & (lowest <= stop))
        met = np.where(through | past, opened, np.where(stopped, stop, target))
        return np.where(stopped, STOP, TARGET), met

    def _leaving(self, rows: Indices, leave: Indices) -> tuple[Indices, Floats]:
        """When and at what price a position is left: at the open of the next bar, or at the close."""
        tape = self._tape
        when, price = tape.times[leave] + tape.ticker.timeframe.seconds, self._seen("close", rows, leave)
        if not self._at_open:
            return when, price
        after, there = np.minimum(leave + 1, len(tape) - 1), leave + 1 < len(tape)
        opened = self._seen("open", rows, after)
        return np.where(there, tape.times[after], when), np.where(there, opened, price)

    def _seen(self, name: str, rows: Indices, bars: Indices) -> Floats:
        long, short = getattr(self._quotes[1], name), getattr(self._quotes[-1], name)
        return np.where(self._exits.side[rows] > 0, long[bars], short[bars])


def _highest(values: Floats, first: Indices, end: Indices) -> Floats:
    """The highest value from each first index up to but not with each end, no further than was looked."""
    if not len(first):
        return np.zeros(0)
    bounds = np.column_stack((first, np.clip(end, first, first + _FAR))).ravel()
    padded = np.append(values, values[-1])
    found: Floats = np.maximum.reduceat(padded, np.minimum(bounds, len(values)))[::2]
    return found
