"""Kills a server's store in the middle of group commits, again and again: what it acknowledged must be there.

A process opens the store and has bars and signals written by many hands at once, as requests would; each
acknowledgement goes down a pipe at once. After a few milliseconds drawn from the seed it is killed with
SIGKILL, and the next one opens the same store. This shows what survives the death of a process; that it
survives the loss of power too rests on the disk doing what fsync asks of it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import random
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from live_trader.core.bars import Bar, Ticker, epoch, moment
from live_trader.edge.clock import Clock
from live_trader.edge.server.hub import Hub
from live_trader.edge.server.store import Store
from live_trader.edge.server.store.signals import Filter, Posted
from live_trader.edge.wire.v1 import SignalText

_TICKER = Ticker.parse("AUDUSD S1")
_START = 1_600_000_000
_HANDS = 12
_LONGEST_S = 0.04
_FACT = 16


def kills(folder: Path, count: int, seed: int) -> dict[str, Any]:
    """So many deaths of one store, then what it holds against what it acknowledged."""
    draw, context = random.Random(seed), multiprocessing.get_context("fork")
    acknowledged: set[str] = set()
    slowest = 0.0
    for kill in range(count):
        ear, mouth = os.pipe()
        writer = context.Process(target=_write, args=(folder, kill, mouth))
        begun = time.monotonic()
        writer.start()
        os.close(mouth)
        told = os.read(ear, _FACT)
        slowest = max(slowest, time.monotonic() - begun)
        time.sleep(draw.uniform(0.0, _LONGEST_S))
        os.kill(writer.pid or 0, signal.SIGKILL)
        writer.join()
        while piece := os.read(ear, 65536):
            told += piece
        os.close(ear)
        acknowledged |= {told[at : at + _FACT].decode() for at in range(0, len(told) - _FACT + 1, _FACT)}
    held, set_aside = asyncio.run(_held(folder))
    acknowledged = {fact for fact in acknowledged if not fact.startswith("open")}
    return {
        "kills": count,
        "acknowledged": len(acknowledged),
        "lost": len(acknowledged - held),
        "set_aside": set_aside,
        "open_s_max": round(slowest, 3),
    }


def _write(folder: Path, kill: int, mouth: int) -> None:
    """Open the store, say so, and write until death."""

    async def hand(store: Store, index: int) -> None:
        number = kill * 100_000 + index
        while True:
            bar = Bar(moment(_START + number), 1.0, 2.0, 1.0, 1.5, 3.0)
            await store.bars.add(_TICKER, [bar])
            os.write(mouth, _fact("bar", number))
            text = SignalText(id="trader", symbol="AUDUSD", timeframe="S1", bar_time=bar.opened, signal=0.5)
            await store.signals.add([Posted(text, _TICKER, _START + number)])
            os.write(mouth, _fact("sig", number))
            number += _HANDS

    async def work() -> None:
        store = Store(folder, Clock(), Hub(), lambda *_: None)
        os.write(mouth, _fact("open", kill))
        await asyncio.gather(*(hand(store, index) for index in range(_HANDS)))

    asyncio.run(work())


async def _held(folder: Path) -> tuple[set[str], str]:
    store = Store(folder, Clock(), Hub(), lambda *_: None)
    found: set[str] = set()
    after = _START - 1
    while bars := await store.bars.after(_TICKER, after, 10_000):
        after = epoch(bars[-1].time)
        found |= {_fact("bar", epoch(each.time) - _START).decode() for each in bars}
    seq = 0
    while signals := await store.signals.listed(Filter(), seq, 10_000):
        seq = signals[-1].seq or 0
        found |= {_fact("sig", epoch(each.bar_time) - _START).decode() for each in signals}
    set_aside = store.set_aside
    await store.close()
    return found, set_aside


def _fact(kind: str, number: int) -> bytes:
    return f"{kind:4}{number:012}".encode()


def main(arguments: list[str] | None = None) -> int:
    """Kill, open, compare, and print what was found."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.durability", description=__doc__)
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        figures = kills(Path(folder), options.kills, options.seed)
    print(json.dumps(figures) if options.json else "\n".join(f"{k:14} {v}" for k, v in figures.items()))
    return 1 if figures["lost"] or figures["set_aside"] else 0


if __name__ == "__main__":
    sys.exit(main())
