"""Markets made by chance, which the tests of core draw from."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import strategies as st

from live_trader.core.bars import Tape, Ticker, Timeframe

AUDUSD = Ticker("AUDUSD", Timeframe.M1)
Market = Callable[..., Tape]


def _market(
    bars: int,
    *,
    seed: int = 0,
    gaps: float = 0.0,
    flat: float = 0.0,
    silent: float = 0.0,
    price: float = 100.0,
    swing: float = 1e-3,
    tick: float | None = 1e-5,
    ticker: Ticker = AUDUSD,
) -> Tape:
    """A seeded market; `gaps`, `flat` and `silent` are shares of bars: after a gap, unmoved, unsold."""
    chance = np.random.default_rng(seed)
    slots = np.cumsum(1 + (chance.random(bars) < gaps) * chance.integers(1, 400, bars))
    still = chance.random(bars) < flat
    close = price * np.exp(np.cumsum(chance.normal(0.0, swing, bars) * ~still))
    open = np.where(still, close, np.concatenate((close[:1], close[:-1])))
    reach = swing * close * ~still
    high = np.maximum(open, close) + reach * chance.random(bars)
    low = np.minimum(open, close) - reach * chance.random(bars) * 0.5
    if tick is not None:
        open, high, low, close = (
            np.maximum(np.round(each / (price * tick)), 1) * (price * tick)
            for each in (open, high, low, close)
        )
    low = np.maximum(low, np.minimum(open, close) * 0.5)
    volume = np.round(chance.random(bars) * 1000.0) * (chance.random(bars) >= silent)
    times = (1_600_000_000 // ticker.timeframe.seconds + slots) * ticker.timeframe.seconds
    return Tape(ticker, times.astype(np.int64), open, high, low, close, volume)


@pytest.fixture(scope="session")
def market() -> Market:
    """Makes a seeded market of so many bars."""
    return _market


@pytest.fixture(scope="session")
def markets() -> Callable[[int, int], st.SearchStrategy[Tape]]:
    """Markets of at least and at most so many bars, of all kinds: gaps, tiny prices, wild swings."""

    def drawn(least: int, most: int) -> st.SearchStrategy[Tape]:
        return st.builds(
            _market,
            st.integers(least, most),
            seed=st.integers(0, 2**32 - 1),
            gaps=st.sampled_from([0.0, 0.01, 0.2]),
            flat=st.sampled_from([0.0, 0.1, 0.9]),
            silent=st.sampled_from([0.0, 0.3, 1.0]),
            price=st.sampled_from([1e-7, 1.1, 100.0, 4e4, 1e9]),
            swing=st.sampled_from([1e-5, 1e-3, 0.1]),
            tick=st.sampled_from([None, 1e-5, 1e-3]),
            ticker=st.builds(
                Ticker,
                st.sampled_from(["AUDUSD", "BTCPERP", "X"]),
                st.sampled_from([Timeframe.S1, Timeframe.M1, Timeframe.H4, Timeframe.D1]),
            ),
        )

    return drawn
