"""Who waits for what: long polls and streams sleep here and wake the moment something is stored."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Hashable


class Hub:
    """Waiting requests by the topic they wait for."""

    def __init__(self) -> None:
        self._waiting: defaultdict[Hashable, set[asyncio.Future[None]]] = defaultdict(set)
        self.closing = False

    async def wait(self, topic: Hashable, seconds: float, gone: asyncio.Future[None]) -> None:
        """Sleep until the topic is woken, the time is over, the asker is gone or the server stops."""
        if self.closing or seconds <= 0 or gone.done():
            return
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        waiting = self._waiting[topic]
        waiting.add(future)
        timer = loop.call_later(seconds, _finish, future)

        def left(_: asyncio.Future[None]) -> None:
            _finish(future)

        gone.add_done_callback(left)
        try:
            await future
        finally:
            timer.cancel()
            gone.remove_done_callback(left)
            waiting.discard(future)
            if not waiting and self._waiting.get(topic) is waiting:
                del self._waiting[topic]

    def wake(self, topic: Hashable) -> None:
        """Let everyone go on who waits for this topic."""
        for future in self._waiting.pop(topic, ()):
            _finish(future)

    def wake_all(self) -> None:
        """Let everyone go on."""
        for topic in list(self._waiting):
            self.wake(topic)

    def close(self) -> None:
        """Let everyone go on, and nobody wait again."""
        self.closing = True
        self.wake_all()

    @property
    def waiting(self) -> int:
        """How many requests wait now."""
        return sum(map(len, self._waiting.values()))


def _finish(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
