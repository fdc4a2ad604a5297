"""What of the desk's account is over and old enough to be forgotten."""

from __future__ import annotations

import sqlite3
from typing import Final

from live_trader.edge.server.store.disk import FORGOTTEN_AT_ONCE, Disk

_OVER: Final = """
SELECT id FROM orders WHERE created < ?1 AND status IN ('filled', 'cancelled', 'rejected')
    AND trade NOT IN (SELECT trade FROM positions) ORDER BY seq LIMIT ?2"""
_FORGET: Final = (
    f"DELETE FROM fills WHERE order_id IN ({_OVER})",  # noqa: S608 - our words
    f"DELETE FROM orders WHERE id IN ({_OVER})",  # noqa: S608 - our words
    "DELETE FROM trades WHERE id IN (SELECT id FROM trades WHERE closed < ?1 LIMIT ?2)",
    """
DELETE FROM equity WHERE number IN (
    SELECT number FROM equity WHERE time < ?1 AND number < (SELECT max(number) FROM equity) LIMIT ?2)""",
)
"""The fills of an order go with it; what belongs to an open position stays, and so does the last equity."""


async def forget_bygone(disk: Disk, before: int) -> int:
    """Remove some of the orders, fills, trades and equity from before this; how many, 0 when none is left."""

    def operation(connection: sqlite3.Connection) -> int:
        return sum(connection.execute(query, (before, FORGOTTEN_AT_ONCE)).rowcount for query in _FORGET)

    return await disk.write(operation, lambda _: None)
