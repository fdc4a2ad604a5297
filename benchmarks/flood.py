"""What the bots of one server feel of 2,000 idle connections and of 5,000 bad requests a second.

Bots wait for their bars in long polls and post a signal for each; timed is the whole way, from the moment a
bar is posted until the bot's signal is acknowledged, which is when it is durable. Quiet spells and spells
under attack take turns, in one run against one server, so that both meet the same machine. The attack holds
idle connections and sends, over connections that stay and over new ones, what is no HTTP, paths and methods
that do not exist, bodies and queries that make no sense, and guessed tokens. All of it stays on the loopback.

    python -m benchmarks.flood [--json]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import multiprocessing
import os
import socket
import statistics
import struct
import tempfile
import time
from collections import deque
from itertools import count, cycle
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import psutil

from benchmarks.server import bars, many_files, only_core, p99, process
from live_trader.core.bars import moment
from live_trader.edge.clock import Clock
from live_trader.edge.server import serve
from live_trader.edge.server.options import ServerSettings
from live_trader.edge.server.tokens import Registry

BOT = "trader"
_START = 1_600_000_000 // 60 * 60
_STAYING = 100
_TICK_S = 0.002
_MOST_AT_ONCE_S = 0.01  # what a busy machine kept back for longer is dropped, not sent in one burst
_NEW_EACH = 5  # one of so many bad requests comes on a connection of its own
_LINGER_S = 0.05
_RESET = struct.pack("ii", 1, 0)
_LONGEST_S = 120.0

_HEAD = b" HTTP/1.1\r\nhost: 127.0.0.1\r\n"
_GUESS = b"POST /v1/signals" + _HEAD + b"authorization: Bearer guessed\r\ncontent-length: 2\r\n\r\n{}"
_STAYS = (
    b"GET /nowhere" + _HEAD + b"\r\n",
    b"DELETE /v1/signals" + _HEAD + b"\r\n",
    b"POST /result" + _HEAD + b'content-length: 9\r\n\r\n{"High":[',
    b"GET /getbars?symbol=..%2F..&timeframe=M1&id=x" + _HEAD + b"\r\n",
)
"""Bad requests after which a connection can go on."""
_NEW = (_GUESS, b"\x16\x03\x01\x02\x00\x01\x00hello\r\n\r\n", b"GET /" + b"a" * 20_000, _GUESS)
"""Bad requests that are answered late, or with the end of their connection."""


def served(pipe: Connection, folder: Path) -> None:
    """The server as it is, on a core of its own where there are several."""
    only_core(0)
    logging.getLogger().addHandler(logging.NullHandler())
    serve(ServerSettings(port=0), folder, bots=(BOT,), on_ready=pipe.send)


def attack(pipe: Connection, given: tuple[int, int, int]) -> None:
    """Floods while the last word it heard was yes, and tells at each no what it has done."""
    many_files()
    only_core(1)
    # What is measured is the server, not who of its callers gets the other core.
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    asyncio.run(Attacker(*given).obey(pipe))


class Attacker:
    """Idle connections, and so many bad requests a second while it is let."""

    def __init__(self, port: int, rate: int, idle: int) -> None:
        self._port = port
        self._rate = rate
        self._idle = idle
        self.sent = self.refused = self.let_in = self.seconds = 0

    async def obey(self, pipe: Connection) -> None:
        """Do as the pipe says until it says nothing more, or for two minutes at most."""
        loop = asyncio.get_running_loop()
        until = loop.time() + _LONGEST_S
        while loop.time() < until and await asyncio.to_thread(pipe.poll, until - loop.time()):
            pipe.recv()
            idle = [await self._connect(asyncio.Protocol) for _ in range(self._idle)]
            stay = deque([await self._stayer() for _ in range(_STAYING)])
            began = loop.time()
            pipe.send(None)
            await self._flood(pipe, stay)
            self.seconds += loop.time() - began
            pipe.recv()
            for each in [*idle, *stay]:
                each.abort()
            pipe.send((self.sent, self.refused, self.let_in, self.seconds))

    async def _stayer(self) -> Any:
        return await self._connect(lambda: Answered(self))

    async def _flood(self, pipe: Connection, stay: deque[Any]) -> None:
        loop = asyncio.get_running_loop()
        began, done, bad, fresh = loop.time(), 0, cycle(_STAYS), cycle(_NEW)
        while not pipe.poll() and loop.time() - began < _LONGEST_S:
            upto = int((loop.time() - began) * self._rate)
            due, done = min(upto - done, int(_MOST_AT_ONCE_S * self._rate)), upto
            new = due // _NEW_EACH
            for _ in range(due - new):
                line = stay.popleft()
                if line.is_closing():
                    line = await self._stayer()
                line.write(next(bad))
                stay.append(line)
            self.sent += due - new
            await asyncio.gather(*(self._once(next(fresh)) for _ in range(new)))
            await asyncio.sleep(_TICK_S)

    async def _once(self, bad: bytes) -> None:
        try:
            transport = await self._connect(lambda: Answered(self, once=True))
        except OSError:
            self.refused += 1
        else:
            transport.write(bad)
            asyncio.get_running_loop().call_later(_LINGER_S, transport.abort)
        self.sent += 1

    async def _connect(self, kind: Any) -> Any:
        ours = socket.socket()
        ours.setblocking(False)
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)  # leaves no port behind that waits
        loop = asyncio.get_running_loop()
        try:
            await loop.sock_connect(ours, ("127.0.0.1", self._port))
        except OSError:
            ours.close()
            raise
        return (await loop.create_connection(kind, sock=ours))[0]


class Answered(asyncio.Protocol):
    """A connection of the attacker: counts what the server said, one no for a connection that is ended."""

    def __init__(self, attacker: Attacker, *, once: bool = False) -> None:
        self._attacker = attacker
        self._once = once

    def data_received(self, data: bytes) -> None:
        self._attacker.refused += (said := data.count(b"HTTP/1.1 4"))
        self._attacker.let_in += data.count(b"HTTP/1.1 ") - said
        self._once = self._once and not said

    def connection_lost(self, _: Exception | None) -> None:
        self._attacker.refused += self._once


class Bots:
    """Some bots that answer every bar they are given, and how long that took."""

    def __init__(self, port: int, tokens: dict[str, str], number: int) -> None:
        self._port = port
        self._tokens = tokens
        self._minutes = [count(1) for _ in range(number)]
        self.failed = 0

    async def spell(self, seconds: float, every: float) -> list[float]:
        """For so many seconds a bar for each bot every so often; how long each signal took."""
        until = time.perf_counter() + seconds
        taken = [self._live(bot, until, every) for bot in range(len(self._minutes))]
        return [each for one in await asyncio.gather(*taken) for each in one]

    async def _live(self, bot: int, until: float, every: float) -> list[float]:
        feed, trader = await Line.to(self._port), await Line.to(self._port)
        symbol, found = f"T{bot:03}", []
        await asyncio.sleep(every * bot / len(self._minutes))
        while time.perf_counter() < until:
            minute = next(self._minutes[bot])
            began = time.perf_counter()
            after = f"symbol={symbol}&timeframe=M1&id={BOT}&after={_time(minute - 1)}&wait=10"
            poll = asyncio.create_task(trader.ask("GET", f"/v1/bars?{after}", self._tokens[f"bot-{BOT}"]))
            await asyncio.sleep(every / 4)
            posted = time.perf_counter()
            told = asyncio.create_task(
                feed.ask("POST", "/v1/bars", self._tokens["feed"], bars(minute, 1, symbol))
            )
            got = await poll
            body = json.dumps(_signal(symbol, minute)).encode()
            stored = await trader.ask("POST", "/v1/signals", self._tokens[f"bot-{BOT}"], body)
            found.append(time.perf_counter() - posted)
            self.failed += (await told, got, stored) != (200, 200, 201)
            await asyncio.sleep(max(0.0, every - (time.perf_counter() - began)))
        feed.close()
        trader.close()
        return found


class Line:
    """A keep-alive connection that asks one thing after the other."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def to(cls, port: int) -> Line:
        """A new connection to this port."""
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def ask(self, method: str, target: str, token: str, body: bytes = b"") -> int:
        """The status of the answer, once all of it is here."""
        head = f"{method} {target} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {token}\r\n"
        head += f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        self._writer.write(head.encode() + body)
        said = await self._reader.readuntil(b"\r\n\r\n")
        length = next(line for line in said.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        await self._reader.readexactly(int(length.partition(b":")[2]))
        return int(said.split(b" ", 2)[1])

    def close(self) -> None:
        """Hang up."""
        self._writer.close()


async def trial(folder: Path, given: argparse.Namespace) -> dict[str, Any]:
    """Quiet and attacked spells in turn, and what the bots felt in each."""
    with process(served, folder) as (server, pipe):
        port, clock = pipe.recv(), psutil.Process(server.pid).cpu_times
        bots = Bots(port, Registry(folder, Clock()).own(), given.bots)
        await bots.spell(2.0, given.every)
        quiet: list[float] = []
        flooded: list[float] = []
        busy = 0.0
        with process(attack, (port, given.rate, given.idle)) as (_, order):
            for _ in range(given.rounds):
                quiet += await bots.spell(given.seconds, given.every)
                order.send(None)
                await asyncio.to_thread(order.recv)
                busy -= sum(clock()[:2])
                flooded += await bots.spell(given.seconds, given.every)
                busy += sum(clock()[:2])
                order.send(None)
                sent, refused, let_in, seconds = await asyncio.to_thread(order.recv)
    before, after = p99(quiet), p99(flooded)
    return {
        "bots": given.bots,
        "idle": given.idle,
        "signals_quiet": len(quiet),
        "signals_flood": len(flooded),
        "p50_ms_quiet": round(1000 * statistics.median(quiet), 2),
        "p50_ms_flood": round(1000 * statistics.median(flooded), 2),
        "p99_ms_quiet": before,
        "p99_ms_flood": after,
        "ratio": round(after / before, 2),
        "bad_per_s": round(sent / seconds),
        "server_busy": round(busy / seconds, 2),
        "refused": refused,
        "let_in": let_in,
        "failed": bots.failed,
    }


def main(arguments: list[str] | None = None) -> int:
    """Measure and tell; 1 when a signal was lost or a bad request got through."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.flood",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--rounds", type=int, default=3, help="quiet and attacked spells")
    parser.add_argument("--seconds", type=float, default=6.0, help="how long a spell is")
    parser.add_argument("--bots", type=int, default=50)
    parser.add_argument("--every", type=float, default=0.5, help="seconds from one bar of a bot to its next")
    parser.add_argument("--rate", type=int, default=5000, help="bad requests a second")
    parser.add_argument("--idle", type=int, default=2000, help="connections that say nothing")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    given = parser.parse_args(arguments)
    many_files()
    only_core(1)
    with tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(trial(Path(folder), given))
    print(json.dumps(found) if given.json else "\n".join(f"{k:14} {v}" for k, v in found.items()))
    return 1 if found["failed"] or found["let_in"] else 0


def _signal(symbol: str, minute: int) -> dict[str, Any]:
    return {
        "id": BOT, "symbol": symbol, "timeframe": "M1", "bar_time": _time(minute), "signal": 1,
        "models": {"LGBMClassifier~PC": 1},
        "probabilities": {"LGBMClassifier~PC": {"long": 0.41, "short": 0.12}}, "bundle": "one", "late": False,
    }  # fmt: skip


def _time(minute: int) -> str:
    return f"{moment(_START + 60 * minute):%Y-%m-%dT%H:%M:%SZ}"


if __name__ == "__main__":
    multiprocessing.freeze_support()
    raise SystemExit(main())
