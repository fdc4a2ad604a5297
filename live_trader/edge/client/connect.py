"""Reaches a server by the settings, and learns which protocol it speaks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Literal

from live_trader.core.bars import Bar, Ticker
from live_trader.core.portfolio import Portfolio
from live_trader.core.signals import Signal
from live_trader.edge.client.admin import ClassicAdmin, V1Admin
from live_trader.edge.client.classic import Classic
from live_trader.edge.client.feed import Feed
from live_trader.edge.client.server import News, Server
from live_trader.edge.client.stream import Stream
from live_trader.edge.client.token import token
from live_trader.edge.client.transport import Ask, Transport
from live_trader.edge.client.v1 import V1
from live_trader.edge.client.verdict import content
from live_trader.edge.client.waits import Waits
from live_trader.edge.clock import Clock
from live_trader.edge.settings import Address, Settings
from live_trader.edge.wire import is_object
from live_trader.errors import BadSettings

Spoken = Literal["classic", "v1"]
_GATEWAY_TROUBLE = frozenset((408, 425, 429, 502, 503, 504))


@contextmanager
def connect(settings: Settings, *, wake: int | None = None, clock: Clock | None = None) -> Iterator[Server]:
    """The server of these settings as the farm's bot; nothing is asked of it before the first call.

    A readable `wake` descriptor ends a wait for news at once, with Interrupted.
    """
    clock = clock or Clock()
    waits = Waits(wake)
    bot = settings.farm.id
    ask = transport_of(settings, f"bot-{bot}", waits, clock)

    def speaker(protocol: Spoken) -> Server:
        if protocol == "v1":
            return V1(ask, bot, clock)
        return Classic(ask, bot, clock, waits.rest, settings.classic, settings.server.timeout_s)

    protocol = _told(settings)
    server = speaker(protocol) if protocol else _Either(lambda: speaker(spoken(ask, clock)))
    try:
        yield server
    finally:
        ask.close()


@contextmanager
def connect_feed(
    settings: Settings, *, wake: int | None = None, clock: Clock | None = None
) -> Iterator[Feed]:
    """The server of these settings, which must be a v1 server, as somewhere to store bars."""
    clock = clock or Clock()
    ask = transport_of(settings, "feed", Waits(wake), clock)
    try:
        yield Feed(ask, "feed", clock)
    finally:
        ask.close()


@contextmanager
def connect_admin(settings: Settings, *, clock: Clock | None = None) -> Iterator[ClassicAdmin | V1Admin]:
    """The server of these settings as its owner; which kind it is, is asked at once."""
    clock = clock or Clock()
    ask = transport_of(settings, "admin", Waits(), clock)
    try:
        protocol = _told(settings) or spoken(ask, clock)
        yield V1Admin(ask, clock) if protocol == "v1" else ClassicAdmin(ask, clock)
    finally:
        ask.close()


def spoken(ask: Ask, clock: Clock) -> Spoken:
    """Which protocol the server speaks: v1 when its health is told as a JSON object, else classic."""
    answer = ask("GET", "v1/health/live")
    if answer.status in _GATEWAY_TROUBLE:
        content(answer, "v1/health/live", clock)
    return "v1" if answer.status == 200 and is_object(answer.body) else "classic"


def where(settings: Settings) -> Address:
    """The address of the server: the one set or, with none, that of the embedded one on this machine."""
    if settings.server.address:
        return Address.parse(settings.server.address)
    embedded = settings.server.embedded
    if embedded.port == 0:
        raise BadSettings("server.embedded.port is 0, which nobody can find", "Name a free port")
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(embedded.host, embedded.host)  # noqa: S104 - read, not bound
    return Address(bool(embedded.tls_cert), host, embedded.port, "/")


class _Either:
    """A server whose protocol is found out on the first call that gets an answer."""

    def __init__(self, find: Callable[[], Server]) -> None:
        self._find = find
        self._found: Server | None = None

    @property
    def protocol(self) -> str:
        return self._server.protocol

    def portfolio(self) -> Portfolio:
        return self._server.portfolio()

    def history(self, ticker: Ticker, count: int) -> list[Bar]:
        return self._server.history(ticker, count)

    def after(self, ticker: Ticker, opened: datetime, limit: int) -> list[Bar]:
        return self._server.after(ticker, opened, limit)

    def next(self, ticker: Ticker, after: datetime, wait: float) -> News:
        return self._server.next(ticker, after, wait)

    def revision(self, ticker: Ticker) -> int | None:
        return self._server.revision(ticker)

    def signals(self, ticker: Ticker, count: int) -> list[Signal]:
        return self._server.signals(ticker, count)

    def send(self, signals: Sequence[Signal]) -> None:
        self._server.send(signals)

    @property
    def _server(self) -> Server:
        if self._found is None:
            self._found = self._find()
        return self._found


def _told(settings: Settings) -> Spoken | None:
    if settings.server.protocol != "auto":
        return settings.server.protocol
    return None if settings.server.address else "v1"


def transport_of(settings: Settings, role: str, waits: Waits, clock: Clock) -> Transport:
    """The way to the server of these settings, with the token of this role."""
    return Transport(where(settings), waits=waits, clock=clock, **_way(settings, role))


def stream_of(settings: Settings, role: str, waits: Waits, clock: Clock) -> Stream:
    """The stream of the server of these settings, with the token of this role."""
    return Stream(where(settings), waits=waits, clock=clock, **_way(settings, role))


def _way(settings: Settings, role: str) -> dict[str, Any]:
    own_certificate = "" if settings.server.address else settings.server.embedded.tls_cert
    return {
        "timeout": settings.server.timeout_s,
        "token": lambda: token(settings, role),
        "ca_file": settings.server.ca_file or own_certificate,
        "pinned": bool(own_certificate) and not settings.server.ca_file,
    }
