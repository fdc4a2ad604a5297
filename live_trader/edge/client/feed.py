"""The server as a feed sees it: somewhere to store bars."""

from __future__ import annotations

from collections.abc import Sequence

from live_trader.core.bars import Bar, Ticker
from live_trader.edge.client.transport import Ask
from live_trader.edge.client.verdict import content, understood
from live_trader.edge.clock import Clock
from live_trader.edge.wire import v1

_BATCH = 5000


class Feed:
    """Stores closed bars on a v1 server."""

    def __init__(self, ask: Ask, name: str, clock: Clock) -> None:
        self._ask = ask
        self._name = name
        self._clock = clock

    def store(self, ticker: Ticker, bars: Sequence[Bar]) -> None:
        """Have these bars stored; what is known already changes nothing."""
        for start in range(0, len(bars), _BATCH):
            body = v1.spell_bars(ticker, bars[start : start + _BATCH])
            content(self._ask("POST", "v1/bars", body), "v1/bars", self._clock)

    def newest(self, ticker: Ticker) -> Bar | None:
        """The newest bar the server has of this ticker."""
        answer = self._ask("GET", v1.bars_query(ticker, self._name, limit=1))
        batch = understood(v1.bars, content(answer, "v1/bars", self._clock), "v1/bars")
        return batch.bars[-1] if batch.bars else None
