"""One HTTP answer, taken in piece by piece, with a limit on everything a stranger could make endless."""

from __future__ import annotations

from typing import Final, NamedTuple

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from live_trader.errors import BadAnswer

MOST_BODY: Final = 4 << 20
"""Ten thousand bars take less than half of it; decoded, it stays far below 50 MB."""

MOST_HEADERS: Final = 64 << 10
_MOST_RAW: Final = 2 * MOST_BODY + MOST_HEADERS
_KEPT: Final = frozenset(
    (b"content-encoding", b"content-length", b"location", b"retry-after", b"transfer-encoding")
)


class Answer(NamedTuple):
    """A complete answer; header names are lower-case and only those that matter are kept."""

    status: int
    headers: dict[bytes, bytes]
    body: bytearray


class Reply:
    """The answers of one connection, one after the other."""

    def __init__(self) -> None:
        self._parser = HttpResponseParser(self)
        self.begin()

    def begin(self) -> None:
        """Make ready for the next answer."""
        self.started = False
        self.reusable = False
        self._status = 0
        self._headers: dict[bytes, bytes] = {}
        self._body = bytearray()
        self._raw = 0
        self._fault = ""
        self._complete = False

    def feed(self, data: bytes) -> Answer | None:
        """The answer, once these bytes complete it."""
        self.started = True
        self._raw += len(data)
        try:
            self._parser.feed_data(data)
        except HttpParserUpgrade:
            raise BadAnswer("the server wants to speak another protocol than HTTP") from None
        except HttpParserError as fault:
            self.reusable = False
            if not self._complete:
                raise BadAnswer(f"the answer is not HTTP: {fault}") from None
        if not self._complete and self._raw > (_MOST_RAW if self._status else MOST_HEADERS):
            self._fault = "the headers never end" if not self._status else "the body never ends"
        if self._fault:
            self._body = bytearray()
            raise BadAnswer(self._fault)
        return self._answer() if self._complete else None

    def end(self) -> Answer | None:
        """The answer, if the end of the connection completes it, as it may where no length was given."""
        framed = b"content-length" in self._headers or b"transfer-encoding" in self._headers
        self.reusable = False
        return self._answer() if self._status >= 200 and not framed else None

    def _answer(self) -> Answer:
        body, self._body = self._body, bytearray()
        return Answer(self._status, self._headers, body)

    def on_message_begin(self) -> None:
        if self._complete:
            self.reusable = False

    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        if name in _KEPT and not self._complete:
            self._headers[name] = value

    def on_headers_complete(self) -> None:
        if self._complete:
            return
        self._status = int(self._parser.get_status_code())
        length = self._headers.get(b"content-length", b"0")
        if int(length) > MOST_BODY:
            self._fault = f"the answer has {length.decode()} bytes where {MOST_BODY} are the most"
        encoding = self._headers.get(b"content-encoding", b"identity").lower()
        if encoding != b"identity":
            self._fault = f"the answer is encoded as {encoding[:40]!r}, which was not asked for"

    def on_body(self, body: bytes) -> None:
        if self._complete or self._fault:
            return
        self._body += body
        if len(self._body) > MOST_BODY:
            self._fault = f"the answer has more than {MOST_BODY} bytes"

    def on_message_complete(self) -> None:
        if self._complete:
            return
        if 100 <= self._status < 200:
            self._status = 0
            self._headers = {}
            return
        self._complete = True
        self.reusable = bool(self._parser.should_keep_alive())
