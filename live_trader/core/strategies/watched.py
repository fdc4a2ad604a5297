"""Experts under watch: as long as their features have moved too far from training, they are held at neutral.

Whether they are held is a pure function of the window. Time is cut into periods; a period is held or not by
the last bars before it began, so live, after any restart, and in the past the answer is the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from live_trader.core.bars import Ticker, Window, moment
from live_trader.core.drift import Moved, Tolerance, Usual, drift, needed, period, typical
from live_trader.core.signals import Decision, Direction
from live_trader.core.strategies import Rows, Strategy
from live_trader.errors import BadData


class Watched:
    """Decides as the strategy it watches, but wants nothing in the periods in which that is held."""

    def __init__(
        self, strategy: Strategy, sides: Sequence[Usual], tolerance: Tolerance, ticker: Ticker
    ) -> None:
        self._strategy = strategy
        self._sides = tuple(sides)
        self._tolerance = tolerance
        self._step = ticker.timeframe.seconds
        self._period = period(ticker.timeframe)
        self._reach = needed(sides, tolerance.bars)
        self.memory = max(strategy.memory, self._reach + self._period // self._step)
        self._now: int | None = None
        self._held = ""
        self._seen: Window | None = None
        self._newest: int | None = None
        self._found = ""

    def decide(self, window: Window) -> Decision:
        """What the strategy wants; neutral and the reason, its opinions as they are, while it is held."""
        return self.judge(window, self.look(window))

    def look(self, window: Window) -> Rows:
        """The features of the strategy."""
        return self._strategy.look(window)

    def judge(self, window: Window, rows: Rows) -> Decision:
        """What the strategy wants, having looked, unless it is held."""
        decision = self._strategy.judge(window, rows)
        held = self.held(window)
        return replace(decision, direction=Direction.NEUTRAL, held=held) if held else decision

    def prepare(self, window: Window) -> None:
        """Do now, after the answer, what the next bar would otherwise have to pay for."""
        self._strategy.prepare(window)
        if (window.end + self._step) // self._period != window.end // self._period:
            self._examine(window, len(window))

    def held(self, window: Window) -> str:
        """Why this strategy is held in the period of the window's last bar; empty when it is not."""
        now = window.end // self._period
        if now != self._now or self._seen is None or not window.carries_on(self._seen):
            at = int(np.searchsorted(window.times, now * self._period))
            self._examine(window, at)
            self._now, self._held = now, self._found
        return self._held

    def _examine(self, window: Window, at: int) -> None:
        """Measure the last bars before index `at`, unless that was done already."""
        newest = int(window.times[at - 1])
        if newest == self._newest and self._seen is not None and window.carries_on(self._seen):
            return
        if at < self._reach:
            raise BadData(f"a window of {len(window)} bars is too short for a memory of {self.memory}")
        part = window.tape.cut(at - self._reach, at)
        found = drift(self._sides, part, self._tolerance.bars)
        if self._seen is None or not window.carries_on(self._seen):
            self._now = None
        self._seen, self._newest = window, newest
        self._found = reason(found, self._tolerance, newest + self._step)


def reason(found: Sequence[Moved], tolerance: Tolerance, until: int) -> str:
    """Why a bot with this drift is held, or nothing where it need not be."""
    if typical(found) <= tolerance.limit:
        return ""
    far = sum(each.psi > tolerance.limit for each in found)
    return (
        f"drift: {far} of {len(found)} features moved by more than {tolerance.limit:g} (PSI) "
        f"in the {tolerance.bars} bars before {moment(until):%Y-%m-%d %H:%M:%S} UTC"
    )
