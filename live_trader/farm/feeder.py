"""Posts the bars of a simulated or replayed market to the server, each the moment it closes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import numpy as np

from live_trader.core.bars import Bar, Tape, Ticker, epoch
from live_trader.edge.client import connect_feed
from live_trader.edge.client.feed import Feed
from live_trader.edge.clock import Clock
from live_trader.edge.feeds.simulated import Market, follows
from live_trader.edge.settings import Settings
from live_trader.errors import BadAnswer, Unreachable
from live_trader.farm.process import Stop
from live_trader.farm.pulse import Beat, Phase
from live_trader.farm.waiting import wait_out

_REFILL = 120  # bars: a longer pause of the feed is a closed market, not a hole
_AFTER_CLOSE = 0.02
_AGAIN = 0.5


class Source(Protocol):
    """A market that knows the bars closed since the last one it gave."""

    def due(self, last: Bar, until: int) -> Iterator[Bar]:
        """Every bar after `last` that is closed at the moment `until`, in seconds since 1970."""
        ...


class Simulated:
    """The simulated market; a pause longer than the refill is passed over."""

    def __init__(self, market: Market) -> None:
        self._market = market

    def due(self, last: Bar, until: int) -> Iterator[Bar]:
        step = self._market.ticker.timeframe.seconds
        newest = until - until % step - step
        if (newest - epoch(last.opened)) // step <= _REFILL:
            yield from follows(self._market, last, until)
        else:
            yield self._market.next(last, newest)


class Played:
    """A tape that was stamped with the present; nothing when it has ended."""

    def __init__(self, coming: Tape) -> None:
        self._coming = coming

    def due(self, last: Bar, until: int) -> Iterator[Bar]:
        times = self._coming.times
        step = self._coming.ticker.timeframe.seconds
        start, stop = np.searchsorted(times, [epoch(last.opened) + 1, until - step + 1])
        return self._coming.cut(int(start), int(stop)).bars()


def history_path(settings: Settings, ticker: Ticker) -> Path:
    """The file with the bars a simulated or replayed market begins with."""
    return Path(settings.farm.work_path) / "demo" / f"{ticker.symbol}_{ticker.timeframe.name}.csv"


def coming_path(settings: Settings, ticker: Ticker) -> Path:
    """The file with the bars a replayed market goes on with."""
    return history_path(settings, ticker).with_suffix(".next.csv")


def keep_feeding(
    settings: Settings, stop: Stop, clock: Clock, show: Callable[[Beat], None], beat: Beat
) -> None:
    """Post what the server lacks, then every bar as it closes, until the stop."""
    tickers = [Ticker.parse(text) for text in settings.demo.tickers]
    step = min(ticker.timeframe.seconds for ticker in tickers)

    def alive() -> None:
        beat.beaten = clock.monotonic()
        show(beat)

    with connect_feed(settings, wake=stop.descriptor, clock=clock) as server:
        lines: dict[Ticker, tuple[Source, Bar]] = {}
        while True:
            try:
                for ticker in tickers:
                    source, last = lines.get(ticker) or _begin(settings, ticker, server)
                    due = list(source.due(last, int(clock.now().timestamp())))
                    if due:
                        server.store(ticker, due)
                    lines[ticker] = (source, due[-1] if due else last)
                    beat.answered += len(due)
                beat.phase, beat.reason = Phase.SERVING, ""
                pause = step - clock.now().timestamp() % step + _AFTER_CLOSE
            except (Unreachable, BadAnswer) as fault:
                beat.phase, beat.reason = Phase.CONNECTING, str(fault)
                pause = getattr(fault, "retry_after", None) or _AGAIN
            alive()
            wait_out(pause, settings.farm.silent_after_s / 3, stop.rest, alive)


def _begin(settings: Settings, ticker: Ticker, server: Feed) -> tuple[Source, Bar]:
    """The market of a ticker, and the newest bar the server has of it, after posting the history."""
    history = history_path(settings, ticker)
    newest = server.newest(ticker) if history.exists() else None  # reading says at once that there is none
    if newest is None:
        bars = list(_kept(history, ticker).bars())
        server.store(ticker, bars)
        newest = bars[-1]
    return _source(settings, ticker), newest


def _source(settings: Settings, ticker: Ticker) -> Source:
    if settings.demo.market == "replay":
        return Played(_kept(coming_path(settings, ticker), ticker))
    return Simulated(Market(ticker, settings.demo.seed))


def _kept(path: Path, ticker: Ticker) -> Tape:
    from live_trader.edge.tapes import read  # 40 MB of libraries, for a feed that reads a file at all

    return read(path, ticker).tape
