"""How far the features of live bars have moved from those of training, as a whole and day by day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

import numpy as np

from live_trader.core.bars import Bar, Floats, Tape, Ticker, moment
from live_trader.core.drift import FEWEST, USUAL, Moved, Tolerance, Usual, moved, needed, period, typical
from live_trader.core.features import table

_DAYS: Final = 7
_MOST: Final = 12_000
_DAY: Final = 86400


def reach(sides: Sequence[Usual], ticker: Ticker, tolerance: Tolerance | None) -> int:
    """How many bars it takes to tell of drift and its last days, or as many as a page may look through."""
    days = _DAYS * _DAY // ticker.timeframe.seconds
    return needed(sides, max((tolerance or USUAL).bars, min(days, _MOST)))


def drift(
    sides: Sequence[Usual], ticker: Ticker, bars: Sequence[Bar], tolerance: Tolerance | None
) -> dict[str, Any]:
    """Every feature's index over the last bars before this period began, and over each of the last days.

    The first is what a bot is held by. The features that moved farthest come first.
    """
    limit, tape = (tolerance or USUAL).limit, Tape.of(ticker, bars)
    told: dict[str, Any] = {"limit": limit, "holds": tolerance is not None, "features": []}
    found: list[tuple[Moved, list[float | None]]] = []
    for side in sides:
        rows = table(side.recipe, tape)
        last = _last(rows, tape, (tolerance or USUAL).bars)
        if len(last) < FEWEST:
            return told | {"sentence": f"Too few bars are stored to tell: it takes {needed(sides, FEWEST)}."}
        days = _of_days(rows, tape)
        by_day = [moved(side, part) if len(part) >= FEWEST else None for _, part in days]
        for at, each in enumerate(moved(side, last)):
            found.append((each, [day[at].psi if day else None for day in by_day]))
        told |= {"bars": len(last), "days": [f"{moment(day * _DAY):%m-%d}" for day, _ in days]}
    psi = typical([each for each, _ in found])
    found.sort(key=lambda each: -each[0].psi)
    features = [asdict(each) | {"days": days} for each, days in found]
    return told | {"features": features, "typical": psi, "drifted": psi > limit}


def _last(rows: Floats, tape: Tape, count: int) -> Floats:
    """The rows of the last bars before the period of the tape's last bar began, as far as there are any."""
    if not len(tape):
        return rows
    seconds = period(tape.ticker.timeframe)
    stop = int(np.searchsorted(tape.times, tape.times[-1] // seconds * seconds))
    part: Floats = rows[max(0, stop - count) : stop]
    known: Floats = part[np.isfinite(part[:, 0])]
    return known


def _of_days(rows: Floats, tape: Tape) -> list[tuple[int, Floats]]:
    known = np.isfinite(rows[:, 0])
    dates = tape.times // _DAY
    return [(int(day), rows[known & (dates == day)]) for day in np.unique(dates[known])[-_DAYS:]]
