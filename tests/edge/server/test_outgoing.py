"""Head and body of an answer leave together, and nothing is held that nobody adds to."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

from live_trader.edge.server.outgoing import Outgoing
from tests.edge.server.house import House


class Way(asyncio.Transport):
    """Notes what it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[bytes] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.told.append(bytes(data))

    def close(self) -> None:
        self.told.append(b"closed")

    def is_closing(self) -> bool:
        return self.told[-1:] in ([b"closed"], [b"aborted"])

    def abort(self) -> None:
        self.told.append(b"aborted")


def told(steps: Callable[[Outgoing], None]) -> list[bytes]:
    """What reaches the connection when these steps are taken in one turn of the loop."""

    async def turn() -> list[bytes]:
        way = Way()
        steps(Outgoing(way, asyncio.get_running_loop()))
        await asyncio.sleep(0)
        return way.told

    return asyncio.run(turn())


def test_two_writes_are_one_and_what_stands_alone_goes_out_by_itself() -> None:
    def steps(out: Outgoing) -> None:
        for part in (b"head", b"body", b"", b"more", b"", b"alone"):
            out.write(part)

    assert told(steps) == [b"headbody", b"more", b"alone"]


def test_what_is_held_goes_out_before_the_end_and_is_dropped_by_an_abort() -> None:
    def closed(out: Outgoing) -> None:
        out.write(b"head")
        out.close()

    def aborted(out: Outgoing) -> None:
        out.write(b"head")
        out.abort()
        out.write(b"what nobody hears")

    assert told(closed) == [b"head", b"closed"]
    assert told(aborted) == [b"aborted"]


def test_a_head_without_a_body_is_answered_too(house: House) -> None:
    with socket.create_connection(("127.0.0.1", house.port), timeout=5) as wire:
        wire.sendall(b"HEAD /v1/health/live HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
        answer = b"".join(iter(lambda: wire.recv(4096), b""))
    assert answer.startswith(b"HTTP/1.1 ")
    assert answer.endswith(b"\r\n\r\n")
