"""One connection to the server, with the limits that must hold before there is a request to refuse."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from live_trader.edge.server.metrics import Metrics
from live_trader.edge.server.options import Limits
from live_trader.edge.server.outgoing import Outgoing
from live_trader.edge.server.problems import Problem
from live_trader.edge.server.refusals import Failures
from live_trader.edge.server.requests import request_id

_MOST_AHEAD: Final = 16
"""So many requests may wait on a connection for the answer to the one before them."""

_MOST_UNREAD: Final = 8
"""A body that was refused is read on for so many times its limit, so that the refusal can be heard."""


class Connection(HttpToolsProtocol):
    """Refuses connections over the limit, heads without end and requests that never become whole."""

    limits: Limits
    metrics: Metrics
    lines: Failures

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._head = 0
        self._in_head = True
        self._unread = 0
        self.began: float | None = self.loop.time()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(Outgoing(transport, self.loop))
        if len(self.connections) > self.limits.connections:
            self.refuse("too many")

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of what refers back here: a flood's leavings would cost the collector tenths of seconds."""
        super().connection_lost(exc)
        self.pipeline.clear()
        self.cycle = None  # type: ignore[assignment]  # as it began

    def refuse(self, cause: str) -> None:
        """Close the connection at once, and tell why."""
        self._tell(cause)
        self.transport.abort()

    def _tell(self, cause: str) -> None:
        """Each is counted; once a minute there is a line of its kind and where it came from."""
        self.metrics.count("trader_refused_connections_total", cause)
        address = self.client[0] if self.client else "elsewhere"
        self.lines.add(f"{cause}, from {address}", self.loop.time())

    def overdue(self, now: float) -> bool:
        """Whether a request has been on its way for longer than it may."""
        return self.began is not None and now - self.began > self.limits.request_s

    def data_received(self, data: bytes) -> None:
        if self._in_head:
            self._head += len(data)
        if self.began is None and (self.cycle is None or self.cycle.response_complete):
            self.began = self.loop.time()
        super().data_received(data)
        if self._in_head and self._head > self.limits.header_bytes and not self.transport.is_closing():
            self._say(Problem("too_long_a_head", f"the head is longer than {self.limits.header_bytes} bytes"))

    def on_message_begin(self) -> None:
        if len(self.pipeline) >= _MOST_AHEAD:
            self.refuse("too many at once")
            raise ConnectionAbortedError  # which ends the reading of what came with it
        self._in_head = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._in_head, self._head, self._unread = False, 0, 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        if self.cycle.response_complete:
            self._unread += len(body)
            if self._unread > _MOST_UNREAD * self.limits.body_bytes:
                self.refuse("endless body")
        super().on_body(body)

    def on_message_complete(self) -> None:
        self.began = None
        super().on_message_complete()
        self._in_head = True

    def send_400_response(self, msg: str) -> None:
        if self.transport.is_closing():
            return
        self._tell("malformed")
        self._say(Problem("malformed", "this is not HTTP/1.1"))

    def _say(self, problem: Problem) -> None:
        """Answer with a problem, for want of a request to answer, and close."""
        told = request_id()
        body = problem.body(told)
        head = (
            f"HTTP/1.1 {problem.status} \r\ncontent-type: application/problem+json\r\n"
            f"x-request-id: {told}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()
