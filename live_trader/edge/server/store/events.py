"""What the stream tells: every stored fact in the order of its seq, gathered from the tables."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from operator import itemgetter
from typing import Any, Final, NamedTuple

from msgspec import structs

from live_trader.core.bars import moment
from live_trader.edge.server.bodies import BarEvent, BotEvent, Kind, PortfolioEvent
from live_trader.edge.server.store.disk import Disk, moment_of
from live_trader.edge.server.store.happenings import HAPPENINGS, Happenings
from live_trader.edge.server.store.portfolios import portfolio_of
from live_trader.edge.server.store.signals import Signals
from live_trader.edge.server.store.trading import FILLS, ORDERS, Trading
from live_trader.edge.wire import encode

_BARS: Final = """
SELECT seq, ticker, time, open, high, low, close, volume, EXISTS (
    SELECT 1 FROM revisions AS other WHERE other.ticker = bars.ticker AND other.time = bars.time
) FROM bars WHERE seq > ? ORDER BY seq LIMIT ?"""
_REPLACED: Final = """
SELECT seq, ticker, time, open, high, low, close, volume, EXISTS (
    SELECT 1 FROM revisions AS other
    WHERE other.ticker = revisions.ticker AND other.time = revisions.time AND other.seq < revisions.seq
) FROM revisions WHERE seq > ? ORDER BY seq LIMIT ?"""
_SIGNALS: Final = """
SELECT seq, ticker, bot, time, shadow, signal, models, probabilities, bundle, held, late, lags, received
FROM signals WHERE seq > ? ORDER BY seq LIMIT ?"""
_PORTFOLIOS: Final = """
SELECT seq, version, state, allocations FROM portfolios WHERE seq > ? ORDER BY seq LIMIT ?"""
_STATES: Final = """
SELECT seq, ticker, bot, state, received FROM states WHERE seq > ? ORDER BY seq LIMIT ?"""


class Event(NamedTuple):
    """One stored fact as the stream tells it."""

    seq: int
    kind: Kind
    data: bytes


class Events:
    """The facts of a store as one sequence, which a listener can resume anywhere."""

    def __init__(self, disk: Disk, signals: Signals, trading: Trading, happenings: Happenings) -> None:
        self._disk = disk
        self._signals = signals
        self._trading = trading
        self._happenings = happenings

    async def after(self, seq: int, limit: int) -> list[Event]:
        """The facts with a higher seq than this, in its order, whatever kind they are."""
        sources = [
            (self._bar, _BARS),
            (self._bar, _REPLACED),
            (self._signal, _SIGNALS),
            (self._portfolio, _PORTFOLIOS),
            (self._bot, _STATES),
            (self._order, ORDERS),
            (self._fill, FILLS),
            (self._farm, HAPPENINGS),
        ]
        told: list[Iterator[Event]] = [
            map(tell, self._disk.read(query, seq, limit)) for tell, query in sources
        ]
        merged = heapq.merge(*told, key=itemgetter(0))
        return [event for event, _ in zip(merged, range(limit), strict=False)]

    def _bar(self, row: Any) -> Event:
        seq, number, time, open, high, low, close, volume, revised = row
        ticker = self._disk.ticker(number)
        body = BarEvent(
            symbol=ticker.symbol,
            timeframe=ticker.timeframe.name,
            time=moment(time),
            open=open,
            high=high,
            low=low,
            close=close,
            volume=volume,
            revised=bool(revised),
            seq=seq,
        )
        return Event(seq, "bar", encode(body))

    def _signal(self, row: Any) -> Event:
        body = self._signals.body(row)
        return Event(row[0], "shadow" if body.shadow else "signal", encode(body))

    def _portfolio(self, row: Any) -> Event:
        seq, *rest = row
        told = PortfolioEvent(**structs.asdict(portfolio_of(*rest)), seq=seq)
        return Event(seq, "portfolio", encode(told))

    def _order(self, row: Any) -> Event:
        return Event(row[0], "order", encode(self._trading.order(row)))

    def _fill(self, row: Any) -> Event:
        return Event(row[0], "fill", encode(self._trading.fill(row)))

    def _farm(self, row: Any) -> Event:
        return Event(row[0], "farm", encode(self._happenings.event(row)))

    def _bot(self, row: Any) -> Event:
        seq, number, bot, state, received = row
        ticker = self._disk.ticker(number)
        body = BotEvent(
            id=bot,
            symbol=ticker.symbol,
            timeframe=ticker.timeframe.name,
            state=state,
            seq=seq,
            at=moment_of(received),
        )
        return Event(seq, "bot", encode(body))
