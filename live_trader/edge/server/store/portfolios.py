"""The portfolio in force and every one before it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from msgspec.json import Decoder

from live_trader.edge.server.bodies import PortfolioBody, State, canonical
from live_trader.edge.server.store.disk import Disk
from live_trader.edge.wire.portfolio import Entry

_ENTRIES: Decoder[tuple[Entry, ...] | None] = Decoder(tuple[Entry, ...] | None)  # null: none was ever put
_NEWEST = "SELECT version, state, allocations, received FROM portfolios ORDER BY version DESC LIMIT 1"
_NONE = PortfolioBody(version=0, state="ACTIVE", allocations=(), put=False)


class Portfolios:
    """What the owner put; each change makes the next version."""

    def __init__(self, disk: Disk, woken: Callable[[], None]) -> None:
        self._disk = disk
        self._woken = woken
        rows = disk.read(_NEWEST)
        self.now = _held(rows)

    async def put(
        self,
        allocations: tuple[Entry, ...] | None,
        next_state: Callable[[State], State],
        version: int | None = None,
        *,
        renew: bool = False,
    ) -> PortfolioBody | None:
        """Put these allocations, or those in force, in force with the state that follows the present one.

        Without `renew` what changes nothing makes no version; the answer is None when `version` is not the
        one in force.
        """

        def operation(connection: sqlite3.Connection) -> PortfolioBody | None:
            rows = connection.execute(_NEWEST).fetchall()
            held = _held(rows)
            if version is not None and version != held.version:
                return None
            state = next_state(held.state)
            if allocations is None and state == held.state and not renew:
                return held
            return self._next(connection, held, state, allocations)

        return await self._disk.write(operation, self.settle)

    def halt(self, connection: sqlite3.Connection, version: int, when: float) -> PortfolioBody | None:
        """Inside a write: HALTED from now on, as a desk that knew this version decided at this moment.

        Where a later version was put later, a person has decided since: nothing changes, and None is the
        answer, as it is where the state is HALTED already.
        """
        rows = connection.execute(_NEWEST).fetchall()
        held, received = _held(rows), rows[0][3] if rows else 0.0
        if held.state == "HALTED" or (held.version > version and received > when):
            return None
        return self._next(connection, held, "HALTED", None)

    def settle(self, portfolio: PortfolioBody | None) -> None:
        """Let everybody know of what a write has put in force, if it has."""
        if portfolio is not None and portfolio.version != self.now.version:
            self.now = portfolio
            self._woken()

    def _next(
        self,
        connection: sqlite3.Connection,
        held: PortfolioBody,
        state: State,
        allocations: tuple[Entry, ...] | None,
    ) -> PortfolioBody:
        wanted = PortfolioBody(
            version=held.version + 1,
            state=state,
            allocations=held.allocations if allocations is None else allocations,
            put=held.put or allocations is not None,
        )
        kept = canonical(wanted.allocations) if wanted.put else "null"
        row = (wanted.version, self._disk.next(), wanted.state, kept, self._disk.now())
        connection.execute("INSERT INTO portfolios VALUES (?, ?, ?, ?, ?)", row)
        return wanted


def _held(newest: list[tuple[int, State, str, float]]) -> PortfolioBody:
    return portfolio_of(*newest[0][:3]) if newest else _NONE


def portfolio_of(version: int, state: State, allocations: str) -> PortfolioBody:
    """A stored portfolio as it travels."""
    kept = _ENTRIES.decode(allocations)
    return PortfolioBody(version=version, state=state, allocations=kept or (), put=kept is not None)
