"""What the store's file knows of the past: every signal, every version of every bar, and when each came."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

from msgspec.json import Decoder

from live_trader.core.bars import Bar, Ticker, Timeframe, moment
from live_trader.core.portfolio import Portfolio
from live_trader.core.signals import Opinion, Signal
from live_trader.edge.wire import ballot, direction, owner
from live_trader.edge.wire.v1 import ProbabilitiesText
from live_trader.errors import BadData

_MODELS: Final[Decoder[dict[str, float]]] = Decoder(dict[str, int | float])
_PROBABILITIES: Final = Decoder(dict[str, ProbabilitiesText])
_SIGNALS: Final = """
SELECT symbol, timeframe, bot, time, signal, models, probabilities, bundle, held, late, received
FROM signals JOIN tickers ON tickers.id = ticker WHERE NOT shadow ORDER BY seq"""
_BARS: Final = """
SELECT time, open, high, low, close, volume, received, 1e18 FROM bars
JOIN tickers ON tickers.id = ticker WHERE symbol = ?1 AND timeframe = ?2 UNION ALL
SELECT time, open, high, low, close, volume, received, replaced FROM revisions
JOIN tickers ON tickers.id = ticker WHERE symbol = ?1 AND timeframe = ?2 ORDER BY 1, 7"""
_PORTFOLIOS: Final = "SELECT received, version, state, allocations FROM portfolios ORDER BY version"


class Version(NamedTuple):
    """A bar as it was in force between two moments."""

    bar: Bar
    since: float
    until: float


@dataclass(frozen=True, slots=True)
class Witnessed:
    """A signal and when it came."""

    signal: Signal
    received: float


class Witness:
    """The file of one store, open or not."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "store.db"

    def signals(self) -> list[Witnessed]:
        """Every signal but those of challengers, in the order in which they came."""
        return [_witnessed(row) for row in self._read(_SIGNALS)]

    def bars(self, ticker: Ticker) -> list[Version]:
        """Every version of every bar of a ticker, oldest first."""
        rows = self._read(_BARS, ticker.symbol, ticker.timeframe.name)
        return [Version(Bar(moment(row[0]), *row[1:6]), row[6], row[7]) for row in rows]

    def portfolios(self) -> list[tuple[float, Portfolio]]:
        """Every portfolio there was, and since when."""
        found = []
        for received, version, state, allocations in self._read(_PORTFOLIOS):
            found.append((received, owner.kept(version, state, allocations)))
        return found

    def _read(self, query: str, *values: object) -> list[Any]:
        try:
            address = f"{self._path.resolve().as_uri()}?mode=ro"
            with closing(sqlite3.connect(address, uri=True)) as store:
                return store.execute(query, values).fetchall()
        except sqlite3.Error as fault:
            raise BadData(
                f"the store {self._path} cannot be read: {fault}", "Give the work path of a farm that has one"
            ) from None


def _witnessed(row: Any) -> Witnessed:
    symbol, timeframe, bot, time, wish, models, probabilities, bundle, held, late, received = row
    told = _PROBABILITIES.decode(probabilities)
    opinions = {}
    for name, number in _MODELS.decode(models).items():
        vote, each = direction(number), told.get(name)
        opinions[name] = Opinion(each.long, each.short, vote) if each else ballot(vote)
    ticker = Ticker(symbol, Timeframe[timeframe])
    signal = Signal(bot, ticker, moment(time), direction(wish), opinions, bundle, bool(late), held=held)
    return Witnessed(signal, received)
