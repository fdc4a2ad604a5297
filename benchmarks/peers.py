"""A crowd on keep-alive connections, as cheap to run as can be, so that the server is what is measured."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from typing import Any

import httptools


class Peer(asyncio.Protocol):
    """One connection that sends the next request as soon as the last one is answered."""

    def __init__(self, requests: Iterator[bytes], tally: Tally) -> None:
        self._requests = requests
        self._tally = tally
        self._parser = httptools.HttpResponseParser(self)

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self.again()

    def again(self) -> None:
        request = next(self._requests, None)
        if request is not None:
            self._sent = time.perf_counter()
            self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        self._tally.add(self._parser.get_status_code(), time.perf_counter() - self._sent)
        self._parser = httptools.HttpResponseParser(self)
        asyncio.get_running_loop().call_soon(self.again)


class Tally:
    """How many answers came, by status, how long each took, and when the last one came."""

    def __init__(self, wanted: int) -> None:
        self.wanted = wanted
        self.statuses: dict[int, int] = {}
        self.seconds: list[float] = []
        self.done: asyncio.Future[float] = asyncio.get_running_loop().create_future()

    def add(self, status: int, seconds: float) -> None:
        self.seconds.append(seconds)
        self.statuses[status] = self.statuses.get(status, 0) + 1
        if len(self.seconds) == self.wanted:
            self.done.set_result(time.perf_counter())


def request(method: str, target: str, token: str, body: bytes = b"") -> bytes:
    """A whole request."""
    head = (
        f"{method} {target} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {token}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def load(port: int, connections: int, requests: Sequence[bytes]) -> tuple[float, Tally]:
    """All requests over so many connections: seconds until the last answer, and the answers."""
    tally, queue = Tally(len(requests)), iter(requests)
    began = time.perf_counter()
    peers = [await connect(port, queue, tally) for _ in range(min(connections, len(requests)))]
    ended = await tally.done
    for transport in peers:
        transport.close()
    return ended - began, tally


async def connect(port: int, requests: Iterator[bytes], tally: Tally) -> Any:
    """One more connection that works on these requests."""
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_connection(lambda: Peer(requests, tally), "127.0.0.1", port)
    return transport


async def flood(port: int, rate: int, idle: int) -> None:
    """Hold idle connections, and open so many more each second, each for one request with a wrong token."""
    loop = asyncio.get_running_loop()
    quiet = [await loop.create_connection(asyncio.Protocol, "127.0.0.1", port) for _ in range(idle)]
    bad = request("POST", "/v1/signals", "guessed", b"{}")
    step = rate // 500
    while quiet:
        began = time.perf_counter()
        await asyncio.gather(*(_once(port, bad) for _ in range(step)), return_exceptions=True)
        await asyncio.sleep(max(0.0, 0.002 - (time.perf_counter() - began)))


async def _once(port: int, bad: bytes) -> None:
    transport, _ = await asyncio.get_running_loop().create_connection(asyncio.Protocol, "127.0.0.1", port)
    transport.write(bad)
    asyncio.get_running_loop().call_later(0.05, transport.abort)
