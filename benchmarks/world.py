"""A world in memory for one bot: virtual time, a real server without sockets, a wire that fails at will."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import selectors
import sqlite3
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from live_trader.core.bars import Bar, Ticker, epoch, moment
from live_trader.edge.client.reply import Answer
from live_trader.edge.clock import Clock
from live_trader.edge.server.gate import Gate
from live_trader.edge.server.operations import operations
from live_trader.edge.server.options import ServerSettings
from live_trader.edge.server.parts import Parts
from live_trader.edge.server.tokens import Registry
from live_trader.errors import Interrupted, Unreachable

TICKER = Ticker.parse("AUDUSD M1")
STEP = TICKER.timeframe.seconds
START = 1_760_000_040
GRACE = 10.0
_TIMEOUT = 10.0
_TROUBLES = ("slow", "cut", "twice", "busy", "broken", "refused", "garbage", "killed", "killed after")


class Killed(BaseException):
    """The worker's process has ended, without a word."""


class _Impatient(selectors.DefaultSelector):
    """Never waits: time that nothing happens in is passed over."""

    passed = 0.0

    def select(self, timeout: float | None = None) -> Any:
        found = super().select(0)
        if not found:
            assert timeout is not None, "everybody waits for ever"
            self.passed += timeout
        return found


class Loop(asyncio.SelectorEventLoop):
    """An event loop in virtual time, in which what should run on a thread runs at once."""

    def __init__(self) -> None:
        self.selector = _Impatient()
        super().__init__(self.selector)

    def time(self) -> float:
        return self.selector.passed

    def run_in_executor(self, _: Any, call: Callable[..., Any], *given: Any) -> Any:
        done = self.create_future()
        try:
            done.set_result(call(*given))
        except Exception as fault:  # noqa: BLE001 - as the library does: whoever waits is told
            done.set_exception(fault)
        return done


@dataclass
class Watch(Clock):
    """The clock of one part, which may be wrong about the time of day."""

    loop: Loop
    draw: random.Random
    wrong: float = 0.0

    def now(self) -> datetime:
        return moment(START) + timedelta(seconds=self.loop.time() + self.wrong)

    def monotonic(self) -> float:
        return self.loop.time()

    def chance(self) -> float:
        return self.draw.random()


