"""The bars of the store: the one in force for each time, and every one it replaced."""

from __future__ import annotations

import sqlite3
from bisect import bisect_right
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any, Final, NamedTuple

from live_trader.core.bars import Bar, Ticker, epoch, moment
from live_trader.edge.server.store.disk import FORGOTTEN_AT_ONCE, Disk
from live_trader.edge.wire.v1 import BarText

_KEPT: Final = 128
"""So many of a ticker's newest bars are answered from memory; waiting bots want no others."""

_AT_ONCE: Final = 16
"""So many of them are let go at a time: often enough that a day of bars takes no more memory than an hour."""

BEFORE_ALL: Final = -(2**62)
"""A time before every bar."""


_AFTER: Final = """
SELECT time, open, high, low, close, volume FROM bars WHERE ticker = ? AND time > ? ORDER BY time LIMIT ?"""
_NEWEST: Final = """
SELECT time, open, high, low, close, volume FROM bars WHERE ticker = ? ORDER BY time DESC LIMIT ?"""
_BEFORE: Final = "SELECT time FROM bars WHERE ticker = ? ORDER BY time DESC LIMIT 1 OFFSET ?"
_LATEST: Final = "SELECT ticker, max(time) FROM bars GROUP BY ticker"
_LATEST_OF: Final = "SELECT max(time) FROM bars WHERE ticker = ?"
_CHANGED: Final = "UPDATE tickers SET revision = revision + ? WHERE id = ?"
_RECEIVED: Final = "SELECT received FROM bars WHERE ticker = ? AND time > ? ORDER BY time LIMIT 1"
_INSERT: Final = """
INSERT INTO bars (ticker, time, open, high, low, close, volume, seq, received)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"""
_VERSIONS: Final = """
SELECT open, high, low, close, volume FROM bars WHERE ticker = ?1 AND time = ?2 UNION ALL
SELECT open, high, low, close, volume FROM revisions WHERE ticker = ?1 AND time = ?2"""
_KEEP: Final = """
INSERT INTO revisions (seq, ticker, time, open, high, low, close, volume, received, replaced)
SELECT seq, ticker, time, open, high, low, close, volume, received, ?3
FROM bars WHERE ticker = ?1 AND time = ?2"""
_REPLACE: Final = """
UPDATE bars SET (open, high, low, close, volume, seq, received) = (?, ?, ?, ?, ?, ?, ?)
WHERE ticker = ? AND time = ?"""
_FORGET: Final = (
    """
DELETE FROM bars WHERE ticker = ?1 AND time IN (
    SELECT time FROM bars WHERE ticker = ?1 AND time < ?2 ORDER BY time LIMIT ?3)""",
    """
DELETE FROM revisions WHERE ticker = ?1 AND time IN (
    SELECT time FROM revisions WHERE ticker = ?1 AND time < ?2 ORDER BY time LIMIT ?3)""",
)


class Tally(NamedTuple):
    """What became of posted bars."""

    stored: int
    known: int
    revised: int


class _Tail:
    """The newest bars of one ticker, without a gap against the store."""

    __slots__ = ("bars", "times", "whole")

    def __init__(self, bars: list[BarText], whole: bool) -> None:
        self.bars = bars
        self.times = [epoch(bar.time) for bar in bars]
        self.whole = whole

    def append(self, time: int, bar: BarText) -> None:
        self.times.append(time)
        self.bars.append(bar)
        if len(self.times) > _KEPT + _AT_ONCE:
            del self.times[:_AT_ONCE], self.bars[:_AT_ONCE]
            self.whole = False


class _Written(NamedTuple):
    tally: Tally
    fresh: list[tuple[int, BarText]]
    changed: int


