"""The server's stream as one listener: facts as they come, resumed after the last one heard."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from httptools import HttpParserError, HttpResponseParser

from live_trader.edge.client.links import Link, Patience, connect, tls_context
from live_trader.edge.client.waits import Waits
from live_trader.edge.clock import Clock
from live_trader.edge.settings import Address, Secret
from live_trader.errors import BadAnswer, Refused, Unauthorised, Unreachable

_SILENT_S: Final = 45.0
"""The server says something every fifteen seconds; silent for longer, it is gone."""

_MOST: Final = 4 << 20


class Told(NamedTuple):
    """One fact of the stream; `kind` is empty where only the place in the stream is told."""

    seq: int
    kind: str
    data: bytearray


class Stream:
    """One connection to `/v1/stream`, opened when it is asked for facts."""

    def __init__(
        self,
        address: Address,
        *,
        timeout: float,
        waits: Waits,
        clock: Clock,
        token: Callable[[], Secret],
        ca_file: str = "",
        pinned: bool = False,
    ) -> None:
        self._address = address
        self._timeout = timeout
        self._waits = waits
        self._clock = clock
        self._token = token
        self._tls = tls_context(ca_file, pinned=pinned) if address.tls else None
        self._link: Link | None = None
        self._frames = _Frames()

    def close(self) -> None:
        """Hang up."""
        if self._link is not None:
            self._link.close()
            self._link = None

    def open(self, kinds: str, after: int | None) -> None:
        """Begin to listen after this fact or, with none, from now on."""
        self.close()
        since = f"&after={after}" if after is not None else ""
        request = (
            f"GET {self._address.prefix}v1/stream?kinds={kinds}{since} HTTP/1.1\r\n"
            f"Host: {self._address.authority}\r\nAuthorization: Bearer {self._token().reveal()}\r\n"
            "Accept: text/event-stream\r\nAccept-Encoding: identity\r\nUser-Agent: instant-trader\r\n\r\n"
        )
        patience = Patience(self._waits, self._clock, self._timeout, breakable=True)
        try:
            self._frames = _Frames()
            self._link = connect(self._address, self._tls, patience)
            self._link.send(request.encode("ascii"), patience)
            while not self._frames.status:
                self._receive(patience)
        except OSError as fault:
            self.close()
            raise self._gone(str(fault.strerror or fault or "no answer in time")) from None
        if self._frames.status != 200:
            self.close()
            raise self._no(self._frames.status)

    def heard(self, wait: float) -> Iterator[Told]:
        """What has come since, after waiting for it up to so many seconds; Interrupted ends the wait."""
        assert self._link is not None, "a stream is opened before it is heard"
        patience = Patience(self._waits, self._clock, wait, breakable=True)
        try:
            if not self._frames.whole:
                self._receive(patience)
        except TimeoutError:
            if self._clock.monotonic() - self._frames.last > _SILENT_S:
                self.close()
                raise self._gone("fell silent") from None
        except OSError as fault:
            self.close()
            raise self._gone(str(fault.strerror or fault)) from None
        yield from self._frames.taken()

    def _receive(self, patience: Patience) -> None:
        assert self._link is not None
        data = self._link.receive(patience)
        if not data:
            raise ConnectionError("it hung up")
        self._frames.feed(data)
        self._frames.last = self._clock.monotonic()

    def _gone(self, why: str) -> Unreachable:
        return Unreachable(f"{self._address}v1/stream {why}", "Start it, or mend server.address")

    def _no(self, status: int) -> Exception:
        if status in (401, 403):
            return Unauthorised("v1/stream: the server refuses our token", "Set server.token_file")
        if status == 429 or status >= 500:
            return Unreachable(f"v1/stream: the server answers {status}")
        return Refused(f"v1/stream: the server says no, {status}", "A desk needs a v1 server")


class _Frames:
    """The bytes of one answer, taken apart into facts."""

    def __init__(self) -> None:
        self._parser = HttpResponseParser(self)
        self._text = bytearray()
        self.status = 0
        self.last = float("inf")

    def feed(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except HttpParserError as fault:
            raise BadAnswer(f"the stream is not HTTP: {fault}") from None
        if len(self._text) > _MOST:
            raise BadAnswer(f"one event of the stream has more than {_MOST} bytes")

    def on_headers_complete(self) -> None:
        self.status = int(self._parser.get_status_code())

    def on_body(self, body: bytes) -> None:
        self._text += body

    @property
    def whole(self) -> bool:
        """Whether there is an event to be taken."""
        return b"\n\n" in self._text

    def taken(self) -> Iterator[Told]:
        """The whole events so far."""
        *whole, rest = bytes(self._text).split(b"\n\n")
        self._text = bytearray(rest)
        for text in whole:
            fields = dict(line.partition(b": ")[::2] for line in text.split(b"\n"))
            seq = fields.get(b"id", b"")
            if seq and not seq.isdigit():
                raise BadAnswer(f"the stream counts {seq[:40]!r}")
            if seq:
                yield Told(int(seq), fields.get(b"event", b"").decode(), bytearray(fields.get(b"data", b"")))
