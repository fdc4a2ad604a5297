"""Why a request was not done: one stable code each, told as application/problem+json."""

from __future__ import annotations

from typing import Final

import msgspec

from live_trader.errors import TraderError

STATUS: Final = {
    "cross_site": 403,
    "conflict": 409,
    "failed": 500,
    "forbidden": 403,
    "malformed": 400,
    "not_closed": 422,
    "not_found": 404,
    "not_kept": 422,
    "not_ready": 503,
    "invalid": 422,
    "store_unavailable": 503,
    "too_large": 413,
    "too_long_a_head": 431,
    "too_many_failures": 429,
    "too_many_polls": 429,
    "too_many_streams": 429,
    "unauthorised": 401,
    "wrong_method": 405,
}
"""Every code a problem can carry, with the status it is answered under."""

_TITLES: Final = {
    400: "Malformed request",
    401: "Unauthorised",
    403: "Forbidden",
    404: "Not found",
    405: "Method not allowed",
    409: "Conflict",
    413: "Too large",
    422: "Invalid",
    429: "Too many",
    431: "Head too long",
    500: "Failed",
    503: "Unavailable",
}

Headers = list[tuple[bytes, bytes]]


class Problem(TraderError):
    """A request that is answered with no: the code says which no, the sentence why."""

    def __init__(
        self, code: str, what: str, *, headers: Headers | None = None, more: dict[str, object] | None = None
    ) -> None:
        super().__init__(what)
        self.code = code
        self.status = STATUS[code]
        self.headers = headers or []
        self.more = more or {}

    def body(self, request_id: str) -> bytes:
        """The problem as JSON."""
        return msgspec.json.encode(
            {
                "type": "about:blank",
                "title": _TITLES[self.status],
                "status": self.status,
                "code": self.code,
                "detail": str(self),
                "request_id": request_id,
                **self.more,
            }
        )
