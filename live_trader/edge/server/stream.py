"""The stream: every stored fact as a server-sent event, resumed without loss after the last one heard."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Final, get_args

from msgspec import UNSET, Meta, Struct, UnsetType

from live_trader.edge.server.bodies import Kind
from live_trader.edge.server.calls import Answer, Call
from live_trader.edge.server.parts import Parts, counted
from live_trader.edge.server.problems import Problem
from live_trader.edge.server.store import ANYTHING, HIGHEST
from live_trader.edge.server.store.events import Event

_KINDS: Final = frozenset(get_args(Kind))
_BATCH: Final = 500
_STILL_HERE_S: Final = 15.0

After = Annotated[int, Meta(ge=0, le=HIGHEST, description="only higher seqs; without it, from now on")]


class StreamQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which events are wanted, and since when."""

    kinds: Annotated[str, Meta(description="these kinds, with commas between; without it, all")] = ""
    after: After | UnsetType = UNSET


async def get_stream(parts: Parts, call: Call) -> Answer:
    """Stored facts as they come: bar, signal, shadow, portfolio, bot, order, fill, farm."""
    query = call.query(StreamQuery)
    kinds = frozenset(query.kinds.split(",")) if query.kinds else _KINDS
    if not kinds <= _KINDS:
        raise Problem("invalid", f"the kinds are {', '.join(sorted(_KINDS))}")
    after = _resumed(call.header(b"last-event-id")) if query.after is UNSET else query.after
    if after is None:
        after = parts.store.seq
    if after > parts.store.seq:
        after = 0  # a seq of a store that was wiped since: tell everything rather than lose any
    name = call.holder.name if call.holder else call.address
    most = parts.settings.limits.streams_per_token
    with counted(parts.streams, name, most, "too_many_streams"):
        pass
    return Answer(kind=b"text/event-stream", pieces=_pieces(parts, call, name, after, kinds))


async def _pieces(
    parts: Parts, call: Call, name: str, after: int, kinds: frozenset[str]
) -> AsyncIterator[bytes]:
    parts.streams[name] += 1
    try:
        yield b"retry: 2000\nid: %d\n: here\n\n" % after
        while not (parts.hub.closing or call.gone.done()):
            events = await parts.store.events.after(after, _BATCH)
            if events:
                after = events[-1].seq
                yield b"".join(_spelled(event) for event in events if event.kind in kinds)
                continue
            await parts.hub.wait(ANYTHING, _STILL_HERE_S, call.gone)
            if parts.store.seq <= after and not parts.hub.closing:
                yield b"id: %d\n: still here\n\n" % after
    finally:
        parts.streams[name] -= 1


def _spelled(event: Event) -> bytes:
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (event.seq, event.kind.encode(), event.data)


def _resumed(text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < len(str(HIGHEST))):
        raise Problem("invalid", "Last-Event-ID is the id of an event of this stream")
    return int(text)
