"""What a desk posts of its account, and what anybody may read of it."""

from __future__ import annotations

import logging
from typing import Annotated, Final

from msgspec import Meta, Struct

from live_trader.edge.happenings import Happening
from live_trader.edge.server.calls import Answer, Call
from live_trader.edge.server.parts import Parts
from live_trader.edge.server.problems import Problem
from live_trader.edge.server.store import HIGHEST
from live_trader.edge.server.v1 import NoQuery
from live_trader.edge.wire import decode, encode
from live_trader.edge.wire.trading import LEDGER, EquitiesText, FillsText, OrdersText, TradesText

log = logging.getLogger(__name__)

_MOST: Final = 10_000
_USUAL: Final = 500


class PageQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which part of a table is asked for."""

    after: Annotated[int, Meta(ge=0, le=HIGHEST, description="only what came later than this")] = 0
    limit: Annotated[int, Meta(ge=1, le=_MOST, description="at most so many")] = _USUAL


class DealtQuery(PageQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which part of a table is asked for, and of whom."""

    slot: Annotated[str, Meta(max_length=128, description="only of this strategy, as bot@SYMBOL@M1")] = ""
    symbol: Annotated[str, Meta(max_length=64, description="only of this symbol")] = ""


class LedgerAnswer(Struct, frozen=True):
    """How far the server now knows the desk's journal."""

    upto: int


async def post_trading(parts: Parts, call: Call) -> Answer:
    """What became of the account; kept whole or, when any of it cannot be, not at all."""
    call.query(NoQuery)
    ledger = decode(await call.body(), LEDGER)
    if ledger.upto < ledger.after:
        raise Problem("invalid", "a ledger ends before it begins")
    kept = await parts.store.trading.put(ledger)
    if kept.halted is not None and ledger.halt is not None:
        why = ledger.halt.reason
        log.warning("the desk halted trading", extra={"cause": why, "version": kept.halted.version})
        told = Happening(at=parts.clock.now(), sort="fault", who="desk", text=f"halted trading: {why}"[:500])
        await parts.store.happenings.add([told])
    return Answer(encode(LedgerAnswer(ledger.upto)))


async def get_positions(parts: Parts, call: Call) -> Answer:
    """What the desk holds; 404 where no desk has ever told."""
    call.query(NoQuery)
    held = await parts.store.trading.holdings()
    if held is None:
        raise Problem("not_found", "no desk has told this server of its account")
    return Answer(encode(held))


async def get_orders(parts: Parts, call: Call) -> Answer:
    """Orders in the order of their last change."""
    query = call.query(DealtQuery)
    found = await parts.store.trading.orders(query.after, query.limit, query.slot, query.symbol)
    return Answer(encode(OrdersText(tuple(found))))


async def get_fills(parts: Parts, call: Call) -> Answer:
    """Fills, oldest first."""
    query = call.query(DealtQuery)
    found = await parts.store.trading.fills(query.after, query.limit, query.slot, query.symbol)
    return Answer(encode(FillsText(tuple(found))))


async def get_trades(parts: Parts, call: Call) -> Answer:
    """Trades in the order in which they ended."""
    query = call.query(DealtQuery)
    found = await parts.store.trading.trades(query.after, query.limit, query.slot, query.symbol)
    return Answer(encode(TradesText(tuple(found))))


async def get_equity(parts: Parts, call: Call) -> Answer:
    """The account over time; `after` is a record of the desk's journal."""
    query = call.query(PageQuery)
    return Answer(encode(EquitiesText(tuple(await parts.store.trading.equity(query.after, query.limit)))))
