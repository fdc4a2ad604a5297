"""A seeded market with regimes: the same seed, ticker and last bar always give the same next bar."""

from __future__ import annotations

import math
import random
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from live_trader.core.bars import Bar, Ticker, epoch, moment

_REGIME = 50  # bars
_CYCLE = 24.0  # bars: a swing that experts can learn
_SWING = 0.0016
_NOISE = 0.00035
_PULL = 0.004
_USUAL = {"AUDUSD": 0.66, "EURCHF": 0.95, "EURUSD": 1.08, "NZDCAD": 0.82}  # where people expect these to be


@dataclass(frozen=True, slots=True)
class Market:
    """The prices of one simulated ticker as a function of its seed, the time and the bar before."""

    ticker: Ticker
    seed: int

    def first(self, opened: int) -> Bar:
        """A bar to begin a history with."""
        return self._bar(opened, self.anchor)

    def next(self, last: Bar, opened: int) -> Bar:
        """The bar that opens then, following the last one."""
        return self._bar(opened, last.close)

    def history(self, until: int, count: int) -> Iterator[Bar]:
        """The `count` bars before the moment `until`, which no bar preceded."""
        step = self.ticker.timeframe.seconds
        start = until - until % step - count * step
        bar = self.first(start)
        yield bar
        for opened in range(start + step, start + count * step, step):
            bar = self.next(bar, opened)
            yield bar

    @property
    def anchor(self) -> float:
        """The price this market is drawn back to."""
        elsewhere = 50.0 + zlib.crc32(f"{self.ticker}/{self.seed}".encode()) % 1950
        return _USUAL.get(self.ticker.symbol, elsewhere)

    def _bar(self, opened: int, before: float) -> Bar:
        slot = opened // self.ticker.timeframe.seconds
        chance = random.Random(f"{self.seed}/{self.ticker}/{opened}")  # noqa: S311 - a market, not a secret
        close = before * math.exp(self._drift(slot, before) + _NOISE * chance.gauss(0.0, 1.0))
        reach = before * _NOISE
        high = max(before, close) + reach * chance.random()
        low = min(before, close) - reach * chance.random()
        before, close, high, low = (round(price, 5) for price in (before, close, high, low))
        return Bar(moment(opened), before, high, low, close, float(chance.randint(10_000, 50_000)))

    def _drift(self, slot: int, price: float) -> float:
        """Quiet, up, chop, down, in turn; over it a swing, under it a pull towards the anchor."""
        phase = zlib.crc32(self.ticker.symbol.encode()) % 24
        angle = 2.0 * math.pi / _CYCLE
        swing = math.sin(angle * (slot + phase + 1)) - math.sin(angle * (slot + phase))
        trend, size = ((0.0, 1.0), (0.00012, 0.8), (0.0, 1.4), (-0.00012, 0.8))[(slot // _REGIME) % 4]
        return trend + _SWING * size * swing + _PULL * math.log(self.anchor / price) / 10.0


def follows(market: Market, last: Bar, until: int) -> Iterator[Bar]:
    """Every bar after `last` that is closed at the moment `until`."""
    step = market.ticker.timeframe.seconds
    bar = last
    for opened in range(epoch(last.opened) + step, until - step + 1, step):
        bar = market.next(bar, opened)
        yield bar
