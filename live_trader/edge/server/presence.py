"""Which bots are FRESH, STALE or ABSENT: judged by what they owe and by when they were last heard of."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from live_trader.core.bars import Ticker, moment
from live_trader.edge.clock import Clock
from live_trader.edge.server.bodies import BotBody, Condition, whole
from live_trader.edge.server.store import Store
from live_trader.edge.server.store.bars import BEFORE_ALL
from live_trader.edge.server.store.conditions import Change
from live_trader.edge.server.store.signals import Last

Key = tuple[str, Ticker]

POLL_S: Final = 60.0
"""The longest a v1 bot may wait in one poll, so the longest it is silent while it lives."""

_FORGOTTEN_S: Final = 86400.0


@dataclass(slots=True)
class _Trace:
    """When a bot was last heard of, how many of its polls wait now, and which portfolio it was told.

    It follows what it was told once it asks for bars again: one that cannot serve a portfolio never does.
    """

    heard: float
    quiet: float
    polls: int = 0
    told: int | None = None
    follows: int | None = None


def judge(owes: float, silent: float) -> Condition:
    """The condition of a bot by two latenesses, each as a multiple of what is allowed.

    A bot owes from the moment a bar newer than its last signal was stored until it has answered it; one
    timeframe and a grace are allowed. It is silent from its last poll or signal on, never while a poll
    of its waits; allowed are a grace and the time until it should ask again: one timeframe, for a v1 bot
    one long poll at most. Within both, it is FRESH. Beyond both at once, or beyond twice either, it is
    ABSENT. Between, it is STALE. So a closed market makes nobody late, since no bar is owed and living
    bots go on asking; a bot that died in it falls silent and is found; and one that asks but does not
    answer is found by what it owes.
    """
    if owes <= 1 and silent <= 1:
        return "FRESH"
    if (owes > 1 and silent > 1) or max(owes, silent) > 2:
        return "ABSENT"
    return "STALE"


class Presence:
    """What the server has seen of every bot."""

    def __init__(self, store: Store, clock: Clock, grace: float) -> None:
        self._store = store
        self._clock = clock
        self._grace = grace
        self._began = self._now()
        self._traces: dict[Key, _Trace] = {}

    def heard(self, bot: str, ticker: Ticker, *, polls_until_close: bool = False) -> None:
        """Note that a bot asked or said something now."""
        trace = self._trace((bot, ticker))
        trace.heard = self._now()
        if polls_until_close:
            trace.follows = trace.told
            trace.quiet = ticker.timeframe.seconds + self._grace

    @contextmanager
    def polling(self, bot: str, ticker: Ticker) -> Iterator[None]:
        """While inside, a poll of this bot waits, so it is not silent."""
        trace = self._trace((bot, ticker))
        trace.polls += 1
        trace.follows = trace.told
        try:
            yield
        finally:
            trace.polls -= 1
            trace.heard = self._now()

    def told(self, bot: str, ticker: Ticker, version: int) -> None:
        """Note which portfolio a bot was told."""
        self._trace((bot, ticker)).told = version

    async def bots(self) -> list[BotBody]:
        """Every bot there is, in the order of id and ticker."""
        return [await self._body(key) for key in sorted(self._keys(), key=_order)]

    async def sweep(self) -> list[Change]:
        """Store which bots changed their condition since the last sweep, and forget who only ever asked."""
        conditions = self._store.conditions.last
        changes = []
        for key in self._keys():
            state, _, silent = await self._state(key)
            if silent > _FORGOTTEN_S and key not in self._store.signals.last:
                del self._traces[key]
            elif conditions.get(key) != state:
                changes.append(Change(*key, state))
        if changes:
            await self._store.conditions.add(changes)
        return changes

    async def _body(self, key: Key) -> BotBody:
        bot, ticker = key
        state, owes, silent = await self._state(key)
        last, trace = self._store.signals.last.get(key), self._traces.get(key)
        return BotBody(
            id=bot,
            symbol=ticker.symbol,
            timeframe=ticker.timeframe.name,
            state=state,
            last_bar=moment(last.time) if last else None,
            last_signal=whole(last.signal) if last else None,
            lag_s=round(last.received - last.time - ticker.timeframe.seconds, 3) if last else None,
            bundle=last.bundle if last else "",
            portfolio_version=trace.follows if trace else None,
            owes_s=round(owes, 3),
            silent_s=round(silent, 3),
        )

    async def _state(self, key: Key) -> tuple[Condition, float, float]:
        """The condition of a bot, for how long it owes, and for how long it has been silent."""
        _, ticker = key
        trace, now = self._traces.get(key), self._now()
        owes = await self._owes(ticker, self._store.signals.last.get(key), now)
        waits = trace is not None and trace.polls > 0
        silent = 0.0 if waits else max(0.0, now - (trace.heard if trace else self._began))
        quiet = trace.quiet if trace else self._quiet(ticker)
        state = judge(owes / (ticker.timeframe.seconds + self._grace), silent / quiet)
        if trace is None and state == "FRESH":
            # It has not had the time to be heard since this server started: it is what it was before.
            state = self._store.conditions.last.get(key, state)
        return state, owes, silent

    def _keys(self) -> set[Key]:
        return self._store.signals.last.keys() | self._traces.keys()

    async def _owes(self, ticker: Ticker, last: Last | None, now: float) -> float:
        """For how long the first bar after this bot's last signal has been in the store."""
        if last is None or self._store.bars.newest.get(ticker, BEFORE_ALL) <= last.time:
            return 0.0
        since = await self._store.bars.received_after(ticker, last.time)
        return 0.0 if since is None else max(0.0, now - max(since, self._began))

    def _trace(self, key: Key) -> _Trace:
        trace = self._traces.get(key)
        if trace is None:
            trace = self._traces[key] = _Trace(self._now(), self._quiet(key[1]))
        return trace

    def _quiet(self, ticker: Ticker) -> float:
        return min(ticker.timeframe.seconds, POLL_S) + self._grace

    def _now(self) -> float:
        return self._clock.now().timestamp()


def _order(key: Key) -> tuple[str, str, int]:
    bot, ticker = key
    return bot, ticker.symbol, ticker.timeframe.seconds
