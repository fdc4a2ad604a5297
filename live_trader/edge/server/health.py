"""How the server is: whether it lives, whether it can be used, and what it has counted."""

from __future__ import annotations

from live_trader.edge.server.bodies import HealthBody
from live_trader.edge.server.calls import Answer, Call
from live_trader.edge.server.parts import Parts
from live_trader.edge.server.v1 import NoQuery
from live_trader.edge.wire import encode


async def live(parts: Parts, call: Call) -> Answer:
    """The process is up."""
    call.query(NoQuery)
    return Answer(encode(HealthBody("ok")))


async def ready(parts: Parts, call: Call) -> Answer:
    """The store can be written and holds bars; 503 with the reasons when not."""
    call.query(NoQuery)
    reasons = []
    if parts.store.fault:
        reasons.append(parts.store.fault)
    if not parts.store.bars.newest:
        reasons.append("no bar was ever stored: is a feed running?")
    if parts.hub.closing:
        reasons.append("the server is stopping")
    if reasons:
        return Answer(encode(HealthBody("not ready", tuple(reasons))), 503)
    return Answer(encode(HealthBody("ok")))


async def metrics(parts: Parts, call: Call) -> Answer:
    """Everything the server counts, as Prometheus reads it."""
    call.query(NoQuery)
    return Answer(parts.metrics.text().encode(), kind=b"text/plain; version=0.0.4; charset=utf-8")
