"""Everything the server keeps: acknowledged means on the disk, and one counter orders it all."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from live_trader.core.bars import Ticker
from live_trader.edge.clock import Clock
from live_trader.edge.server.hub import Hub
from live_trader.edge.server.options import Retention
from live_trader.edge.server.store.bars import Bars
from live_trader.edge.server.store.bygone import forget_bygone
from live_trader.edge.server.store.conditions import Conditions
from live_trader.edge.server.store.disk import Disk
from live_trader.edge.server.store.events import Events
from live_trader.edge.server.store.happenings import Happenings
from live_trader.edge.server.store.places import Places
from live_trader.edge.server.store.portfolios import Portfolios
from live_trader.edge.server.store.schema import open_store
from live_trader.edge.server.store.signals import Signals
from live_trader.edge.server.store.trading import Trading

SIGNALS: Final = "signals"
ANYTHING: Final = "anything"
HIGHEST: Final = 2**62
"""No seq is ever higher; the file keeps whole numbers of 64 bits."""

_DAY_S: Final = 86400


class Store:
    """The one room that keeps facts; who waits in the hub is woken the moment there are new ones."""

    def __init__(self, folder: Path, clock: Clock, hub: Hub, measure: Callable[[int, float], None]) -> None:
        self._disk = disk = Disk(open_store(folder, clock), clock, measure)

        def woken_by_bars(ticker: Ticker) -> None:
            hub.wake(ticker)
            hub.wake(ANYTHING)

        def woken_by_signals() -> None:
            hub.wake(SIGNALS)
            hub.wake(ANYTHING)

        self.bars = Bars(disk, woken_by_bars)
        self.signals = Signals(disk, woken_by_signals)
        self.portfolios = Portfolios(disk, hub.wake_all)
        self.conditions = Conditions(disk, lambda: hub.wake(ANYTHING))
        self.places = Places(disk)
        self.trading = Trading(disk, lambda: hub.wake(ANYTHING), self.portfolios)
        self.happenings = Happenings(disk, lambda: hub.wake(ANYTHING))
        self.events = Events(disk, self.signals, self.trading, self.happenings)

    @property
    def seq(self) -> int:
        """The highest seq that is durable."""
        return self._disk.seq

    @property
    def tickers(self) -> list[Ticker]:
        """Every ticker the store has heard of."""
        return self._disk.tickers

    @property
    def set_aside(self) -> str:
        """What happened to a store that was found damaged at this start."""
        return self._disk.set_aside

    @property
    def fault(self) -> str:
        """Why the store cannot be written now, if it cannot."""
        return self._disk.fault

    @property
    def bytes(self) -> int:
        """The size of the store's data."""
        return self._disk.bytes

    async def forget(self, kept: Retention) -> None:
        """Remove what is older than it should be kept, a little at a time so that others get their turn."""
        now = int(self._disk.now())
        for days, forget in (
            (kept.bars_days, self.bars.forget),
            (kept.signals_days, self.signals.forget),
            (kept.trading_days, partial(forget_bygone, self._disk)),
        ):
            while days and await forget(now - days * _DAY_S):
                await asyncio.sleep(0)
        if kept.states_days:
            await self.conditions.forget(now - kept.states_days * _DAY_S)
            await self.happenings.forget(now - kept.states_days * _DAY_S)

    async def close(self) -> None:
        """Finish the commit under way and close the files."""
        await self._disk.close()
