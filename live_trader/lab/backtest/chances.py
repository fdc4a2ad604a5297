"""Every entry a tape offers, looked at all at once: its stop and target, and what it would meet."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from live_trader.core.bars import Floats, Tape, Times
from live_trader.core.gauges import ONE, factor
from live_trader.core.instruments import Instrument
from live_trader.core.sizing import Bracket, OnNeutral, Plan, distances, on_grid
from live_trader.core.strategies.chartist import Signs
from live_trader.lab.backtest.endings import Endings, Exits
from live_trader.lab.backtest.setting import Entrant

Indices = NDArray[np.int64]


Chance = tuple[int, int, int, Bracket, Decimal, int, float, int]
"""A fresh wish that may enter: the bar it was made in, when that closed, its sign, its stop and target, the
factor of its volume, when (0: never) and at what price an entry would meet the market, and the bar whose
close says to leave."""


@dataclass(frozen=True, slots=True)
class Chances:
    """Every chance in the order of time, the bars they were made in, and how each would end."""

    rows: list[Chance]
    at: list[int]
    endings: Endings


def chances(entrant: Entrant, instrument: Instrument, wishes: Signs, at_open: bool) -> Chances:
    """All fresh wishes that the plan allows to enter."""
    tape, plan = entrant.tape, entrant.plan
    fresh = np.flatnonzero((wishes != np.concatenate((np.zeros(1, np.int8), wishes[:-1]))) & (wishes != 0))
    signs = wishes[fresh]
    allowed = np.where(signs > 0, plan.sides.allows(1), plan.sides.allows(-1))
    fresh, signs = fresh[allowed], signs[allowed]
    brackets, stops, targets = _brackets(tape, instrument, plan, fresh, signs)
    exits = Exits(fresh, signs, *_leaving(wishes, fresh, signs, plan), stops, targets)
    entered, met = _entries(entrant, fresh, signs, at_open)
    at = fresh.tolist()
    rows = zip(
        at,
        (tape.times[fresh] + tape.ticker.timeframe.seconds).tolist(),
        signs.tolist(),
        brackets,
        _factors(tape, instrument, plan, fresh),
        entered.tolist(),
        met.tolist(),
        exits.leave.tolist(),
        strict=True,
    )
    return Chances(list(rows), at, Endings(entrant, wishes, exits, at_open))


def _leaving(wishes: Signs, fresh: Indices, signs: Signs, plan: Plan) -> tuple[Indices, NDArray[np.bool_]]:
    """For each wish the bar whose close says to leave it, or else the tape's last, and whether one does."""
    last = len(wishes) - 1
    leave = np.full(len(fresh), last, dtype=np.int64)
    left = np.zeros(len(fresh), dtype=np.bool_)
    for side in (1, -1):
        away = wishes != side if plan.on_neutral is OnNeutral.CLOSE else wishes == -side
        ways, mine = np.flatnonzero(away), np.flatnonzero(signs == side)
        found = np.searchsorted(ways, fresh[mine], side="right")
        left[mine] = found < len(ways)
        leave[mine] = np.append(ways, last)[found]
    return leave, left


def _entries(entrant: Entrant, fresh: Indices, signs: Signs, at_open: bool) -> tuple[Times, Floats]:
    bid, ask = entrant.tape, entrant.ask or entrant.tape
    if not at_open:
        met = np.where(signs > 0, ask.close[fresh], bid.close[fresh])
        return bid.times[fresh] + bid.ticker.timeframe.seconds, met
    at = np.minimum(fresh + 1, len(bid) - 1)
    times = np.where(fresh + 1 < len(bid), bid.times[at], 0)
    return times, np.where(signs > 0, ask.open[at], bid.open[at])


def _brackets(
    tape: Tape, instrument: Instrument, plan: Plan, fresh: Indices, signs: Signs
) -> tuple[list[Bracket], Floats, Floats]:
    """Those of `bracket`, rounded to ticks all at once, and the floats of their stops and targets."""
    ranges, close, step = np.zeros(len(fresh)), tape.close[fresh], float(instrument.tick)
    if plan.stop_atr is not None:
        enough = fresh >= plan.atr_bars
        ranges[enough] = _ranges(tape, fresh[enough], plan.atr_bars)
    at, far, away = (_ticks(values, step) for values in (close, *distances(plan, close, ranges)))
    rows = zip(*(column.tolist() for column in (signs, at, far, away)), strict=True)
    stops = np.where(far > 0, _floats(at * signs - far, instrument.tick), -np.inf)
    targets = np.where(away > 0, _floats(at * signs + away, instrument.tick), np.inf)
    return [on_grid(instrument, *row) for row in rows], stops, targets


def _ticks(values: Floats, step: float) -> Indices:
    ticks: Indices = np.rint(values / step).astype(np.int64)
    return ticks


def _floats(ticks: Indices, tick: Decimal) -> Floats:
    """What `float` makes of so many ticks: one division of whole numbers is rounded as that is."""
    _sign, digits, exponent = tick.as_tuple()
    assert isinstance(exponent, int)
    whole = ticks * int("".join(map(str, digits)))
    return whole / float(10**-exponent) if exponent < 0 else whole * float(10**exponent)


def _ranges(tape: Tape, at: Indices, count: int) -> Floats:
    """The mean true range up to each of these bars, summed like `average_range` does."""
    total = np.zeros(len(at))
    for back in range(count - 1, -1, -1):
        before = tape.close[at - back - 1]
        total += np.maximum(tape.high[at - back], before) - np.minimum(tape.low[at - back], before)
    return total / count


def _factors(tape: Tape, instrument: Instrument, plan: Plan, fresh: Indices) -> list[Decimal]:
    """Those of `volume_factor`."""
    if not instrument.volume:
        return [ONE] * len(fresh)
    enough = fresh >= plan.volume_bars - 1
    total = np.zeros(len(fresh))
    for back in range(plan.volume_bars - 1, -1, -1):
        total[enough] += tape.volume[fresh[enough] - back]
    rows = zip(tape.volume[fresh].tolist(), (total / plan.volume_bars).tolist(), enough.tolist(), strict=True)
    return [factor(volume, mean, plan) if known else ONE for volume, mean, known in rows]
