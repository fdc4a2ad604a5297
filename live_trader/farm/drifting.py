"""Measures how far the features of every deployed bundle have drifted, and tells when it is too far.

It does so from the farm's own process, beside the workers: what is no worker's business costs no worker time.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Callable, Iterable, MutableMapping
from datetime import timedelta
from types import TracebackType
from typing import Self

from live_trader.core.bars import Tape, Ticker, moment
from live_trader.core.drift import FEWEST, USUAL, drift, needed, period, typical
from live_trader.edge.client import connect
from live_trader.edge.client.reader import Reader, connect_reader
from live_trader.edge.clock import Clock
from live_trader.edge.settings import Settings
from live_trader.edge.shelf import Shelf
from live_trader.errors import Interrupted, TraderError
from live_trader.farm.process import Stop, give_back

_log = logging.getLogger(__name__)
_FIRST, _BETWEEN = 20.0, 2.0  # seconds: a farm boots in peace, and no two bundles are measured at once

_NICE = 10

Tell = Callable[[str, str], None]


class Drifting:
    """Keeps what is known of drift in `known`, by the child's name, and tells who crossed the limit."""

    def __init__(self, settings: Settings, known: MutableMapping[str, float], tell: Tell) -> None:
        tolerance = settings.farm.tolerance or USUAL
        self._limit, self._bars = tolerance.limit, tolerance.bars
        self._so = ", so it is held at 0.5" if settings.farm.tolerance else ""
        self._shelf = Shelf.of(settings)
        self._known = known
        self._tell = tell
        self._measured: dict[Ticker, tuple[int, str]] = {}

    def due(self, tickers: Iterable[Ticker], now: float) -> Ticker | None:
        """The first of these tickers whose bundle or period is another than when it was last measured."""
        return next((each for each in tickers if self._mark(each, now) != self._measured.get(each)), None)

    def measure(self, ticker: Ticker, reader: Reader, now: float) -> None:
        """Measure this ticker's bundle over the last bars before its period began."""
        from live_trader.experts.bundle import usual

        mark = self._measured[ticker] = self._mark(ticker, now)
        folder = self._shelf.deployed(ticker)
        if folder is None:
            self._known.pop(str(ticker), None)
            return
        sides = usual(folder)
        last = moment(mark[0] * period(ticker.timeframe)) - timedelta(seconds=1)
        bars = reader.bars(ticker, last, needed(sides, self._bars))
        rows = len(bars) - needed(sides, 0)
        if rows < FEWEST:
            self._known.pop(str(ticker), None)
            return
        self._note(str(ticker), typical(drift(sides, Tape.of(ticker, bars), rows)), rows)

    def _note(self, name: str, psi: float, bars: int) -> None:
        was = self._known.get(name, 0.0) > self._limit
        self._known[name] = psi
        if psi > self._limit and not was:
            moved = f"half of its features moved by {psi:.2f} or more (PSI) in {bars} bars"
            self._tell(name, f"has drifted: {moved}{self._so}")
        elif was and psi <= self._limit:
            self._tell(name, f"has drifted back: half of its features moved by {psi:.2f} or less (PSI)")

    def _mark(self, ticker: Ticker, now: float) -> tuple[int, str]:
        """What a measurement is of: a period, and the bundle deployed in it."""
        return int(now // period(ticker.timeframe)), "".join(self._shelf.serving(ticker)[:1])


class DriftWatch:
    """Looks after the drift of a farm's workers, from a thread, while it is open."""

    def __init__(
        self,
        settings: Settings,
        workers: Callable[[], Iterable[Ticker]],
        known: MutableMapping[str, float],
        tell: Tell,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._workers = workers
        self._drifting = Drifting(settings, known, tell)
        self._clock = clock
        self._stop = Stop()

    def __enter__(self) -> Self:
        threading.Thread(target=self._watch, name="drift", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, _: TracebackType | None
    ) -> None:
        self._stop.request()

    def _watch(self) -> None:
        """One bundle after the other, as long as the server is one that lets bars be looked at."""
        _step_back()
        try:
            self._stop.rest(_FIRST)
            while not (protocol := self._protocol()):
                self._stop.rest(_FIRST)
            if protocol != "v1":
                return
            with connect_reader(self._settings, clock=self._clock) as reader:
                while True:
                    self._look(reader)
                    self._stop.rest(_BETWEEN)
        except Interrupted:
            return

    def _protocol(self) -> str:
        """Which protocol the server speaks, once it answers."""
        try:
            with connect(self._settings, clock=self._clock) as server:
                server.portfolio()
                return server.protocol
        except TraderError as fault:
            _log.debug("cannot look at bars yet", extra={"cause": str(fault)})
            return ""

    def _look(self, reader: Reader) -> None:
        now = self._clock.now().timestamp()
        ticker = self._drifting.due(self._workers(), now)
        if ticker is None:
            return
        try:
            self._drifting.measure(ticker, reader, now)
        except TraderError as fault:
            _log.warning("drift was not measured", extra={"ticker": ticker, "cause": str(fault)})
        give_back()


def _step_back() -> None:
    """Let every worker go before this thread, where threads have a priority of their own."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
