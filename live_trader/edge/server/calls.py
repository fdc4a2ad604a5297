"""One request on its way through the server, the answer it gets, and the operation that gives it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar
from urllib.parse import parse_qsl

import msgspec
from starlette.types import Receive, Scope

from live_trader.edge.server.parts import Parts
from live_trader.edge.server.problems import Headers, Problem
from live_trader.edge.server.tokens import Entry
from live_trader.edge.server.tokens import Scope as Right

Query = TypeVar("Query")

JSON: Final = b"application/json"
TEXT: Final = b"text/plain; charset=utf-8"
_MOST_FIELDS: Final = 32


@dataclass(slots=True)
class Answer:
    """What is sent back: a body, or a stream of pieces."""

    body: bytes = b""
    status: int = 200
    kind: bytes = JSON
    headers: Headers = field(default_factory=list)
    pieces: AsyncIterator[bytes] | None = None


class Call:
    """One request: its head, whoever makes it, and its body when it is asked for."""

    __slots__ = ("_gone", "_most", "_receive", "holder", "id", "scope", "waited")

    def __init__(self, scope: Scope, receive: Receive, request_id: str, most_bytes: int) -> None:
        self.scope = scope
        self.id = request_id
        self.holder: Entry | None = None
        self.waited = 0.0
        self._receive = receive
        self._most = most_bytes
        self._gone: asyncio.Task[None] | None = None

    def header(self, name: bytes) -> str:
        """A header of the request, or nothing."""
        for key, value in self.scope["headers"]:
            if key == name:
                return str(value.decode("latin-1"))
        return ""

    @property
    def address(self) -> str:
        """Where the request comes from."""
        client = self.scope.get("client")
        return str(client[0]) if client else ""

    def query(self, kind: type[Query]) -> Query:
        """The query as what it should be; an unknown name in it is an error."""
        try:
            pairs = parse_qsl(
                self.scope["query_string"].decode("latin-1"),
                keep_blank_values=True,
                max_num_fields=_MOST_FIELDS,
                errors="strict",
            )
        except ValueError as fault:
            raise Problem("invalid", f"the query cannot be read: {fault}") from None
        told = dict(pairs)
        if len(told) < len(pairs):
            raise Problem("invalid", "the query names something twice")
        try:
            return msgspec.convert(told, kind, strict=False)
        except msgspec.ValidationError as fault:
            raise Problem("invalid", f"the query is not what was expected: {fault}") from None

    async def body(self) -> bytes:
        """The whole body, refused when it is too large."""
        if int(self.header(b"content-length") or 0) > self._most:
            raise self._too_large()
        body = b""
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise Gone
            body += bytes(message.get("body", b""))
            if len(body) > self._most:
                raise self._too_large()
            if not message.get("more_body"):
                return body

    @property
    def gone(self) -> asyncio.Task[None]:
        """Done as soon as nobody waits for the answer any more; to be asked for after the body."""
        if self._gone is None:
            self._gone = asyncio.get_running_loop().create_task(self._watch())
        return self._gone

    def close(self) -> None:
        """Stop watching for the other side to go."""
        if self._gone is not None:
            self._gone.cancel()

    async def _watch(self) -> None:
        # A task that ends cancelled keeps its frames in a circle, which only the collector can undo.
        with contextlib.suppress(asyncio.CancelledError):
            while (await self._receive())["type"] != "http.disconnect":
                pass

    def _too_large(self) -> Problem:
        return Problem("too_large", f"the body is larger than {self._most} bytes")


class Gone(Exception):
    """Nobody waits for the answer any more."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A header that an operation reads."""

    name: str
    about: str


@dataclass(frozen=True, slots=True)
class Reply:
    """What an operation answers under one status: a body of one of these types, else a problem."""

    about: str
    bodies: tuple[Any, ...] = ()
    kind: str = "application/json"


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path: the function that does it, who may use it, what it takes and answers."""

    method: str
    path: str
    run: Callable[[Parts, Call], Awaitable[Answer]]
    replies: Mapping[int, Reply]
    right: Right | None = None
    query: type | None = None
    body: Any = None
    tag: str = "v1"
    headers: tuple[Parameter, ...] = ()
    local: bool = False
    """Open to this machine without a token, although it needs a right from elsewhere."""
