"""What the tables of the store share: its two connections, its one counter and its tickers."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

from live_trader.core.bars import Ticker, Timeframe
from live_trader.edge.clock import Clock
from live_trader.edge.server.store.commits import Commits, Operation, Result
from live_trader.edge.server.store.schema import Opened

FORGOTTEN_AT_ONCE: Final = 2000
"""So many rows of a table go in one commit at most, so that no signal waits long behind them."""


class Disk:
    """The open files of a store, and the global counter every stored fact takes its seq from."""

    def __init__(self, opened: Opened, clock: Clock, measure: Callable[[int, float], None]) -> None:
        self._opened = opened
        self._commits = Commits(opened.writer, opened.mark, lambda: self.given, measure)
        self._clock = clock
        self.given = opened.seq
        self.seq = opened.seq
        self.set_aside = opened.set_aside
        rows = opened.reader.execute("SELECT id, symbol, timeframe FROM tickers")
        self._fresh: list[tuple[Ticker, int]] = []
        self._ids = {Ticker(symbol, Timeframe[timeframe]): number for number, symbol, timeframe in rows}
        self._tickers = {number: ticker for ticker, number in self._ids.items()}

    async def write(self, operation: Operation[Result], then: Callable[[Result], None]) -> Result:
        """What the operation answers, once it is durable; `then` runs before anyone hears of it."""
        upto = self.given
        fresh: list[tuple[Ticker, int]] = []

        def counted(connection: sqlite3.Connection) -> Result:
            nonlocal upto
            self._fresh = fresh
            result = operation(connection)
            upto = self.given
            return result

        def settled(result: Result) -> None:
            self.seq = upto
            self._ids.update(fresh)
            then(result)

        return await self._commits.write(counted, settled)

    def read(self, query: str, *values: object) -> list[Any]:
        """The rows of a query over what is committed."""
        return self._opened.reader.execute(query, values).fetchall()

    def next(self) -> int:
        """The seq of a new fact; only to be asked for inside a write."""
        self.given += 1
        return self.given

    def now(self) -> float:
        """Seconds since 1970."""
        return self._clock.now().timestamp()

    def find(self, ticker: Ticker) -> int | None:
        """The number of a ticker that is known."""
        return self._ids.get(ticker)

    def number(self, connection: sqlite3.Connection, ticker: Ticker) -> int:
        """The number of a ticker, made known inside a write."""
        number = self._ids.get(ticker)
        if number is None:
            insert = "INSERT INTO tickers (symbol, timeframe) VALUES (?, ?) ON CONFLICT DO NOTHING"
            connection.execute(insert, (ticker.symbol, ticker.timeframe.name))
            query = "SELECT id FROM tickers WHERE symbol = ? AND timeframe = ?"
            number = int(connection.execute(query, (ticker.symbol, ticker.timeframe.name)).fetchone()[0])
            self._fresh.append((ticker, number))
            self._tickers[number] = ticker
        return number

    def ticker(self, number: int) -> Ticker:
        """The ticker of this number."""
        return self._tickers[number]

    @property
    def tickers(self) -> list[Ticker]:
        """Every ticker that is known."""
        return list(self._ids)

    @property
    def fault(self) -> str:
        """Why the last commit failed, if it did."""
        return self._commits.fault

    @property
    def bytes(self) -> int:
        """The size of the store's data."""
        (pages,), (size,) = self.read("PRAGMA page_count")[0], self.read("PRAGMA page_size")[0]
        return int(pages) * int(size)

    async def close(self) -> None:
        """Finish the commit under way and close the files."""
        await self._commits.close()
        self._opened.close()


def moment_of(seconds: float) -> datetime:
    """Seconds since 1970 as a UTC time, fractions kept."""
    return datetime.fromtimestamp(seconds, UTC)
