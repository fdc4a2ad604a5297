"""Why there is a signal as of a bar, or why there is none, for the page that asks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from live_trader.core.bars import Bar, Ticker, epoch, moment
from live_trader.edge.server.dashboard.records import Records
from live_trader.edge.server.store.signals import Filter
from live_trader.edge.why import bundle_of, explain, opened, reach, ticker_of
from live_trader.edge.wire.v1 import SignalText
from live_trader.errors import TraderError
from live_trader.experts.bundle import glance

if TYPE_CHECKING:
    from live_trader.core.drift import Tolerance
    from live_trader.edge.shelf import Shelf

ANY: Final = Filter()
_SHOWN: Final = 120


def silence(ticker: Ticker, bot: str, opened_at: int, around: dict[str, Any], now: float) -> str:
    """Why no signal is stored for a bar."""
    when = f"{moment(opened_at):%Y-%m-%d %H:%M:%S}"
    first, last, received = around["first"], around["last"], around["received"]
    if opened_at % ticker.timeframe.seconds:
        return f"No {ticker.timeframe.name} bar opens at {when}."
    if opened_at + ticker.timeframe.seconds > now:
        return f"The bar of {when} is not closed yet; the signal follows its close."
    if received is None:
        return f"The store has no bar of {when}: the market was closed, or the feed did not bring it."
    fault = around["fault"]
    told = f" Its worker at {moment(int(fault[1])):%Y-%m-%d %H:%M:%S}: {fault[0]}." if fault else ""
    if first is None:
        return f"{bot or 'No bot'} has never sent a signal for {ticker}.{told}"
    if opened_at < first:
        return f"{bot} began later: its first signal is of {moment(first):%Y-%m-%d %H:%M:%S}."
    state = around["state"]
    was = f" It was {state[0]} since {moment(int(state[1])):%Y-%m-%d %H:%M:%S}." if state else ""
    if opened_at > last:
        owed = f"{bot} has not answered since the bar of {moment(last):%Y-%m-%d %H:%M:%S}."
        return f"{owed}{was}{told} Absent is not neutral: nothing is traded on it."
    closed = opened_at + ticker.timeframe.seconds
    if received > closed + ticker.timeframe.seconds:
        after = f"{moment(int(received)):%Y-%m-%d %H:%M:%S}"
        return f"{bot} answered bars before and after, but this one reached the store only at {after}.{was}"
    return f"{bot} answered bars before and after, but not this one; its log may say why.{was}{told}"


def why(
    shelf: Shelf | None, tolerance: Tolerance | None, store: Records, signal: SignalText
) -> dict[str, Any]:
    """A stored signal with the bars it saw and, where its bundle is at hand, everything behind it."""
    ticker, time = ticker_of(signal), epoch(signal.bar_time)
    told: dict[str, Any] = {"signal": signal, "why": None, "sentence": "", "bars": []}
    closed = time + ticker.timeframe.seconds
    told["orders"] = store.orders(ticker, closed, closed + ticker.timeframe.seconds)
    told["bars"] = shown(store, ticker, time)
    received = store.around(ticker, signal.id, time)["received"]
    told["bar_lag"] = None if received is None else received - closed
    if shelf is None:
        return told | {"sentence": "This server was not told where bundles are, so it cannot recompute this."}
    try:
        folder = bundle_of(shelf, signal)
        if glance(folder).heavy:
            again = f"instant-trader explain {signal.seq}"
            return told | {
                "sentence": f"Only the pipeline itself can serve this model. Recompute it with: {again}"
            }
        bundle = opened(folder)
        bars = store.bars(ticker, time, reach(bundle, tolerance))
        found = explain(signal, bundle, bars, tolerance=tolerance)
    except TraderError as fault:
        return told | {"sentence": f"It cannot be recomputed: {fault}"}
    return told | {"why": msgspec.to_builtins(found), "sentence": found.sentence}


def shown(store: Records, ticker: Ticker, upto: int) -> list[tuple[int, float, float, float, float]]:
    """The bars up to this moment that a page draws."""
    return [_plain(bar) for bar in store.bars(ticker, upto, _SHOWN)]


def _plain(bar: Bar) -> tuple[int, float, float, float, float]:
    return epoch(bar.opened), bar.open, bar.high, bar.low, bar.close
