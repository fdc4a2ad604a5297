"""A lean HTTP/1.1 client: one kept connection, one deadline per request, limits on everything."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Final, Protocol

from live_trader.edge.client.links import Link, Patience, connect, tls_context
from live_trader.edge.client.reply import Answer, Reply
from live_trader.edge.client.waits import Waits
from live_trader.edge.clock import Clock
from live_trader.edge.settings import Address, Secret
from live_trader.errors import BadAnswer, BadSettings, Unreachable

_KINDS: Final = "Accept: application/json\r\nAccept-Encoding: identity\r\nUser-Agent: instant-trader\r\n"


class Ask(Protocol):
    """The narrow call that both protocols are built on, and that the simulator takes the place of."""

    def __call__(
        self, method: str, target: str, body: bytes = b"", *, extra: float = 0.0, breakable: bool = False
    ) -> Answer: ...


class _Dropped(Exception):
    """The connection ended before a byte of the answer came."""


class Transport:
    """Asks one server, over one connection that is kept while it lives."""

    def __init__(
        self,
        address: Address,
        *,
        timeout: float,
        waits: Waits,
        clock: Clock,
        token: Callable[[], Secret] = Secret,
        ca_file: str = "",
        pinned: bool = False,
    ) -> None:
        self.address = address
        self._timeout = timeout
        self._waits = waits
        self._clock = clock
        self._token = token
        self._shown: Secret | None = None
        self._headers = ""
        self._tls = tls_context(ca_file, pinned=pinned) if address.tls else None
        self._link: Link | None = None
        self._reply = Reply()

    def __call__(
        self, method: str, target: str, body: bytes = b"", *, extra: float = 0.0, breakable: bool = False
    ) -> Answer:
        """The answer to one request within the timeout plus the `extra` seconds that the server may wait.

        A request that finds its kept connection dead is sent once more: every request of both protocols
        changes nothing when it arrives twice. So is one whose token was changed in its file meanwhile.
        """
        patience = Patience(self._waits, self._clock, self._timeout + extra, breakable=breakable)
        try:
            if self._shown is None:
                self._renewed()
            answer = self._answer(self._spell(method, target, body), patience)
            if answer.status in (401, 403) and self._renewed():
                answer = self._answer(self._spell(method, target, body), patience)
            return answer
        except _Dropped:
            fault = "closed the connection without an answer"
        except TimeoutError:
            fault = f"did not answer within {patience.seconds:g} s"
        except OSError as failure:
            fault = f"cannot be reached: {failure.strerror or failure}"
        except BadAnswer as failure:
            raise BadAnswer(f"{self._where(target)}: {failure.what}") from None
        raise Unreachable(f"{self._where(target)} {fault}", "Start it, or mend server.address")

    def close(self) -> None:
        """Let go of the connection."""
        if self._link is not None:
            self._link.close()
            self._link = None

    def _answer(self, request: bytes, patience: Patience) -> Answer:
        kept = self._take()
        if kept is not None:
            with suppress(_Dropped):
                return self._exchange(kept, request, patience)
        self._reply = Reply()
        return self._exchange(connect(self.address, self._tls, patience), request, patience)

    def _take(self) -> Link | None:
        """The kept connection, unless something has happened on it since: then it is of no use."""
        link, self._link = self._link, None
        if link is not None and self._waits.ready(link.fileno(), 0.0):
            link.close()
            return None
        return link

    def _exchange(self, link: Link, request: bytes, patience: Patience) -> Answer:
        """Send and receive; the connection is kept only when all went well."""
        try:
            answer = _receive(link, request, self._reply, patience)
            if self._reply.reusable:
                self._link = link
            return answer
        finally:
            if self._link is not link:
                link.close()

    def _renewed(self) -> bool:
        """Look the token up; whether it is another than the one shown so far."""
        token = self._token()
        if token == self._shown:
            return False
        word = token.reveal()
        if not (word.isascii() and word.isprintable()):
            raise BadSettings("the token holds characters that cannot travel", "Use printable ASCII only")
        bearer = f"Authorization: Bearer {word}\r\n" if word else ""
        self._headers = f"Host: {self.address.authority}\r\n{bearer}{_KINDS}"
        self._shown = token
        return True

    def _where(self, target: str) -> str:
        return f"{self.address}{target.partition('?')[0]}"

    def _spell(self, method: str, target: str, body: bytes) -> bytes:
        line = f"{method} {self.address.prefix}{target} HTTP/1.1\r\n"
        if not body and method == "GET":
            return (line + self._headers + "\r\n").encode("ascii")
        length = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        return (line + self._headers + length).encode("ascii") + body


def _receive(link: Link, request: bytes, reply: Reply, patience: Patience) -> Answer:
    reply.begin()
    try:
        link.send(request, patience)
        while data := link.receive(patience):
            answer = reply.feed(data)
            if answer is not None:
                return answer
    except ConnectionError as fault:
        if not reply.started:
            raise _Dropped from fault
        raise
    if not reply.started:
        raise _Dropped
    answer = reply.end()
    if answer is None:
        raise ConnectionError("it broke off in the middle of its answer")
    return answer
