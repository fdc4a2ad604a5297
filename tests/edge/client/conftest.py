"""Servers to talk to: a well-behaved classic one, and one that does what each test wants it to do."""

from __future__ import annotations

import importlib.util
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import ModuleType

import pytest

from live_trader.edge.client.transport import Transport
from live_trader.edge.client.waits import Waits
from live_trader.edge.clock import Clock
from live_trader.edge.settings import Address, Secret


def _room(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec
    assert spec.loader
    room = sys.modules[path.stem] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(room)
    return room


classic_server = _room(Path(__file__).parent.parent / "classic_server.py")

Behaviour = Callable[[socket.socket, int], None]


class Hostile:
    """A server that hands each connection to one function, with the number of the connection."""

    def __init__(self, behaviour: Behaviour) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self._behaviour = behaviour
        self.connections = 0
        self.address = f"http://127.0.0.1:{self._listener.getsockname()[1]}/"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Stop accepting; the shutdown wakes the thread that waits in accept."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                wire, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(wire, self.connections), daemon=True).start()

    def _serve(self, wire: socket.socket, number: int) -> None:
        try:
            self._behaviour(wire, number)
        except OSError:
            pass
        finally:
            wire.close()


@pytest.fixture
def hostile() -> Iterator[Callable[[Behaviour], Hostile]]:
    """Starts servers that misbehave."""
    started: list[Hostile] = []

    def start(behaviour: Behaviour) -> Hostile:
        started.append(Hostile(behaviour))
        return started[-1]

    yield start
    for each in started:
        each.close()


@pytest.fixture
def classic() -> Iterator[object]:
    """A classic server without bars."""
    with classic_server.ClassicServer() as server:
        yield server


@pytest.fixture
def transport() -> Iterator[Callable[..., Transport]]:
    """Makes transports to an address and closes them in the end."""
    made: list[Transport] = []

    def make(address: str, timeout: float = 2.0, wake: int | None = None, token: str = "") -> Transport:
        made.append(
            Transport(
                Address.parse(address),
                timeout=timeout,
                waits=Waits(wake),
                clock=Clock(),
                token=lambda: Secret(token),
            )
        )
        return made[-1]

    yield make
    for each in made:
        each.close()
