"""The server as a process: it binds, serves, sweeps, and stops when it is told."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import importlib.util
import logging
import socket
import ssl
import sys
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import uvicorn

from live_trader.edge.clock import Clock
from live_trader.edge.server.connection import Connection
from live_trader.edge.server.dashboard import Dashboard
from live_trader.edge.server.gate import Gate
from live_trader.edge.server.hearing import hear
from live_trader.edge.server.listening import listening
from live_trader.edge.server.openapi import describe
from live_trader.edge.server.operations import operations
from live_trader.edge.server.options import ServerSettings
from live_trader.edge.server.pages import pages
from live_trader.edge.server.parts import Parts
from live_trader.edge.server.refusals import Failures
from live_trader.edge.server.tokens import SHORTEST, Registry
from live_trader.errors import BadSettings, TraderError

if TYPE_CHECKING:
    from live_trader.core.drift import Tolerance
    from live_trader.edge.shelf import Shelf

log = logging.getLogger(__name__)

_SWEEP_S: Final = 1.0
_FORGET_S: Final = 3600.0
_COLLECT_S: Final = 60.0
_BACKLOG: Final = 2048
_SWITCH_S: Final = 0.0005
"""The thread that commits waits no longer than this for the interpreter, however many requests there are:
under a flood, the usual 5 ms in each commit were more than the commit itself."""
_HEADERS: Final = [
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("cache-control", "no-store"),
    ("cross-origin-resource-policy", "same-origin"),
]
_STRICT_TRANSPORT: Final = ("strict-transport-security", "max-age=31536000")


def app(parts: Parts, folder: Path, shelf: Shelf | None, tolerance: Tolerance | None = None) -> Gate:
    """The ASGI application over these parts; the dashboard shows the bundles of the shelf."""
    known = operations(with_classic=parts.settings.classic != "off")
    return Gate(parts, known, Dashboard(parts, folder, shelf, tolerance, pages(describe(known))))


class Server(uvicorn.Server):
    """One server over one folder; `run` serves until `should_exit` or a signal."""

    def __init__(
        self,
        settings: ServerSettings,
        folder: Path,
        clock: Clock,
        on_ready: Callable[[int], None],
        shelf: Shelf | None = None,
        tolerance: Tolerance | None = None,
    ) -> None:
        sys.setswitchinterval(_SWITCH_S)
        tls = _tls(settings)
        self._socket = bound(settings, Registry(folder, clock))
        try:
            self.parts = Parts.of(settings, folder, clock)
            super().__init__(_configured(self.parts, app(self.parts, folder, shelf, tolerance), tls))
        except BaseException:
            self._socket.close()
            raise
        self._on_ready = on_ready
        self._chores: list[asyncio.Task[None]] = []
        self._broken: BaseException | None = None
        self.parts.metrics.gauge("trader_connections", lambda: [((), len(self.server_state.connections))])

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._socket.getsockname()[1])

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until told to stop; what was acknowledged is then on the disk."""
        super().run(sockets or [self._socket])
        if self._broken is not None:
            raise TraderError("the server stopped because a chore of it failed") from self._broken

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._chores = [
            asyncio.create_task(self._again(_SWEEP_S, self._sweep)),
            asyncio.create_task(self._again(_FORGET_S, self._forget)),
            asyncio.create_task(self._again(_COLLECT_S, self._collect)),
        ]
        log.info("serving", extra={"address": f"{self.config.host}:{self.port}"})
        self._on_ready(self.port)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for chore in self._chores:
            chore.cancel()
        self.parts.hub.close()
        await super().shutdown(sockets)
        await self.parts.store.close()
        log.info("stopped")

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take TERM and INT as the wish to stop, and having stopped as done."""
        with super().capture_signals():
            yield
            self._captured_signals.clear()

    async def _again(self, seconds: float, chore: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Do a chore over and over; one that fails stops the server, whose parent then begins anew."""
        try:
            while True:
                await chore()
                await asyncio.sleep(seconds)
        except asyncio.CancelledError:
            raise
        except BaseException as fault:
            self._broken = fault
            self.should_exit = True
            raise

    async def _sweep(self) -> None:
        await hear(self.parts)
        now = asyncio.get_running_loop().time()
        for connection in list(self.server_state.connections):
            if isinstance(connection, Connection) and connection.overdue(now):
                connection.refuse("too slow")
        for change in await self.parts.presence.sweep():
            self.parts.metrics.count("trader_bot_changes_total", change.state)
            level = logging.INFO if change.state == "FRESH" else logging.WARNING
            log.log(level, f"a bot is {change.state}", extra={"bot": change.bot, "ticker": change.ticker})

    async def _collect(self) -> None:
        """Let go of all that refers only to itself, at a time of our own."""
        gc.collect()

    async def _forget(self) -> None:
        await self.parts.store.forget(self.parts.settings.retention)


def bound(settings: ServerSettings, registry: Registry) -> socket.socket:
    """A socket on the address of the settings, if it may be served there."""
    short = [entry.name for entry in registry.listed() if entry.length < SHORTEST]
    if short and not settings.is_local:
        raise BadSettings(
            f"{settings.host} can be reached from elsewhere, and the token {short[0]} is too short for that",
            f"Rotate it: instant-trader tokens rotate {short[0]}",
        )
    found = listening(settings)
    if not (settings.is_local or settings.tls_cert):
        log.warning("tokens travel in the clear: set server.embedded.tls_cert and tls_key")
    return found


def _configured(parts: Parts, served: Gate, tls: ssl.SSLContext | None) -> uvicorn.Config:
    settings = parts.settings
    _open_many_files()
    told = Failures(0, "ends connections at once, told once a minute", of="cause")
    shared = {"limits": settings.limits, "metrics": parts.metrics, "lines": told}
    kind = type("Connection", (Connection,), shared)
    with_uvloop = importlib.util.find_spec("uvloop") is not None
    return uvicorn.Config(
        cast(Any, served),
        host=settings.host,
        port=settings.port,
        http=cast(type[asyncio.Protocol], kind),
        ws="none",
        loop="uvloop" if with_uvloop else "asyncio",
        lifespan="off",
        log_config=None,
        log_level=logging.ERROR,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        backlog=_BACKLOG,
        timeout_keep_alive=int(settings.limits.idle_s),
        timeout_graceful_shutdown=int(settings.drain_s),
        headers=[*_HEADERS, _STRICT_TRANSPORT] if settings.tls_cert else _HEADERS,
        ssl_context_factory=(lambda _config, _default: tls) if tls is not None else None,
    )


def _tls(settings: ServerSettings) -> ssl.SSLContext | None:
    if not (settings.tls_cert or settings.tls_key):
        return None
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(settings.tls_cert, settings.tls_key or None)
    except (OSError, ssl.SSLError) as fault:
        raise BadSettings(
            f"the certificate {settings.tls_cert!r} cannot be used: {fault}",
            "Set server.embedded.tls_cert and server.embedded.tls_key to PEM files that belong together",
        ) from None
    return context


def _open_many_files() -> None:
    """Let this process have as many connections as the system allows it."""
    if sys.platform != "win32":
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
