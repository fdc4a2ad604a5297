"""The way in: every request gets an id here, is let through or refused, counted, and answered."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Iterable
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from live_trader.edge.server.calls import Answer, Call, Gone, Operation
from live_trader.edge.server.options import is_loopback
from live_trader.edge.server.parts import Parts
from live_trader.edge.server.problems import Problem
from live_trader.edge.server.refusals import Failures, Refusals
from live_trader.edge.server.requests import request_id
from live_trader.edge.server.tokens import Entry
from live_trader.edge.server.tokens import Scope as Right
from live_trader.errors import BadData

_PAGES: Final = ("/dashboard", "/docs", "/openapi.json")
_NOWHERE: Final = "elsewhere"  # one label for every path that does not exist: a stranger makes no metrics
_PACE_S: Final = 0.5
_MOST_PACED: Final = 256
_FAILED_ATTEMPT: Final = frozenset((401, 403))
_IMPOSSIBLE: Final = 422
_NONSENSE: Final = 10  # times as often may a caller without a token ask for what there is not, or cannot be


class Gate:
    """Gives each request to its operation, and everything that is none to the pages."""

    def __init__(self, parts: Parts, operations: Iterable[Operation], pages: ASGIApp) -> None:
        self._parts = parts
        self._pages = pages
        self._paths: dict[str, dict[str, Operation]] = {}
        for operation in operations:
            self._paths.setdefault(operation.path, {})[operation.method] = operation
        most = parts.settings.limits.failures_per_minute
        self._attempts, self._nonsense = Failures(most), Failures(_NONSENSE * most)
        self._paced = 0
        self._refusals = Refusals(parts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        methods = self._paths.get(path)
        if methods is None and (path == "/" or path.startswith(_PAGES)):
            await self._pages(scope, receive, send)
            return
        began = time.perf_counter()
        call = Call(scope, receive, request_id(), self._parts.settings.limits.body_bytes)
        operation = methods.get(scope["method"]) if methods else None
        try:
            answer = await self._refusals.answered(call, self._answer(call, operation, methods or ()))
            await send_answer(send, call, answer)
        except Gone:
            return
        finally:
            call.close()
        route = path if methods else _NOWHERE
        self._parts.metrics.count("trader_requests_total", route, str(answer.status))
        self._parts.metrics.observe(
            "trader_request_seconds", time.perf_counter() - began - call.waited, route
        )

    async def _answer(self, call: Call, operation: Operation | None, methods: Collection[str]) -> Answer:
        try:
            if not methods:
                raise Problem("not_found", "there is nothing here")
            if operation is None:
                allowed = ", ".join(methods).encode()
                raise Problem("wrong_method", "this path knows other methods", headers=[(b"allow", allowed)])
            _let_through(call, operation, self._parts.guard.holder)
            return await operation.run(self._parts, call)
        except (Problem, BadData) as fault:
            status = fault.status if isinstance(fault, Problem) else _IMPOSSIBLE
            if status in _FAILED_ATTEMPT:
                await self._pace(call, self._attempts)
            elif call.holder is None and status < 500:
                await self._pace(call, self._nonsense)
            raise

    async def _pace(self, call: Call, failures: Failures) -> None:
        """Make whoever fails too often wait for the answer, so that failing costs them more than us."""
        if not failures.add(call.address, self._parts.clock.monotonic()):
            return
        if self._paced < _MOST_PACED:
            self._paced += 1
            try:
                await asyncio.sleep(_PACE_S)
            finally:
                self._paced -= 1
        raise Problem("too_many_failures", "too many failed attempts", headers=[(b"retry-after", b"60")])


def _let_through(call: Call, operation: Operation, holder: Callable[[str], Entry | None]) -> None:
    """Find out who calls and whether they may."""
    if operation.right is None:
        return
    scheme, _, token = call.header(b"authorization").partition(" ")
    if scheme.lower() == "bearer":
        call.holder = holder(token.strip())
        if call.holder is None:
            raise _unauthorised("nobody has this token")
    elif scheme:
        raise _unauthorised("only bearer tokens are known here")
    if call.holder is None:
        if operation.local and is_of_this_machine(call):
            return
        raise _unauthorised("this needs a token")
    if not call.holder.scope.covers(operation.right):
        raise Problem("forbidden", f"this needs the scope {operation.right.value}")


def own(holder: Entry | None, bot: str) -> bool:
    """Whether whoever holds this token may speak as this bot."""
    return holder is not None and (holder.scope is Right.ADMIN or holder.bot == bot)


def is_of_this_machine(call: Call) -> bool:
    """Whether a program of this machine asks, and for this machine: not a page whose name was led here."""
    host = call.header(b"host").rpartition("]")[0].lstrip("[") or call.header(b"host").partition(":")[0]
    return is_loopback(call.address) and (host == "localhost" or is_loopback(host))


def _unauthorised(why: str) -> Problem:
    return Problem("unauthorised", why, headers=[(b"www-authenticate", b"Bearer")])


async def send_answer(send: Send, call: Call, answer: Answer) -> None:
    """Send an answer whole, or piece by piece."""
    headers = [(b"content-type", answer.kind), (b"x-request-id", call.id.encode()), *answer.headers]
    if answer.pieces is None:
        headers.append((b"content-length", str(len(answer.body)).encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    if answer.pieces is not None:
        async for piece in answer.pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": answer.body})
