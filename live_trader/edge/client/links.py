"""Connections: a plain one and one under TLS, both without blocking, and how they come about."""

from __future__ import annotations

import errno
import os
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

from live_trader.edge.client.waits import Waits
from live_trader.edge.clock import Clock
from live_trader.edge.settings import Address
from live_trader.errors import BadSettings

if TYPE_CHECKING:
    import ssl

_CHUNK: Final = 16 << 10
"""What one read takes: more would be mapped and unmapped by the C library each time."""
_SHORTEST_TRY: Final = 0.05
_Done = TypeVar("_Done")
_Place = tuple[socket.AddressFamily, tuple[Any, ...]]
_UNDER_WAY: Final = frozenset((errno.EINPROGRESS, errno.EWOULDBLOCK))


class Patience:
    """The time one request may still take, and whether a stop request may end it sooner."""

    def __init__(self, waits: Waits, clock: Clock, seconds: float, *, breakable: bool) -> None:
        self._waits = waits
        self._clock = clock
        self._breakable = breakable
        self.seconds = seconds
        self._deadline = clock.monotonic() + seconds

    @property
    def left(self) -> float:
        return self._deadline - self._clock.monotonic()

    def ready(self, descriptor: int, *, writing: bool = False) -> None:
        """Wait for this descriptor, or raise TimeoutError at the deadline."""
        left = self.left
        if left <= 0 or not self._waits.ready(descriptor, left, writing=writing, breakable=self._breakable):
            raise TimeoutError

    def part(self, share: int) -> Patience:
        """One of so many equal parts of the time that is left."""
        seconds = max(_SHORTEST_TRY, self.left / share)
        return Patience(self._waits, self._clock, seconds, breakable=self._breakable)


class Link:
    """A connected plain socket."""

    def __init__(self, wire: socket.socket) -> None:
        self._wire = wire

    def send(self, data: bytes, patience: Patience) -> None:
        """Send all of it."""
        sent = 0
        while sent < len(data):
            rest = memoryview(data)[sent:]
            sent += self._when_ready(partial(self._wire.send, rest), patience, writing=True)

    def receive(self, patience: Patience) -> bytes:
        """Some bytes as soon as there are any; none at the end of the connection."""
        return self._when_ready(partial(self._wire.recv, _CHUNK), patience)

    def fileno(self) -> int:
        return self._wire.fileno()

    def close(self) -> None:
        with suppress(OSError):
            self._wire.close()

    def _when_ready(self, step: Callable[[], _Done], patience: Patience, *, writing: bool = False) -> _Done:
        while True:
            try:
                return step()
            except BlockingIOError:
                patience.ready(self._wire.fileno(), writing=writing)


class TlsLink(Link):
    """A connected socket under TLS, whose reads may have to wait for a write and the other way round."""

    def __init__(self, wire: ssl.SSLSocket, patience: Patience) -> None:
        super().__init__(wire)
        self._when_ready(wire.do_handshake, patience)

    def _when_ready(self, step: Callable[[], _Done], patience: Patience, *, writing: bool = False) -> _Done:
        import ssl

        while True:
            try:
                return step()
            except ssl.SSLWantReadError:
                patience.ready(self._wire.fileno())
            except ssl.SSLWantWriteError:
                patience.ready(self._wire.fileno(), writing=True)


def connect(address: Address, tls: ssl.SSLContext | None, patience: Patience) -> Link:
    """A connection to the first place that takes one."""
    places = _places(address, patience)
    fault: OSError = OSError("the name has no address")
    for index, (family, place) in enumerate(places):
        wire = socket.socket(family, socket.SOCK_STREAM)
        try:
            wire.setblocking(False)
            wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            part = patience.part(len(places) - index)
            _reach(wire, place, part)
            if tls is None:
                return Link(wire)
            under = tls.wrap_socket(wire, server_hostname=address.host, do_handshake_on_connect=False)
            return TlsLink(under, part)
        except OSError as each:
            wire.close()
            fault = each
        except BaseException:
            wire.close()
            raise
    raise fault


def tls_context(ca_file: str, *, pinned: bool = False) -> ssl.SSLContext:
    """How a server's certificate is checked: against this file or, with none, the system's.

    A pinned file is the very certificate of the server, whatever name it is reached by.
    """
    import ssl

    try:
        context = ssl.create_default_context(cafile=ca_file or None)
        if pinned:
            context.check_hostname = False
            context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        return context
    except OSError as fault:
        raise BadSettings(f"server.ca_file {ca_file!r} cannot be used: {fault}", "Name a PEM file") from None


def _reach(wire: socket.socket, place: tuple[Any, ...], patience: Patience) -> None:
    code = wire.connect_ex(place)
    if code in _UNDER_WAY:
        patience.ready(wire.fileno(), writing=True)
        code = wire.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if code:
        raise OSError(code, os.strerror(code))


def _places(address: Address, patience: Patience) -> list[_Place]:
    try:
        return _look_up(address, socket.AI_NUMERICHOST)
    except socket.gaierror:
        return _looked_up_aside(address, patience)


def _looked_up_aside(address: Address, patience: Patience) -> list[_Place]:
    """Look a name up in a thread, because the system's resolver knows no deadline."""
    bell, rope = socket.socketpair()
    found: list[_Place] = []
    faults: list[OSError] = []

    def look_up() -> None:
        try:
            found.extend(_look_up(address))
        except OSError as fault:
            faults.append(fault)
        finally:
            rope.close()

    with bell:
        threading.Thread(target=look_up, name="resolver", daemon=True).start()
        patience.ready(bell.fileno())
    if faults:
        raise faults[0]
    return found


def _look_up(address: Address, flags: int = 0) -> list[_Place]:
    found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM, flags=flags)
    return [(family, place) for family, _, _, _, place in found]
