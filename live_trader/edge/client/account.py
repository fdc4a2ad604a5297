"""The server as the desk sees it: where its account is kept for others to read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from live_trader.edge.client.connect import stream_of, transport_of
from live_trader.edge.client.stream import Stream
from live_trader.edge.client.transport import Ask
from live_trader.edge.client.v1 import V1
from live_trader.edge.client.verdict import content, understood
from live_trader.edge.client.waits import Waits
from live_trader.edge.clock import Clock
from live_trader.edge.settings import Settings
from live_trader.edge.wire import decode, encode
from live_trader.edge.wire.trading import HOLDINGS, LedgerText

_POSITIONS = "v1/positions"
_TRADING = "v1/trading"


class Account:
    """Keeps orders, fills, trades, positions and equity on a v1 server."""

    def __init__(self, ask: Ask, clock: Clock) -> None:
        self._ask = ask
        self._clock = clock

    def upto(self) -> int | None:
        """The last record of the desk's journal that the server knows; None when it knows of no desk."""
        answer = self._ask("GET", _POSITIONS)
        if answer.status == 404:
            return None
        body = content(answer, _POSITIONS, self._clock)
        return understood(lambda text: decode(text, HOLDINGS), body, _POSITIONS).upto

    def post(self, text: LedgerText) -> None:
        """Have this kept."""
        content(self._ask("POST", _TRADING, encode(text)), _TRADING, self._clock)


@contextmanager
def connect_desk(
    settings: Settings, *, wake: int | None = None, clock: Clock | None = None
) -> Iterator[tuple[V1, Stream, Account]]:
    """The v1 server of these settings as the desk sees it: facts, stream, account."""
    clock = clock or Clock()
    waits = Waits(wake)
    ask = transport_of(settings, "desk", waits, clock)
    stream = stream_of(settings, "desk", waits, clock)
    try:
        yield V1(ask, settings.farm.id, clock), stream, Account(ask, clock)
    finally:
        stream.close()
        ask.close()
