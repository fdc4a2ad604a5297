"""The server alone: signals stored a second, long polls answered, bars given out, memory, and a flood.

Beside it, on the same signals, the way it would be written first: a thread per connection and a commit
per signal. Everything the server acknowledged is then looked for in its store, after it was killed.

    python -m benchmarks.server [--soak 600] [--json]
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import json
import logging
import multiprocessing
import os
import resource
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import psutil

from benchmarks.peers import Tally, connect, flood, load, request
from live_trader.core.bars import moment
from live_trader.edge.clock import Clock
from live_trader.edge.server import serve
from live_trader.edge.server.options import Limits, ServerSettings
from live_trader.edge.server.tokens import Registry

BOT = "bench"
START = 1_600_000_000 // 60 * 60
CONNECTIONS = 64
LIST = 100
POLLS = 1000
IDLE = 2000
FLOOD = 5000
_LATENCIES = 2000


def naive(pipe: Connection, folder: Path) -> None:
    """A thread per connection, a commit per signal."""
    only_core(0)
    path = folder / "naive.db"
    store = sqlite3.connect(path)
    store.execute("PRAGMA journal_mode = WAL")
    store.execute(
        "CREATE TABLE signals (id, symbol, timeframe, time, body, PRIMARY KEY (id, symbol, timeframe, time))"
    )
    store.close()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            told = json.loads(body)
            key = (told["id"], told["symbol"], told["timeframe"], told["bar_time"])
            with contextlib.closing(sqlite3.connect(path, timeout=60)) as store, store:
                store.execute("PRAGMA synchronous = FULL")
                store.execute("INSERT INTO signals VALUES (?, ?, ?, ?, ?)", (*key, body))
            self.send_response(201)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    class Crowd(ThreadingHTTPServer):
        request_queue_size = 256

    server = Crowd(("127.0.0.1", 0), Handler)
    pipe.send(server.server_port)
    server.serve_forever()


def ours(pipe: Connection, folder: Path) -> None:
    """The server as it is, on one core."""
    only_core(0)
    logging.getLogger().addHandler(logging.NullHandler())
    serve(ServerSettings(port=0, limits=Limits()), folder, bots=(BOT,), on_ready=pipe.send)


def attack(_: Connection, port: int) -> None:
    """A flood from a process of its own."""
    many_files()
    asyncio.run(flood(port, FLOOD, IDLE))


@contextlib.contextmanager
def process(kind: Any, given: Any) -> Iterator[tuple[Any, Connection]]:
    """Something in a process of its own, killed at the end."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    running = context.Process(target=kind, args=(there, given), daemon=True)
    running.start()
    try:
        yield running, here
    finally:
        running.kill()
        running.join()