@dataclass
class World:
    """The server and everything between it and its clients; `trouble` is how often a request meets some."""

    folder: Path
    seed: int
    trouble: float = 0.0
    loop: Loop = field(default_factory=Loop)
    down: bool = False
    parted: bool = False
    doomed: bool = False
    ends: float = float("inf")
    polls: int = 0
    kills: int = 0
    heard: float = 0.0
    began: float = 0.0
    after_post: Callable[[], None] = lambda: None
    happened: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.draw = random.Random(self.seed)
        self.worker_clock = Watch(self.loop, random.Random(self.seed + 1))
        self.server_clock = Watch(self.loop, random.Random(self.seed + 2))
        self.tokens = Registry(self.folder, self.server_clock).ensure(("trader",))
        self.tasks: set[asyncio.Task[Any]] = set()
        self.changed = self.loop.create_future()
        self.faults: list[BaseException] = []
        self.loop.set_exception_handler(self._note)
        self.parts: Parts
        self.loop.run_until_complete(self.raise_server())

    async def raise_server(self) -> None:
        """Begin to serve from the folder, as after a start or a crash."""
        self.parts = Parts.of(ServerSettings(grace_s=GRACE), self.folder, self.server_clock)
        self.gate = Gate(self.parts, operations(with_classic=True), _nowhere)
        self.began, self.down = self.loop.time(), False

    async def kill_server(self) -> None:
        """End the server: who waits for an answer gets none."""
        if not self.down:
            self.down = True
            self.kills += 1
            self.stir()
            await self.parts.store.close()

    def stir(self) -> None:
        """Let every request on its way look at the world again."""
        changed, self.changed = self.changed, self.loop.create_future()
        changed.set_result(None)

    def later(self, work: Coroutine[Any, Any, None]) -> None:
        """Do this beside everything else."""
        task = self.loop.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self._done)

    def _note(self, _: Any, told: dict[str, Any]) -> None:
        fault = told.get("exception") or AssertionError(told["message"])
        if not (self.kills and isinstance(fault, sqlite3.ProgrammingError)):  # what a dead process was at
            self.faults.append(fault)

    def _done(self, task: asyncio.Task[Any]) -> None:
        self.tasks.discard(task)
        if not task.cancelled():
            task.result()

    def rest(self, seconds: float) -> None:
        """Let the worker sleep."""
        self.loop.run_until_complete(self._rest(seconds))

    async def _rest(self, seconds: float) -> None:
        until = self.loop.time() + seconds
        while (left := until - self.loop.time()) > 0:
            await asyncio.wait([self.changed], timeout=left)
            self.look()

    def look_for_faults(self) -> None:
        """Raise what broke on the side."""
        if self.faults:
            raise self.faults[0]

    def look(self) -> None:
        """Whether the worker still lives, and all is well with the world."""
        self.look_for_faults()
        if self.loop.time() >= self.ends:
            raise Interrupted("the story is over")
        if self.doomed:
            self.doomed = False
            raise Killed

    def ask(
        self, method: str, target: str, body: bytes = b"", *, extra: float = 0.0, breakable: bool = False
    ) -> Answer:
        """The worker's way to the server: the seam both protocols are built on."""
        return self.loop.run_until_complete(self._asked(method, target, body, _TIMEOUT + extra))

    async def _asked(self, method: str, target: str, body: bytes, limit: float) -> Answer:
        self.look()
        trouble = self.draw.choice(_TROUBLES) if self.draw.random() < self.trouble else ""
        if trouble == "garbage" and target == "result":
            trouble = "broken"  # a classic server acknowledges in words of its own, rubbish among them
        self.happened += [trouble] if trouble else []
        if trouble == "killed":
            raise Killed
        if trouble in _ANSWERS:
            await self._rest(0.01)
            return _ANSWERS[trouble]
        if trouble == "slow":
            delay = self.draw.choice((0.5, 5.0, 40.0))
            if delay > limit:
                self.later(self._delivered_late(method, target, body, delay))
                await self._rest(limit)
                raise Unreachable("it did not answer in time")
            await self._rest(delay)
        if trouble == "twice":
            await self._answer(method, target, body, limit)
        answer = await self._answer(method, target, body, limit)
        if trouble == "killed after":
            raise Killed
        if trouble == "cut":
            raise Unreachable("it broke off in the middle of its answer")
        return answer

    async def _delivered_late(self, method: str, target: str, body: bytes, delay: float) -> None:
        await asyncio.sleep(delay)
        if not self.down:
            await self.exchange(method, target.replace("&wait=", "&wait=0"), body)

    async def _answer(self, method: str, target: str, body: bytes, limit: float) -> Answer:
        """The answer, unless the way or the server breaks or the time is over first."""
        until = self.loop.time() + limit
        task = self.loop.create_task(self.exchange(method, target, body))
        try:
            while not (self.down or self.parted):
                left = until - self.loop.time()
                changed = self.changed
                await asyncio.wait([task, changed], timeout=left, return_when=asyncio.FIRST_COMPLETED)
                if task.done():
                    return task.result()
                self.look()
                if self.loop.time() >= until:
                    raise Unreachable("it did not answer in time")
            await self._rest(0.01)
            raise Unreachable("it cannot be reached")
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def exchange(self, method: str, target: str, body: bytes, holder: str = "bot-trader") -> Answer:
        """One request to the real application, and its answer."""
        path, _, query = target.partition("?")
        told = holder == "bot-trader" and (path == "v1/bars" or method == "POST")
        bearer = f"Bearer {self.tokens[holder]}".encode()
        scope = {
            "type": "http", "method": method, "path": f"/{path}", "query_string": query.encode(),
            "headers": [(b"authorization", bearer), (b"host", b"127.0.0.1")],
            "client": ("127.0.0.1", 1), "http_version": "1.1", "scheme": "http",
        }  # fmt: skip
        if not path.startswith("v1/"):
            scope["headers"] = [(b"host", b"127.0.0.1")]
        said = [{"type": "http.request", "body": body}]
        answer = Answer(0, {}, bytearray())

        async def receive() -> Any:
            return said.pop() if said else await self.loop.create_future()

        async def send(message: Any) -> None:
            nonlocal answer
            if message["type"] == "http.response.start":
                answer = answer._replace(status=message["status"], headers=dict(message["headers"]))
            else:
                answer.body.extend(message["body"])

        self.polls += told
        try:
            await self.gate(scope, receive, send)
        finally:
            self.polls -= told
            self.heard = self.loop.time() if told else self.heard
        if method == "POST" and path != "v1/bars":
            self.after_post()
        return answer

    async def feed(self, bars: list[Bar], *, once: bool = False) -> None:
        """Post these bars, again and again until the server has taken them, unless `once` is enough."""
        posted = [
            {
                "time": each.opened.isoformat(), "open": each.open, "high": each.high, "low": each.low,
                "close": each.close, "volume": each.volume,
            }
            for each in bars
        ]  # fmt: skip
        body = json.dumps(
            {"symbol": TICKER.symbol, "timeframe": TICKER.timeframe.name, "bars": posted}
        ).encode()
        while self.down or (await self.exchange("POST", "v1/bars", body, "feed")).status >= 500:
            if once:
                return
            await asyncio.sleep(1.0)

    def close(self) -> None:
        """Leave nothing behind."""

        async def end() -> None:
            for task in list(self.tasks):
                task.cancel()
            await asyncio.gather(*self.tasks, return_exceptions=True)
            if not self.down:
                await self.parts.store.close()

        self.loop.run_until_complete(end())
        self.loop.close()


async def _nowhere(*_: Any) -> None:
    raise AssertionError("nobody asks for a page here")


def bar(slot: int, close: float) -> Bar:
    """The bar of this slot."""
    return Bar(moment(START + STEP * slot), close, close + 1.0, close - 1.0, close, 10.0)


def slot_of(opened: datetime) -> int:
    """Which slot a bar of the world has."""
    return (epoch(opened) - START) // STEP


_ANSWERS = {
    "busy": Answer(429, {b"retry-after": b"3"}, bytearray()),
    "broken": Answer(503, {}, bytearray(b"<html>down for maintenance</html>")),
    "refused": Answer(404, {}, bytearray(b"not here")),
    "garbage": Answer(200, {}, bytearray(b'{"bars": [{"time": "2025-')),
}