class Bars:
    """What feeds posted."""

    def __init__(self, disk: Disk, woken: Callable[[Ticker], None]) -> None:
        self._disk = disk
        self._woken = woken
        self._tails: dict[Ticker, _Tail] = {}
        self._revisions: dict[Ticker, int] = {
            disk.ticker(number): count for number, count in disk.read("SELECT id, revision FROM tickers")
        }
        self.newest: dict[Ticker, int] = {disk.ticker(number): time for number, time in disk.read(_LATEST)}

    async def add(self, ticker: Ticker, bars: Sequence[Bar]) -> Tally:
        """Store these bars; one that differs from a stored one is put in force, and the other is kept."""
        in_order = sorted(bars, key=attrgetter("opened"))

        def operation(connection: sqlite3.Connection) -> _Written:
            return self._add(connection, ticker, in_order)

        written = await self._disk.write(operation, lambda written: self._settle(ticker, written))
        return written.tally

    async def after(self, ticker: Ticker, time: int, limit: int) -> list[BarText]:
        """The bars that opened later than this, oldest first."""
        number = self._disk.find(ticker)
        if number is None:
            return []
        tail = self._tail(ticker, number)
        if tail.whole or (tail.times and tail.times[0] <= time):
            start = bisect_right(tail.times, time)
            return tail.bars[start : start + limit]
        return [_text(row) for row in self._disk.read(_AFTER, number, time, limit)]

    async def last(self, ticker: Ticker, count: int) -> list[BarText]:
        """The newest `count` bars, oldest first."""
        number = self._disk.find(ticker)
        return [] if number is None else self._last(number, count)

    async def before_last(self, ticker: Ticker, count: int) -> int | None:
        """When the bar before the newest `count` opened, if there is one."""
        rows = self._disk.read(_BEFORE, self._disk.find(ticker), count)
        return rows[0][0] if rows else None

    async def received_after(self, ticker: Ticker, time: int) -> float | None:
        """When the first bar that opened later than this was stored."""
        rows = self._disk.read(_RECEIVED, self._disk.find(ticker), time)
        return rows[0][0] if rows else None

    def revision(self, ticker: Ticker) -> int:
        """How often a bar of this ticker was revised, or came when a newer one was there already.

        It is kept with the bars, so that it never goes back: a bot that was told of one would miss another.
        """
        return self._revisions.get(ticker, 0)

    async def forget(self, before: int) -> int:
        """Remove some of the bars that opened before this; how many, 0 when none is left."""

        def operation(connection: sqlite3.Connection) -> int:
            numbers = [self._disk.find(ticker) for ticker in self._disk.tickers]
            bounds = [(number, before, FORGOTTEN_AT_ONCE) for number in numbers]
            return sum(connection.execute(query, bound).rowcount for query in _FORGET for bound in bounds)

        return await self._disk.write(operation, lambda removed: self._tails.clear() if removed else None)

    def _add(self, connection: sqlite3.Connection, ticker: Ticker, bars: Sequence[Bar]) -> _Written:
        number, now = self._disk.number(connection, ticker), self._disk.now()
        fresh: list[tuple[int, BarText]] = []
        newest = connection.execute(_LATEST_OF, (number,)).fetchone()[0]
        revised = late = 0
        for bar in bars:
            time = epoch(bar.opened)
            values = (bar.open, bar.high, bar.low, bar.close, bar.volume)
            if connection.execute(_INSERT, (number, time, *values, self._disk.given + 1, now)).rowcount:
                self._disk.next()
                fresh.append((time, BarText(bar.opened, *values)))
                late += newest is not None and time < newest
            else:
                revised += self._revise(connection, number, time, values, now)
        if revised or late:
            connection.execute(_CHANGED, (revised + late, number))
        tally = Tally(len(fresh), len(bars) - len(fresh) - revised, revised)
        return _Written(tally, fresh, revised + late)

    def _revise(
        self, connection: sqlite3.Connection, number: int, time: int, values: tuple[float, ...], now: float
    ) -> bool:
        """Put another bar in force for a stored time, unless it is or was in force already."""
        if values in connection.execute(_VERSIONS, (number, time)).fetchall():
            return False
        connection.execute(_KEEP, (number, time, now))
        connection.execute(_REPLACE, (*values, self._disk.next(), now, number, time))
        return True

    def _settle(self, ticker: Ticker, written: _Written) -> None:
        tally, fresh, changed = written
        if changed:
            self._revisions[ticker] = self.revision(ticker) + changed
            self._tails.pop(ticker, None)
        for time, bar in fresh:
            if time > self.newest.get(ticker, BEFORE_ALL):
                self.newest[ticker] = time
                self._extend(ticker, time, bar)
        if fresh or tally.revised:
            self._woken(ticker)

    def _extend(self, ticker: Ticker, time: int, bar: BarText) -> None:
        tail = self._tails.get(ticker)
        if tail is not None and (not tail.times or time > tail.times[-1]):
            tail.append(time, bar)

    def _tail(self, ticker: Ticker, number: int) -> _Tail:
        tail = self._tails.get(ticker)
        if tail is None:
            bars = self._last(number, _KEPT)
            tail = self._tails[ticker] = _Tail(bars, whole=len(bars) < _KEPT)
        return tail

    def _last(self, number: int, count: int) -> list[BarText]:
        return [_text(row) for row in reversed(self._disk.read(_NEWEST, number, count))]


def _text(row: Any) -> BarText:
    return BarText(moment(row[0]), *row[1:])
