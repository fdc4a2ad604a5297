"""The server as somebody who only looks: its signals, bars and bots."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import quote

from msgspec.json import Decoder

from live_trader.core.bars import Bar, Ticker
from live_trader.core.signals import Signal
from live_trader.edge.client.connect import transport_of
from live_trader.edge.client.transport import Ask
from live_trader.edge.client.verdict import content, understood
from live_trader.edge.client.waits import Waits
from live_trader.edge.clock import Clock
from live_trader.edge.settings import Settings
from live_trader.edge.wire import decode, owner, v1
from live_trader.errors import Refused

MOST = 10_000
_DOUBLINGS = 12  # from one window of bars to centuries of them: every gap ends before
_SIGNALS: Final = Decoder(v1.SignalsText)


class Reader:
    """Reads what a v1 server keeps."""

    def __init__(self, ask: Ask, clock: Clock) -> None:
        self._ask = ask
        self._clock = clock

    def signals(self, ticker: Ticker, bot: str, *, shadow: bool = False, count: int = MOST) -> list[Signal]:
        """The newest stored signals of a bot, or its challenger's, oldest first."""
        about = f"symbol={quote(ticker.symbol, safe='')}&timeframe={ticker.timeframe.name}"
        query = f"v1/signals?{about}&id={quote(bot, safe='')}&shadow={str(shadow).lower()}&limit={count}"
        answer = content(self._ask("GET", query), "v1/signals", self._clock)
        return [each for each in understood(v1.stored, answer, "v1/signals") if each.shadow is shadow]

    def bots(self) -> tuple[owner.BotText, ...]:
        """What the server knows of its bots."""
        answer = content(self._ask("GET", "v1/bots"), "v1/bots", self._clock)
        return understood(owner.bots, answer, "v1/bots")

    def numbered(self, seq: int) -> v1.SignalText:
        """The stored signal of this number, be it traded or a challenger's."""
        for shadow in ("false", "true"):
            query = f"v1/signals?after={seq - 1}&limit=1&shadow={shadow}"
            answer = content(self._ask("GET", query), "v1/signals", self._clock)
            for each in understood(lambda body: decode(body, _SIGNALS), answer, "v1/signals").signals:
                if each.seq == seq:
                    return each
        raise Refused(f"there is no signal number {seq}", "GET /v1/signals lists them, each with its seq")

    def bars(self, ticker: Ticker, upto: datetime, count: int) -> list[Bar]:
        """The `count` bars that end with the one that opened then; fewer when fewer are stored."""
        found: list[Bar] = []
        for doubling in range(_DOUBLINGS):
            reach = timedelta(seconds=count * ticker.timeframe.seconds) * 2**doubling
            found = self._between(ticker, upto - reach, upto)
            if len(found) >= count:
                break
        return found[-count:]

    def _between(self, ticker: Ticker, after: datetime, upto: datetime) -> list[Bar]:
        found: list[Bar] = []
        while True:
            query = v1.bars_query(ticker, "", limit=MOST, after=found[-1].opened if found else after)
            answer = content(self._ask("GET", query), "v1/bars", self._clock)
            part = understood(v1.bars, answer, "v1/bars").bars
            found += [each for each in part if each.opened <= upto]
            if len(part) < MOST or part[-1].opened >= upto:
                return found


@contextmanager
def connect_reader(settings: Settings, *, clock: Clock | None = None) -> Iterator[Reader]:
    """The server of these settings, which must be a v1 server, as somewhere to read."""
    clock = clock or Clock()
    ask = transport_of(settings, "read", Waits(), clock)
    try:
        yield Reader(ask, clock)
    finally:
        ask.close()
