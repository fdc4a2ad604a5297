"""A real farm on a simulated market, in a folder of its own, that leaves nothing running."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from benchmarks.estate import Experts, experts, plant, stock
from benchmarks.farmstead import Farmstead
from live_trader.core.bars import Ticker, Timeframe


@pytest.fixture(scope="session")
def taught() -> Experts:
    """One pair of small experts, trained once for all farms."""
    return experts(trees=20)


@pytest.fixture
def farmstead(tmp_path: Path, taught: Experts) -> Iterator[Callable[..., Farmstead]]:
    """Makes farms with deployed bundles and a feed; whatever they left running is ended."""
    made: list[Farmstead] = []

    def make(
        symbols: Sequence[str] = ("AUDUSD", "EURUSD"),
        settings: Mapping[str, Mapping[str, Any]] | None = None,
        timeframe: Timeframe = Timeframe.S1,
    ) -> Farmstead:
        tickers = [Ticker(symbol, timeframe) for symbol in symbols]
        given = {
            "feed": {"market": "simulated"},
            "demo": {"tickers": [str(ticker) for ticker in tickers]},
            **(settings or {}),
        }
        given["farm"] = {"silent_after_s": 6.0, **given.get("farm", {})}
        given["farm.restart"] = {"max_restarts": 50, **given.get("farm.restart", {})}
        place = Farmstead(tmp_path, tickers, given)
        plant(place.work, place.models, tickers, taught)
        stock(place.work, tickers)
        made.append(place)
        return place

    yield make
    for place in made:
        place.kill()
