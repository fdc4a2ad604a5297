"""Tapes of random walks, and a strategy that wishes at random."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import pytest

from live_trader.core.bars import Tape, Ticker, Timeframe
from live_trader.core.instruments import Instrument
from live_trader.core.strategies.chartist import Chartist, Signs

EURUSD = Instrument(
    symbol="EURUSD", currency="USD", base="EUR", tick=Decimal("0.00001"), lot=Decimal(1), minimum=Decimal(1)
)


@dataclass(frozen=True)
class Whim(Chartist):
    """Wishes anything at any bar, as the moment and the seed will have it."""

    seed: int = 0
    often: int = 4

    @property
    def memory(self) -> int:
        return 3

    def wishes(self, tape: Tape) -> Signs:
        mixed = (tape.times // 60 + self.seed) * 2654435761 % 2**32
        drawn = (mixed >> 9) % (2 * self.often)
        return np.where(drawn == 0, -1, np.where(drawn == 1, 1, 0)).astype(np.int8)


def _walk(
    seed: int,
    length: int,
    *,
    start: float = 1.2,
    step: float = 0.001,
    gaps: float = 0.0,
    still: float = 0.0,
    decimals: int = 5,
    timeframe: Timeframe = Timeframe.M1,
    symbol: str = "EURUSD",
) -> Tape:
    """A random walk, with gaps in time and price where asked, from a Thursday near midnight on."""
    random = np.random.default_rng(seed)
    lost = np.where(random.random(length) < gaps, random.integers(1, 900, length), 1)
    times = timeframe.seconds * (1_577_923_200 // timeframe.seconds - 200 + np.cumsum(lost))
    moves = random.normal(0, step, length) * (random.random(length) >= still)
    close = np.round(np.maximum(start + np.cumsum(moves), start / 10), decimals)
    jump = random.normal(0, step, length) * (random.random(length) < 0.2)
    open_ = np.round(np.concatenate(([start], close[:-1])) + jump, decimals)
    reach = np.abs(random.normal(0, step / 2, (2, length))) * (random.random(length) >= still)
    high = np.round(np.maximum(open_, close) + reach[0], decimals)
    low = np.round(np.maximum(np.minimum(open_, close) - reach[1], start / 20), decimals)
    volume = random.integers(0, 100, length).astype(np.float64)
    return Tape(
        Ticker(symbol, timeframe),
        times,
        open_,
        high,
        np.minimum(low, np.minimum(open_, close)),
        close,
        volume,
    )


@pytest.fixture(scope="session")
def walk() -> Callable[..., Tape]:
    """A function that makes a tape of a random walk."""
    return _walk


@pytest.fixture(scope="session")
def whim() -> type[Whim]:
    """A strategy that wishes at random."""
    return Whim


@pytest.fixture(scope="session")
def eurusd() -> Instrument:
    return EURUSD
