"""What the status of an answer means to whoever asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from live_trader.edge.client.reply import Answer
from live_trader.edge.clock import Clock
from live_trader.edge.wire import glimpse, owner, said
from live_trader.errors import BadAnswer, BadData, Conflict, Refused, Unacceptable, Unauthorised, Unreachable

Meaning = TypeVar("Meaning")
_BUSY: Final = frozenset((408, 425, 429))
_LONGEST_PAUSE: Final = 300.0


def content(answer: Answer, what: str, clock: Clock) -> bytearray:
    """The body of an answer that says yes, or the error that its status amounts to."""
    status = answer.status
    if 200 <= status < 300:
        return answer.body
    if status < 400:
        place = said(answer.headers.get(b"location", b"nowhere").decode("latin-1"))
        raise BadAnswer(
            f"{what}: the server sends us elsewhere, to {place}",
            "If it belongs there, put that into server.address",
        )
    reason = _reason(answer)
    if status in (401, 403):
        raise Unauthorised(
            f"{what}: the server refuses our token{reason}",
            "Set server.token_file, or TRADER__SERVER__TOKEN, to a token with this right",
        )
    if status in _BUSY or status >= 500:
        pause = _pause(answer.headers.get(b"retry-after"), clock)
        raise Unreachable(f"{what}: the server answers {status}{reason}", retry_after=pause)
    if status == 409:
        raise Conflict(
            f"{what}: the server holds another{reason}", stored=bytes(owner.problem(answer.body).stored)
        )
    kind = Unacceptable if status == 422 else Refused
    raise kind(f"{what}: the server says no, {status}{reason}")


def understood(read: Callable[[bytearray], Meaning], body: bytearray, what: str) -> Meaning:
    """What a body means, or BadAnswer with the cause."""
    try:
        return read(body)
    except BadData as fault:
        raise BadAnswer(f"{what}: {fault.what}", fault.remedy) from None


def _reason(answer: Answer) -> str:
    problem = owner.problem(answer.body)
    told = problem.detail or problem.title
    if told:
        return f": {said(told).rstrip('.')}"
    return f": {glimpse(answer.body)}" if answer.body else ""


def _pause(text: bytes | None, clock: Clock) -> float | None:
    """What Retry-After asks for, in seconds, at most five minutes."""
    if text is None:
        return None
    if text.isdigit():
        seconds = float(text[:9])
    else:
        from email.utils import parsedate_to_datetime

        try:
            seconds = (parsedate_to_datetime(text.decode("ascii")) - clock.now()).total_seconds()
        except (ValueError, TypeError):
            return None
    return min(max(0.0, seconds), _LONGEST_PAUSE)
