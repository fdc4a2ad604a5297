"""What the server hears of its farm: the lines that the farm's processes left, taken into the store."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from live_trader.core.bars import Ticker
from live_trader.edge.happenings import Happening, read
from live_trader.edge.server.parts import Parts
from live_trader.edge.server.problems import Problem


async def hear(parts: Parts) -> None:
    """Take in what was added since, also while no server ran; each line once."""
    happenings = parts.store.happenings
    while True:
        told, place = await asyncio.to_thread(read, parts.run_path, happenings.place)
        if place == happenings.place:
            return
        try:
            await happenings.add(told, place)
        except Problem:  # the store cannot be written, which its health says; the lines wait in their file
            return


async def refused_bars(parts: Parts, tickers: Sequence[Ticker], refused: int, why: str) -> None:
    """Note that a feed brought bars that cannot be; of one ticker at most once every few seconds."""
    who = str(tickers[0]) if len(tickers) == 1 else "feed"
    text = (
        f"{refused} bars of a post were refused, the first: {why}"
        if refused > 1
        else f"a bar was refused: {why}"
    )
    if told := parts.sparing.allows(who, "bars", text):
        happening = Happening(at=parts.clock.now(), sort="refusal", who=who, text=told[:500])
        await parts.store.happenings.add([happening])
