"""The one seam where a client waits: until a socket is ready, until time has passed, or until it is woken."""

from __future__ import annotations

import math
import select

from live_trader.errors import Interrupted


class Waits:
    """Waits that a readable `wake` descriptor breaks off, where breaking off is allowed."""

    def __init__(self, wake: int | None = None) -> None:
        self._wake = wake

    def ready(
        self, descriptor: int, seconds: float, *, writing: bool = False, breakable: bool = False
    ) -> bool:
        """Whether this descriptor got ready in time; Interrupted when woken first."""
        wake = self._wake if breakable else None
        found = _ready(descriptor, wake, max(0.0, seconds), writing)
        if wake is not None and wake in found:
            raise Interrupted("a wait was broken off")
        return descriptor in found

    def rest(self, seconds: float) -> None:
        """Let time pass; Interrupted when woken."""
        self.ready(-1, seconds, breakable=True)


if hasattr(select, "poll"):

    def _ready(descriptor: int, wake: int | None, seconds: float, writing: bool) -> set[int]:
        poll = select.poll()
        if descriptor >= 0:
            poll.register(descriptor, select.POLLOUT if writing else select.POLLIN)
        if wake is not None:
            poll.register(wake, select.POLLIN)
        return {found for found, _ in poll.poll(math.ceil(seconds * 1000))}

else:  # Windows, where both descriptors must be sockets

    def _ready(descriptor: int, wake: int | None, seconds: float, writing: bool) -> set[int]:
        own = [descriptor] if descriptor >= 0 else []
        reads = ([] if writing else own) + ([] if wake is None else [wake])
        writes = own if writing else []
        readable, writable, failed = select.select(reads, writes, writes, seconds)
        return {*readable, *writable, *failed}
