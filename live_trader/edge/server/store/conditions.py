"""The bots whose condition changed, and when."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

from live_trader.core.bars import Ticker
from live_trader.edge.server.bodies import Condition
from live_trader.edge.server.store.disk import Disk


class Change(NamedTuple):
    """A bot whose condition is another now."""

    bot: str
    ticker: Ticker
    state: Condition


class Conditions:
    """FRESH, STALE and ABSENT as they came and went."""

    def __init__(self, disk: Disk, woken: Callable[[], None]) -> None:
        self._disk = disk
        self._woken = woken
        rows = disk.read("SELECT bot, ticker, state, max(seq) FROM states GROUP BY ticker, bot")
        self.last: dict[tuple[str, Ticker], Condition] = {
            (bot, disk.ticker(number)): state for bot, number, state, _ in rows
        }

    def counted(self) -> Counter[Condition]:
        """How many bots are in which condition."""
        return Counter(self.last.values())

    async def add(self, changes: Sequence[Change]) -> None:
        """Store what became of bots."""

        def operation(connection: sqlite3.Connection) -> None:
            for bot, ticker, state in changes:
                number = self._disk.number(connection, ticker)
                row = (self._disk.next(), number, bot, state, self._disk.now())
                connection.execute("INSERT INTO states VALUES (?, ?, ?, ?, ?)", row)

        def settled(_: None) -> None:
            self.last.update({(bot, ticker): state for bot, ticker, state in changes})
            self._woken()

        await self._disk.write(operation, settled)

    async def forget(self, before: float) -> None:
        """Remove what became of bots before this moment, and the bots not heard of since."""

        def operation(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM states WHERE received < ?", (before,))
            connection.execute("DELETE FROM bots WHERE received < ?", (before,))
            connection.execute("DELETE FROM places WHERE received < ?", (before,))

        await self._disk.write(operation, lambda _: None)
