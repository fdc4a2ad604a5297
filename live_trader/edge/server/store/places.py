"""How far each reader of the classic protocol has got, which its server remembers for it."""

from __future__ import annotations

import sqlite3
from typing import NamedTuple

from live_trader.core.bars import Ticker
from live_trader.edge.server.store.disk import Disk


class Place(NamedTuple):
    """The last bar a reader was given, and the version of the portfolio it was told."""

    time: int
    portfolio: int


class Places:
    """One place per reader and ticker."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        rows = disk.read("SELECT reader, ticker, time, portfolio FROM places")
        self._held = {
            (reader, disk.ticker(number)): Place(time, portfolio) for reader, number, time, portfolio in rows
        }

    def of(self, reader: str, ticker: Ticker) -> Place | None:
        """Where this reader is, if it ever asked for bars of this ticker."""
        return self._held.get((reader, ticker))

    async def set(self, reader: str, ticker: Ticker, place: Place) -> None:
        """Remember where this reader is."""

        def operation(connection: sqlite3.Connection) -> None:
            row = (self._disk.number(connection, ticker), reader, *place, self._disk.now())
            connection.execute("INSERT OR REPLACE INTO places VALUES (?, ?, ?, ?, ?)", row)

        def settled(_: None) -> None:
            self._held[reader, ticker] = place

        await self._disk.write(operation, settled)

    def __len__(self) -> int:
        return len(self._held)
