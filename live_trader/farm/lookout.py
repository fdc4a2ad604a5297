"""Watches for what no child of the farm can say of itself: absent bots, the trading state, the hour."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, time, timedelta

from live_trader.core.portfolio import TradingState
from live_trader.edge.client import connect
from live_trader.edge.client.reader import connect_reader
from live_trader.edge.clock import Clock
from live_trader.edge.settings import Settings
from live_trader.edge.wire.owner import BotText
from live_trader.errors import Interrupted, TraderError
from live_trader.farm.process import Stop
from live_trader.farm.view import Row, tally

_log = logging.getLogger(__name__)
_LOOK = 5.0
_PATIENCE = 60.0  # seconds a farm has to start, and a server to come back, before anybody is told

Tell = Callable[[str, str, str], None]


class Lookout:
    """Remembers what it saw, and tells what has changed since."""

    def __init__(self, tell: Tell, clock: Clock) -> None:
        self._tell = tell
        self._clock = clock
        self._answered = clock.monotonic()
        self._began = clock.monotonic()
        self._absent: frozenset[str] = frozenset()
        self._state: TradingState | None = None
        self._lost = False

    def saw(self, state: TradingState, bots: Iterable[BotText]) -> None:
        """The server has answered with this."""
        self._answered = self._clock.monotonic()
        if self._lost:
            self._lost = False
            self._tell("absent", "the server", "answers again")
        if self._state not in (None, state):
            self._tell("state", "trading", f"is {state.value} now")
        self._state = state
        if self._answered - self._began < _PATIENCE:
            return
        absent = frozenset(
            f"{each.symbol} {each.timeframe} of {each.id}" for each in bots if each.state == "ABSENT"
        )
        for name in sorted(absent - self._absent):
            self._tell("absent", name, "is ABSENT: it does not answer its bars")
        for name in sorted(self._absent - absent):
            self._tell("absent", name, "is back")
        self._absent = absent

    def missed(self, fault: TraderError) -> None:
        """The server has not answered."""
        if not self._lost and self._clock.monotonic() - self._answered > _PATIENCE:
            self._lost = True
            self._tell("absent", "the server", f"does not answer: {fault.what}")


def watch(settings: Settings, lookout: Lookout, stop: Stop, clock: Clock) -> None:
    """Look at the server every few seconds until the stop."""
    with connect(settings, clock=clock) as server, connect_reader(settings, clock=clock) as reader:
        while True:
            try:
                state = server.portfolio().state
                lookout.saw(state, reader.bots() if server.protocol == "v1" else ())
            except TraderError as fault:
                lookout.missed(fault)
            try:
                stop.rest(_LOOK)
            except Interrupted:
                return


def next_summary(at: str, now: datetime) -> datetime | None:
    """The next moment that is this time of day, UTC; None for no time."""
    if not at:
        return None
    due = datetime.combine(now.date(), time.fromisoformat(at), now.tzinfo)
    return due if due > now else due + timedelta(days=1)


def summary(rows: Sequence[Row]) -> str:
    """A day's few words: who is how, and what was answered since the workers began."""
    answered, faults = sum(each.answered for each in rows), sum(each.faults for each in rows)
    restarts = sum(each.restarts for each in rows)
    troubled = [each.name for each in rows if each.state not in ("RUNNING", "STARTING")]
    worst = f"; in trouble: {', '.join(troubled[:8])}" if troubled else ""
    return f"{tally(rows)}; {answered} bars answered, {restarts} restarts, {faults} faults{worst}"
