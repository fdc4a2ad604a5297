"""The lab reads the store's bars as they are in force, also while a server has the store open."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from live_trader.core.bars import Bar, Tape, Ticker, Timeframe, moment
from live_trader.edge.server.hub import Hub
from live_trader.edge.server.store import Store
from live_trader.edge.server.store.past import past
from live_trader.errors import BadTape
from tests.edge.server.house import START, Hands

TICKER, OTHER = Ticker("AUDUSD", Timeframe.M1), Ticker("AUDUSD", Timeframe.H1)


def bar(minute: int, close: float = 1.5) -> Bar:
    return Bar(moment(START + 60 * minute), 1.25, 2.0, 1.0, close, 7.0)


def test_bars_are_read_in_order_with_revisions_in_force_while_the_store_is_open(tmp_path: Path) -> None:
    async def read_while_open() -> Tape:
        store = Store(tmp_path, Hands(), Hub(), lambda writes, seconds: None)
        try:
            await store.bars.add(TICKER, [bar(3), bar(4), bar(5)])
            await store.bars.add(TICKER, [bar(1), bar(4, 1.75)])
            await store.bars.add(OTHER, [bar(0)])
            return past(tmp_path, TICKER)
        finally:
            await store.close()

    tape = asyncio.run(read_while_open())
    assert list(tape.bars()) == [bar(1), bar(3), bar(4, 1.75), bar(5)]
    assert len(past(tmp_path, OTHER)) == 1


def test_a_store_that_is_missing_or_knows_no_bar_of_the_ticker_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadTape, match=r"cannot be read: .*Give the work path of a farm"):
        past(tmp_path, TICKER)

    async def open_and_close() -> None:
        await Store(tmp_path, Hands(), Hub(), lambda writes, seconds: None).close()

    asyncio.run(open_and_close())
    with pytest.raises(BadTape, match="has no bar of AUDUSD M1"):
        past(tmp_path, TICKER)
