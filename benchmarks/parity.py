"""Lives a market through real workers, server and desk under a fast clock, then proves live equals past.

Every bar goes through HTTP: posted to the server, those of one minute together, answered by a worker of its
ticker, heard by the desk on the stream. In between workers and desk are stopped and started again, and
another bundle is deployed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.estate import Experts, experts, plant
from live_trader.core.bars import Bar, Ticker, Timeframe, closes, epoch, moment
from live_trader.edge.client import connect, connect_feed
from live_trader.edge.client.connect import transport_of
from live_trader.edge.client.verdict import content
from live_trader.edge.client.waits import Waits
from live_trader.edge.clock import Clock
from live_trader.edge.feeds.simulated import Market
from live_trader.edge.server.options import ServerSettings
from live_trader.edge.server.running import Server
from live_trader.edge.server.store.signals import Filter
from live_trader.edge.server.tokens import Registry
from live_trader.edge.settings import Settings, load
from live_trader.edge.shelf import Shelf
from live_trader.edge.terms import Terms
from live_trader.edge.wire.v1 import spell_bars
from live_trader.errors import Interrupted
from live_trader.farm.dealing import desk_path, keep_dealing
from live_trader.farm.monitor import Watch
from live_trader.farm.process import Stop
from live_trader.farm.pulse import Beat
from live_trader.farm.worker import Patience, Worker
from live_trader.lab.parity import Parity, parity

BEGINS = 1_760_000_040
HISTORY = 640


class Fast(Clock):
    """A clock that stands where it is put; its seconds for waiting are real."""

    def __init__(self) -> None:
        self.time = moment(BEGINS)

    def now(self) -> datetime:
        return self.time


@dataclass
class Part:
    """A worker or the desk on a thread of its own, which can be stopped and begun again."""

    body: Callable[[Stop], None]
    stop: Stop = field(default_factory=Stop)
    thread: threading.Thread | None = None
    fault: BaseException | None = None

    def start(self) -> None:
        self.stop = Stop()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def end(self) -> None:
        if self.thread is not None:
            self.stop.request()
            self.thread.join(20)
            self.thread = None

    def _run(self) -> None:
        try:
            self.body(self.stop)
        except Interrupted:
            pass
        except BaseException as fault:
            self.fault = fault
            raise


class Life:
    """A small farm in one process, and its market."""

    def __init__(
        self,
        folder: Path,
        tickers: Sequence[Ticker],
        made: Experts,
        seed: int = 5,
        **desk: Any,
    ) -> None:
        self.folder, self.tickers, self.clock = folder, tickers, Fast()
        self.market = {each: Market(each, seed) for each in tickers}
        self.last: dict[Ticker, Bar] = {}
        Registry(folder / "work_dir" / "server", self.clock).ensure(("trader",))
        ready = threading.Event()
        options = ServerSettings(port=0, grace_s=1000.0)
        self.server = Server(options, folder / "work_dir" / "server", self.clock, lambda _: ready.set())
        self._serving = threading.Thread(target=self.server.run, daemon=True)
        self._serving.start()
        ready.wait(20)
        given = {
            "farm.work_path": str(folder / "work_dir"),
            "farm.models_path": str(folder / "models"),
            "farm.tickers": [str(each) for each in tickers],
            "server.embedded.port": self.server.port,
            "desk.instruments": ["* tick=0.00001 lot=1"],
            **{f"desk.{name}": value for name, value in desk.items()},
        }
        self.settings: Settings = load(env={}, overrides=given).settings
        self.shelf = Shelf.of(self.settings)
        plant(self.shelf.work, self.shelf.models, tickers, made)
        self._post = transport_of(self.settings, "feed", Waits(), self.clock)
        self.workers = {each: Part(self._worker(each)) for each in tickers}
        self.desk = Part(self._desk)
        self.watch = Watch(desk_path(self.settings))

    def begin(self) -> None:
        """Store the history, then start everybody."""
        with connect_feed(self.settings, clock=self.clock) as feed:
            for ticker, market in self.market.items():
                history = list(market.history(BEGINS, HISTORY))
                feed.store(ticker, history)
                self.last[ticker] = history[-1]
        self.clock.time = closes(self.tickers[0].timeframe, self.last[self.tickers[0]].opened)
        for part in (*self.workers.values(), self.desk):
            part.start()
        self._until(lambda: len(self.server.parts.store.signals.last) == len(self.tickers))
        self.catch_up()

    def bar(self, *, waiting: bool = True) -> None:
        """Let one more bar of every ticker close, and wait until it is answered and heard."""
        step = self.tickers[0].timeframe.seconds
        for ticker, market in self.market.items():
            last = self.last[ticker]
            self.last[ticker] = market.next(last, epoch(last.opened) + step)
        self.clock.time = closes(self.tickers[0].timeframe, self.last[self.tickers[0]].opened)
        self.clock.time += timedelta(seconds=0.05)
        posted = b",".join(spell_bars(ticker, [bar]) for ticker, bar in self.last.items())
        content(self._post("POST", "v1/bars", b"[" + posted + b"]"), "v1/bars", self.clock)
        if waiting:
            self.catch_up()

    def catch_up(self) -> None:
        """Wait until every bar is answered, and the desk has heard everything."""
        signals = self.server.parts.store.signals
        self._until(lambda: all(
            signals.last[("trader", each)].time == epoch(self.last[each].opened) for each in self.tickers
        ))  # fmt: skip
        newest = asyncio.run(signals.newest(Filter(), 1))[-1].seq or 0
        self._until(lambda: self._desk_is_there() and self.watch.page().seq >= newest)

    def end(self) -> None:
        """Stop everybody."""
        for part in (*self.workers.values(), self.desk):
            part.end()
        self._post.close()
        self.server.should_exit = True
        self._serving.join(20)

    def proof(self, **other: Any) -> Parity:
        """Live against past, perhaps by other settings of the desk."""
        desk = {name: getattr(self.settings.desk, name) for name in ("instruments",)}
        given = {f"desk.{name}": value for name, value in {**desk, **other}.items()}
        kept = self.settings if not other else load(env={}, overrides=given).settings
        return parity(self.folder / "work_dir", self.shelf, Terms.of(kept), None)

    def _worker(self, ticker: Ticker) -> Callable[[Stop], None]:
        def body(stop: Stop) -> None:
            with connect(self.settings, wake=stop.descriptor, clock=self.clock) as server:
                patience = Patience(2.0, 0.02, 0.2)
                Worker(
                    "trader", ticker, server, self.shelf, self.clock, stop.rest, lambda _: None, Beat(),
                    patience,
                ).run()  # fmt: skip

        return body

    def _desk(self, stop: Stop) -> None:
        keep_dealing(self.settings, stop, self.clock, lambda _: None, Beat())

    def _desk_is_there(self) -> bool:
        return bool(list(desk_path(self.settings).glob("journal-*.log"))) and bool(
            self.watch.page().book.seats
        )

    def _behind(self) -> str:
        """Who has not done what is waited for."""
        said = self.server.parts.store.signals.last
        silent = [each for each in self.tickers if ("trader", each) not in said]
        old = [
            f"{each} at {said['trader', each].time} of {epoch(self.last[each].opened)}"
            for each in self.tickers
            if each not in silent and said["trader", each].time != epoch(self.last[each].opened)
        ]
        desk = self.watch.page().seq if self._desk_is_there() else "absent"
        return f"silent {silent}, behind {old}, desk {desk} of {self.server.parts.store.seq}"

    def _until(self, true: Callable[[], bool], seconds: float = 60.0) -> None:
        deadline = time.monotonic() + seconds
        while not true():
            faults = [part.fault for part in (*self.workers.values(), self.desk) if part.fault]
            if faults:
                raise faults[0]
            if time.monotonic() > deadline:
                raise TimeoutError(f"the farm did not get there: {self._behind()}")
            time.sleep(0.002)


def live(life: Life, bars: int, swap: Experts | None = None) -> None:
    """So many bars, with the desk and the workers restarted and another bundle deployed on the way."""
    life.begin()
    for index in range(bars):
        if index in (bars // 4, 3 * bars // 4):
            life.desk.end()
            life.desk.start()
        if index in (bars // 3, 2 * bars // 3):
            worker = life.workers[life.tickers[0]]
            worker.end()
            life.bar(waiting=False)
            worker.start()
            life.catch_up()
        if index == bars // 2 and swap is not None:
            plant(life.shelf.work, life.shelf.models, life.tickers[:1], swap, seed=2)
        life.bar()


def main(arguments: list[str] | None = None) -> int:
    """Live so many bars of so many tickers, and print what the proof says."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.parity", description=__doc__)
    parser.add_argument("--tickers", type=int, default=20)
    parser.add_argument("--bars", type=int, default=2000)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    tickers = [Ticker(f"T{index:02}", Timeframe.M1) for index in range(options.tickers)]
    with tempfile.TemporaryDirectory() as folder:
        made, other = experts(1, 20, Timeframe.M1), experts(2, 20, Timeframe.M1)
        life = Life(Path(folder), tickers, made, max_open_trades=options.tickers)
        began = time.perf_counter()
        live(life, options.bars, other)
        life.end()
        lived = time.perf_counter() - began
        found = life.proof()
    figures = {
        "signals": found.signals,
        "equal_share": found.equal_share,
        "trades": found.trades,
        "equal_trades_share": found.equal_trades_share,
        "differences": [each.facts for each in found.differences[:20]],
        "lived_s": round(lived, 1),
        "proof_s": round(time.perf_counter() - began - lived, 1),
    }
    print(json.dumps(figures) if options.json else "\n".join(f"{k:20} {v}" for k, v in figures.items()))
    return 0 if not found.differences else 1


if __name__ == "__main__":
    sys.exit(main())
