"""Every stored signal made once more, by the bundle it names, from the bars as they are stored now."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from live_trader.core.bars import Bar, Tape, Ticker, Window, epoch
from live_trader.core.drift import Tolerance
from live_trader.core.portfolio import Portfolio
from live_trader.core.signals import Coefficients, Decision
from live_trader.core.strategies import Strategy
from live_trader.edge.server.store.witness import Version, Witness, Witnessed
from live_trader.edge.shelf import Shelf
from live_trader.errors import BadBundle
from live_trader.experts.bundle import load
from live_trader.experts.bundle.manifest import libraries
from live_trader.experts.bundle.reading import glance
from live_trader.lab.parity.causes import Cause


@dataclass
class Hearing:
    """Asks the experts again about one ticker; `now` is what they say of each bar that had a signal."""

    ticker: Ticker
    shelf: Shelf
    threshold: float | None
    versions: Sequence[Version]
    portfolios: Sequence[tuple[float, Portfolio]]
    tolerance: Tolerance | None = None
    _strategies: dict[tuple[str, str, bool], Strategy | None] = field(default_factory=dict)
    _window: Window | None = None

    def __post_init__(self) -> None:
        self._current = [each for each in self.versions if each.until > 1e17]
        self._tape = Tape.of(self.ticker, [each.bar for each in self._current])
        self._at = {int(time): index for index, time in enumerate(self._tape.times)}

    def answer(self, witnessed: Witnessed) -> Decision | None:
        """What the bundle the signal names says now; None where it cannot be asked."""
        signal = witnessed.signal
        index = self._at.get(epoch(signal.opened))
        if index is None:
            return None
        for coefficients in self._named(witnessed.received):
            strategy = self._strategy(signal.bundle, coefficients, index + 1)
            if strategy is None or index + 1 < strategy.memory:
                return None
            decision = strategy.decide(self._seen(index, strategy.memory))
            if same(decision, witnessed):
                return decision
        return decision

    def cause(self, witnessed: Witnessed) -> Cause:
        """Why the signal is another now: the first change back that makes it what it was."""
        signal, here = witnessed.signal, libraries()
        if epoch(signal.opened) not in self._at:
            return Cause.GAP
        coefficients = self._named(witnessed.received)[0]
        strategy = self._strategy(signal.bundle, coefficients, self._at[epoch(signal.opened)] + 1)
        if strategy is None:
            return Cause.LIBRARY if self._libraries(signal.bundle) not in (None, here) else Cause.BUNDLE
        then = self._as_known(witnessed, strategy.memory)
        if then is None:
            return Cause.GAP
        window, revised = then
        if same(strategy.decide(window), witnessed):
            return Cause.REVISED if revised else Cause.GAP
        if _probabilities(strategy.decide(window)) == {
            name: (each.long, each.short) for name, each in signal.opinions.items()
        }:
            return Cause.SETTINGS
        for version in self.shelf.versions(self.ticker):
            other = (
                None if version == signal.bundle else self._strategy(version, coefficients, len(self._tape))
            )
            if other is not None and len(self._tape) >= other.memory:
                found = self._as_known(witnessed, other.memory)
                if found is not None and same(other.decide(found[0]), witnessed):
                    return Cause.BUNDLE
        if np.any(np.diff(window.times) != self.ticker.timeframe.seconds):
            return Cause.GAP
        return Cause.LIBRARY if self._libraries(signal.bundle) != here else Cause.BUNDLE

    def bar(self, opened: int) -> Bar | None:
        """The bar as it is stored now."""
        index = self._at.get(opened)
        return None if index is None else self._current[index].bar

    def _seen(self, index: int, memory: int) -> Window:
        """The window that ends with this bar, pushed on from the last one where that is its successor."""
        last, time = self._window, int(self._tape.times[index])
        before = int(self._tape.times[index - 1]) if index else -1
        if last is not None and last.length == memory and last.end == before:
            self._window = last.push(self._current[index].bar)
        elif last is None or last.length != memory or last.end != time:
            self._window = Window.ending(self._tape, memory, index + 1)
        assert self._window is not None
        return self._window

    def _as_known(self, witnessed: Witnessed, memory: int) -> tuple[Window, bool] | None:
        """The window as it was when the signal came, and whether a bar in it was revised since."""
        when, opened = witnessed.received, witnessed.signal.opened
        known = [v for v in self.versions if v.since <= when < v.until and v.bar.opened <= opened]
        if len(known) < memory:
            return None
        part = known[-memory:]
        return Window.of(self.ticker, memory, [each.bar for each in part]), any(v.until < 1e17 for v in part)

    def _named(self, received: float) -> list[Coefficients | None]:
        """The models named when a signal came, and just before, since a bot hears of a portfolio later."""
        index = bisect_right([since for since, _ in self.portfolios], received)
        known = [each.named(self.ticker) for _, each in self.portfolios[max(0, index - 2) : index]]
        return [*reversed(known), *([] if index > 1 else [None])]

    def _strategy(self, version: str, coefficients: Coefficients | None, bars: int) -> Strategy | None:
        """This strategy, under watch where there is a limit to drift and so many bars are enough to tell."""
        found = self._made(version, coefficients, watched=self.tolerance is not None)
        if found is None or found.memory <= bars:
            return found
        return self._made(version, coefficients, watched=False)

    def _made(self, version: str, coefficients: Coefficients | None, *, watched: bool) -> Strategy | None:
        key = (version, repr(coefficients), watched)
        if key not in self._strategies:
            tolerance = self.tolerance if watched else None
            try:
                bundle = load(self.shelf.bundle(self.ticker, version))
                self._strategies[key] = bundle.strategy(coefficients, self.threshold, tolerance)
            except (BadBundle, KeyError):
                self._strategies[key] = None
        return self._strategies[key]

    def _libraries(self, version: str) -> dict[str, str] | None:
        try:
            return glance(self.shelf.bundle(self.ticker, version)).libraries
        except BadBundle:
            return None


def hearings(
    folder: Path,
    shelf: Shelf,
    threshold: float | None,
    tickers: set[Ticker],
    tolerance: Tolerance | None = None,
) -> dict[Ticker, Hearing]:
    """One hearing for each ticker."""
    witness = Witness(folder)
    portfolios = witness.portfolios()
    return {
        each: Hearing(each, shelf, threshold, witness.bars(each), portfolios, tolerance) for each in tickers
    }


def same(decision: Decision, witnessed: Witnessed) -> bool:
    """Whether this is the stored signal, to the last bit of every probability."""
    signal = witnessed.signal
    wished = (decision.direction, decision.held) == (signal.direction, signal.held)
    return wished and dict(decision.opinions) == dict(signal.opinions)


def _probabilities(decision: Decision) -> dict[str, tuple[float, float]]:
    return {name: (each.long, each.short) for name, each in decision.opinions.items()}