def signal(number: int) -> dict[str, Any]:
    """One of a sequence of signals, as 200 bots would send them."""
    value = (1, 0.5, -1)[number % 3]
    return {
        "id": BOT,
        "symbol": f"T{number % 200:03d}",
        "timeframe": "M1",
        "bar_time": _time(number // 200),
        "signal": value,
        "models": {"LGBMClassifier~PC": value},
        "probabilities": {"LGBMClassifier~PC": {"long": 0.412345678901, "short": 0.123456789012}},
        "bundle": "20240101T000000Z-0123456789ab",
        "late": False,
    }


def bars(first: int, count: int, symbol: str) -> bytes:
    """Bars as a feed posts them."""
    prices = {"open": 1.1, "high": 1.2, "low": 1.0, "close": 1.15, "volume": 10}
    told = [{"time": _time(minute), **prices} for minute in range(first, first + count)]
    return json.dumps({"symbol": symbol, "timeframe": "M1", "bars": told}).encode()


@dataclass
class Trial:
    """One server under test: who may speak to it, and what it has acknowledged."""

    port: int
    tokens: dict[str, str]
    numbers: Iterator[int] = field(default_factory=itertools.count)
    acknowledged: int = 0

    async def singles(self, count: int, connections: int = CONNECTIONS) -> tuple[float, list[float]]:
        """Seconds to post so many signals one by one, and how long each took."""
        token = self.tokens[f"bot-{BOT}"]
        bodies = [json.dumps(signal(next(self.numbers))).encode() for _ in range(count)]
        posts = [request("POST", "/v1/signals", token, body) for body in bodies]
        seconds, tally = await load(self.port, connections, posts)
        assert tally.statuses == {201: count}, tally.statuses
        self.acknowledged += count
        return seconds, tally.seconds

    async def lists(self, count: int) -> float:
        """Seconds to post so many lists."""
        token = self.tokens[f"bot-{BOT}"]
        bodies = [json.dumps([signal(next(self.numbers)) for _ in range(LIST)]) for _ in range(count)]
        posts = [request("POST", "/v1/signals", token, body.encode()) for body in bodies]
        seconds, tally = await load(self.port, CONNECTIONS, posts)
        assert tally.statuses == {201: count}, tally.statuses
        self.acknowledged += count * LIST
        return seconds

    async def history(self, count: int) -> float:
        """Seconds to give out so many stored bars of one ticker, a page after the other."""
        for first in range(0, count, 5000):
            body = bars(first, 5000, "HIST")
            _, tally = await load(self.port, 1, [request("POST", "/v1/bars", self.tokens["feed"], body)])
            assert tally.statuses == {200: 1}, tally.statuses
        base = "/v1/bars?symbol=HIST&timeframe=M1&limit=10000&after="
        pages = [base + _time(first - 1) for first in range(0, count, 10_000)]
        asked = [request("GET", page, self.tokens["read"]) for page in pages]
        seconds, tally = await load(self.port, 1, asked)
        assert tally.statuses == {200: len(asked)}, tally.statuses
        return seconds

    async def polls(self, minute: int) -> float:
        """Seconds from sending one bar until all waiting polls are answered with it."""
        target = f"/v1/bars?symbol=POLL&timeframe=M1&after={_time(minute - 1)}&wait=60"
        ask = request("GET", target, self.tokens["read"])
        tally = Tally(POLLS)
        peers = [await connect(self.port, iter([ask]), tally) for _ in range(POLLS)]
        await asyncio.sleep(1.0)
        assert not tally.seconds, "a poll did not wait"
        began = time.perf_counter()
        post = request("POST", "/v1/bars", self.tokens["feed"], bars(minute, 1, "POLL"))
        peers.append(await connect(self.port, iter([post]), Tally(1)))
        ended = await tally.done
        assert tally.statuses == {200: POLLS}, tally.statuses
        for transport in peers:
            transport.close()
        return ended - began


async def usual(folder: Path, count: int) -> float:
    """Signals a second of the usual way."""
    with process(naive, folder) as (_, pipe):
        posts = [request("POST", "/", "", json.dumps(signal(number)).encode()) for number in range(count)]
        seconds, tally = await load(pipe.recv(), CONNECTIONS, posts)
        assert tally.statuses == {201: count}, tally.statuses
        return count / seconds


async def trial(folder: Path, given: argparse.Namespace) -> dict[str, Any]:
    """Everything, one after the other, of one server that is killed at the end."""
    with process(ours, folder) as (running, pipe):
        one = Trial(pipe.recv(), Registry(folder, Clock()).own())
        seconds, _ = await one.singles(given.singles)
        found: dict[str, Any] = {"single_signals_per_s": round(given.singles / seconds)}
        found["batch_signals_per_s"] = round(given.lists * LIST / await one.lists(given.lists))
        found["bars_per_s"] = round(given.history / await one.history(given.history))
        waits = [1000 * await one.polls(minute) for minute in range(1, given.rounds + 1)]
        found |= {"polls": POLLS, "polls_ms_p50": round(statistics.median(waits), 1)}
        found["polls_ms_max"] = round(max(waits), 1)
        found["calm_ms_p99"] = p99((await one.singles(_LATENCIES, 4))[1])
        with process(attack, one.port):
            await asyncio.sleep(3.0)
            found["flood_ms_p99"] = p99((await one.singles(_LATENCIES, 4))[1])
        server = psutil.Process(running.pid)
        found["rss_mb_before"] = round(server.memory_info().rss / 1e6, 1)
        until = time.monotonic() + given.soak
        while time.monotonic() < until:
            await one.singles(5000)
        found |= {"rss_mb_after": round(server.memory_info().rss / 1e6, 1), "soak_s": given.soak}
    return {**found, "acknowledged": one.acknowledged}


def looked_for(folder: Path, acknowledged: int) -> dict[str, Any]:
    """What the killed server's store holds, and how long opening it takes."""
    from live_trader.edge.server.store.schema import open_store

    began = time.perf_counter()
    opened = open_store(folder, Clock())
    seconds = time.perf_counter() - began
    keys = "SELECT count(*), count(DISTINCT ticker * 4294967296 + time) FROM signals"
    rows, different = opened.reader.execute(keys).fetchone()
    opened.close()
    return {"lost": acknowledged - rows, "duplicates": rows - different, "open_s": round(seconds, 3)}


def main() -> int:
    """Measure and tell."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.server",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--singles", type=int, default=20_000, help="signals posted one by one")
    parser.add_argument("--lists", type=int, default=1000, help=f"lists of {LIST} signals posted")
    parser.add_argument("--history", type=int, default=200_000, help="bars of one ticker to give out")
    parser.add_argument("--rounds", type=int, default=5, help=f"bars that {POLLS} polls wait for")
    parser.add_argument(
        "--soak", type=float, default=10.0, help="seconds of load over which memory is watched"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    given = parser.parse_args()
    many_files()
    only_core(1)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        plain = asyncio.run(usual(folder, min(given.singles, 3000)))
        found = {"naive_signals_per_s": round(plain), **asyncio.run(trial(folder, given))}
        found["ratio"] = round(found["single_signals_per_s"] / plain, 1)
        found |= looked_for(folder, found["acknowledged"])
    if given.json:
        print(json.dumps(found))
    else:
        for name, figure in found.items():
            print(f"{name:24} {figure}")
    return 0 if not found["lost"] and not found["duplicates"] else 1


def _time(minute: int) -> str:
    return f"{moment(START + 60 * minute):%Y-%m-%dT%H:%M:%SZ}"


def p99(seconds: list[float]) -> float:
    """Their 99th percentile, in milliseconds."""
    return round(1000 * statistics.quantiles(seconds, n=100)[98], 2)


def only_core(number: int) -> None:
    """Keep this process on one core, so that the server has the other."""
    if hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[number % len(cores)]})


def many_files() -> None:
    """Let this process hold as many connections as the machine allows."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


if __name__ == "__main__":
    raise SystemExit(main())
