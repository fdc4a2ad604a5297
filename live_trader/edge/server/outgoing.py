"""What goes out on one connection: the head of an answer and its body in one piece."""

from __future__ import annotations

import asyncio
from typing import Any


class Outgoing(asyncio.Transport):
    """Holds what is written first until the next write, or until the loop has gone round once.

    An answer is written head first, then body. Sent apart, they cost two calls of the system, two packets,
    and often whoever waits for them two awakenings.
    """

    def __init__(self, way: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._way = way
        self._loop = loop
        self._held: bytes | bytearray | memoryview = b""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self._held:
            self._held = b"".join((self._held, data))
            self._let_go()
        elif data:
            self._held = data
            self._loop.call_soon(self._let_go)

    def close(self) -> None:
        self._let_go()
        self._way.close()

    def abort(self) -> None:
        self._held = b""
        self._way.abort()

    def is_closing(self) -> bool:
        return self._way.is_closing()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._way.get_extra_info(name, default)

    def pause_reading(self) -> None:
        self._way.pause_reading()

    def resume_reading(self) -> None:
        self._way.resume_reading()

    def _let_go(self) -> None:
        held, self._held = self._held, b""
        if held and not self._way.is_closing():
            self._way.write(held)
