"""Tickers, closed bars, tapes of them, and the fixed-length window a bot looks through."""

from live_trader.core.bars.bar import Bar, Ticker, Timeframe, closes, epoch, moment, on_grid
from live_trader.core.bars.tape import Floats, Tape, Times
from live_trader.core.bars.window import Place, Window

__all__ = [
    "Bar",
    "Floats",
    "Place",
    "Tape",
    "Ticker",
    "Timeframe",
    "Times",
    "Window",
    "closes",
    "epoch",
    "moment",
    "on_grid",
]
