"""Markets of random bars for the tests of the lab."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from live_trader.core.bars import Tape, Ticker, Timeframe

Make = Callable[..., Tape]


def walked(bars: int, seed: int = 1, timeframe: Timeframe = Timeframe.H1, grain: float = 0.0) -> Tape:
    """A random walk with highs, lows and volume; `grain` rounds its prices, so that some are equal."""
    random = np.random.default_rng(seed)
    close = 1.1 * np.exp(np.cumsum(random.normal(0.0, 0.001, bars)))
    if grain:
        close = np.round(close / grain) * grain
    open = np.concatenate(([close[0]], close[:-1]))
    high = np.maximum(open, close) + np.abs(random.normal(0.0, 0.0004, bars))
    low = np.minimum(open, close) - np.abs(random.normal(0.0, 0.0004, bars))
    times = 1_500_000_000 // 3600 * 3600 + timeframe.seconds * np.arange(bars, dtype=np.int64)
    return Tape(Ticker("WALK", timeframe), times, open, high, low, close, random.uniform(0, 9, bars))


@pytest.fixture(scope="session")
def market() -> Make:
    """Makes random walks."""
    return walked
