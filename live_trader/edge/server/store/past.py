"""Bars out of the store's file for the lab, whether or not a server has it open."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np

from live_trader.core.bars import Tape, Ticker
from live_trader.errors import BadTape

_BARS = """
SELECT time, open, high, low, close, volume
FROM bars JOIN tickers ON bars.ticker = tickers.id
WHERE symbol = ? AND timeframe = ? ORDER BY time"""


def past(folder: Path, ticker: Ticker) -> Tape:
    """Every bar of this ticker that the store in this folder keeps, oldest first."""
    path = folder / "store.db"
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as store:
            found = store.execute(_BARS, (ticker.symbol, ticker.timeframe.name)).fetchall()
    except sqlite3.Error as fault:
        raise BadTape(
            f"the store {path} cannot be read: {fault}", "Give the work path of a farm that has one"
        ) from None
    if not found:
        raise BadTape(f"the store {path} has no bar of {ticker}", "Feed it bars first, or give a file")
    times, *columns = (np.ascontiguousarray(column) for column in np.array(found, dtype=np.float64).T)
    return Tape(ticker, times.astype(np.int64), *columns)
