"""What the farm told of itself, kept beside what the server saw, so that both make one timeline."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from typing import Any, Final

from live_trader.edge.happenings import Happening, Place
from live_trader.edge.server.bodies import FarmEvent
from live_trader.edge.server.store.disk import Disk, moment_of

HAPPENINGS: Final = "SELECT seq, at, sort, who, text FROM happenings WHERE seq > ? ORDER BY seq LIMIT ?"


class Happenings:
    """Restarts, swaps, refusals and faults, and how far the farm's file of them was read."""

    def __init__(self, disk: Disk, woken: Callable[[], None]) -> None:
        self._disk = disk
        self._woken = woken
        rows = disk.read("SELECT file, upto FROM heard")
        self.place = Place(*rows[0]) if rows else Place()

    async def add(self, told: Sequence[Happening], place: Place | None = None) -> None:
        """Keep these and, in the same commit, the place after them in the farm's file."""

        def operation(connection: sqlite3.Connection) -> None:
            for each in told:
                row = (self._disk.next(), each.at.timestamp(), each.sort, each.who, each.text)
                connection.execute("INSERT INTO happenings VALUES (?, ?, ?, ?, ?)", row)
            if place is not None:
                connection.execute("INSERT OR REPLACE INTO heard VALUES (1, ?, ?)", place)

        def settled(_: None) -> None:
            self.place = place or self.place
            self._woken()

        await self._disk.write(operation, settled)

    async def forget(self, before: float) -> None:
        """Remove what happened before this moment."""
        query = "DELETE FROM happenings WHERE at < ?"
        await self._disk.write(lambda connection: connection.execute(query, (before,)), lambda _: None)

    def event(self, row: Any) -> FarmEvent:
        """A stored happening as it travels."""
        seq, at, sort, who, text = row
        return FarmEvent(at=moment_of(at), sort=sort, who=who, text=text, seq=seq)
