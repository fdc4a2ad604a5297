"""How the events of the v1 stream are spelled that a desk listens to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from msgspec import Struct
from msgspec.json import Decoder

from live_trader.core.bars import Bar, Ticker, Timeframe
from live_trader.core.portfolio import Portfolio
from live_trader.core.signals import Signal
from live_trader.edge.wire import Body, decode, opening, owner, v1
from live_trader.edge.wire.v1 import SignalText, Time

KINDS: Final = "bar,signal,portfolio"


class BarEventText(Struct, frozen=True, kw_only=True):
    """A bar that was stored; `revised` when it replaced another."""

    symbol: str
    timeframe: str
    time: Time
    open: float
    high: float
    low: float
    close: float
    volume: float
    revised: bool = False


@dataclass(frozen=True, slots=True)
class BarTold:
    """A bar of the stream."""

    ticker: Ticker
    bar: Bar
    revised: bool


_BAR: Final = Decoder(BarEventText)
_SIGNAL: Final = Decoder(SignalText)


def told(kind: str, body: Body) -> BarTold | Signal | Portfolio:
    """What an event of one of these kinds says."""
    if kind == "signal":
        return v1.signal(decode(body, _SIGNAL))
    if kind == "portfolio":
        return owner.portfolio(body)[0]
    text = decode(body, _BAR)
    ticker = Ticker(text.symbol, Timeframe.parse(text.timeframe))
    opened = opening(ticker, text.time)
    bar = Bar(opened, text.open, text.high, text.low, text.close, text.volume)
    return BarTold(ticker, bar, text.revised)
