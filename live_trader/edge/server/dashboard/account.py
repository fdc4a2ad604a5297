"""What the pages tell of the account: trades, equity, what both amount to, and live beside the back-test."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from live_trader.core.outcome import Equity, Trade, Trades
from live_trader.core.performance import figures
from live_trader.core.signals import Direction
from live_trader.edge.proof import kept
from live_trader.edge.server.calls import Answer
from live_trader.edge.server.dashboard.records import Records
from live_trader.edge.server.dashboard.views import House, Nothing, Visit, as_json, looked

_LISTED: Final = 5000
_PIECES: Final = 1000


async def trades(house: House, visit: Visit) -> Answer:
    """The trades of the desk, newest first, its account over time, and every figure of both."""
    visit.call.query(Nothing)
    return as_json(await looked(house, _account))


async def parity(house: House, visit: Visit) -> Answer:
    """The last proof that live did what the back-test says, and how much has come since."""
    visit.call.query(Nothing)
    proof = kept(house.folder.parent)
    if proof is None:
        return as_json({"proof": None})
    since = await looked(house, lambda store: store.traded(proof.made.timestamp()))
    return as_json({"proof": proof, "since": since})


def _account(store: Records) -> dict[str, Any]:
    curve = store.worth(_PIECES)
    return {
        "trades": store.trades(_LISTED),
        "all": store.traded(),
        "curve": curve,
        "figures": _figures(store, curve) if curve else None,
    }


def _figures(store: Records, curve: list[tuple[float, float, float]]) -> dict[str, float | None]:
    """The lab's statistics of everything the desk told."""
    worth = np.array(curve, dtype=np.float64)
    times = worth[:, 0].astype(np.int64) - 1  # a bar that closes at midnight ends that day
    equity = Equity(curve[0][1], times, worth[:, 1])
    return figures(Trades.of(map(_trade, store.outcomes())), equity)


def _trade(row: tuple[Any, ...]) -> Trade:
    opened, closed, direction, entry, exit_, quantity, profit, fees, reason = row
    return Trade(
        entered=int(opened),
        exited=int(closed),
        side=Direction(direction),
        entry=float(entry),
        exit=float(exit_),
        quantity=float(quantity),
        profit=float(profit),
        fees=float(fees),
        reason=reason,
    )
