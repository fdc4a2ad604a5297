"""What a request that gets a no leaves: an answer with its id, a number, and a line while they are few."""

from __future__ import annotations

import logging
from collections.abc import Awaitable
from typing import Final

from live_trader.edge.server.calls import Answer, Call, Gone
from live_trader.edge.server.parts import Parts
from live_trader.edge.server.problems import Problem
from live_trader.errors import BadData

log = logging.getLogger(__name__)

_PROBLEM: Final = b"application/problem+json"
_WORTH_A_LINE: Final = frozenset((401, 403, 409, 500, 503))
_LINES: Final = 60  # a minute and address, so that a flood cannot wash away what the log holds of others
_MOST_ADDRESSES: Final = 10_000


class Failures:
    """How often each address did what it should not in this minute."""

    def __init__(
        self, most: int, said: str = "slowing down an address that fails too often", of: str = "address"
    ) -> None:
        self._most = most
        self._said = said
        self._of = of
        self._minute = 0.0
        self._held: dict[str, int] = {}

    def add(self, address: str, now: float) -> bool:
        """Note one more, and say whether it is too many."""
        if now - self._minute >= 60.0 or len(self._held) > _MOST_ADDRESSES:
            self._minute = now
            self._held.clear()
        count = self._held[address] = self._held.get(address, 0) + 1
        if count == self._most + 1:
            log.warning(self._said, extra={self._of: address})
        return count > self._most


class Refusals:
    """The one way in which a part of the server says no, and owns up to its mistakes."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._lines = Failures(_LINES, "telling no more refusals of an address in this minute")

    async def answered(self, call: Call, work: Awaitable[Answer]) -> Answer:
        """What the work answers, or the problem that it met."""
        try:
            return await work
        except Gone:
            raise
        except Problem as problem:
            return self._refused(call, problem)
        except BadData as fault:
            return self._refused(call, Problem("invalid", str(fault)))
        except Exception:  # the one place where the server meets its own mistakes: told in full, answered
            log.exception("a request failed", extra={"request_id": call.id, "path": call.scope["path"]})
            return self._refused(
                call, Problem("failed", "the server made a mistake; its log has the request id")
            )

    def _refused(self, call: Call, problem: Problem) -> Answer:
        self._parts.metrics.count("trader_problems_total", problem.code)
        worth = problem.status in _WORTH_A_LINE
        if worth and self._lines.add(call.address, self._parts.clock.monotonic()):
            worth = False
        log.log(
            logging.WARNING if worth else logging.DEBUG,
            "refused a request",
            extra={
                "request_id": call.id,
                "code": problem.code,
                "cause": problem.what,
                "path": call.scope["path"],
                "holder": call.holder.name if call.holder else "",
                "address": call.address,
            },
        )
        return Answer(problem.body(call.id), problem.status, _PROBLEM, problem.headers)
