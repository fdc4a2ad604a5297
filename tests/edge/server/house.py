"""A real server on a real socket, and somebody who speaks to it."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from live_trader.core.bars import moment
from live_trader.edge.clock import Clock
from live_trader.edge.server.options import ServerSettings
from live_trader.edge.server.running import Server
from live_trader.edge.server.tokens import Registry
from live_trader.edge.shelf import Shelf

START = 1_704_067_200
"""2024-01-01, the opening of the first bar of every test."""


class Hands(Clock):
    """A clock that stands where it is put."""

    def __init__(self) -> None:
        self.time = datetime(2024, 1, 2, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time

    def go(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


@dataclass
class Reply:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class House:
    """A running server, its folder, its clock and its own tokens."""

    server: Server
    folder: Path
    hands: Hands
    thread: threading.Thread
    tokens: dict[str, str] = field(default_factory=dict)

    @property
    def port(self) -> int:
        return self.server.port

    def ask(
        self,
        method: str,
        target: str,
        body: Any = None,
        holder: str | None = None,
        headers: dict[str, str] | None = None,
        timeout: float = 10.0,
    ) -> Reply:
        """One request by the holder of one of the farm's own tokens, or by nobody."""
        sent = {"content-type": "application/json", **(headers or {})}
        if holder is not None:
            sent["authorization"] = f"Bearer {self.tokens[holder]}"
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        connection.request(method, target, data, sent)
        answer = connection.getresponse()
        reply = Reply(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        connection.close()
        return reply

    def later(self, *args: Any, **kwargs: Any) -> Callable[[], Reply]:
        """The same request on a thread, which waits in the server by the time this returns."""
        replies: list[Reply] = []
        before = self.server.parts.hub.waiting
        thread = threading.Thread(target=lambda: replies.append(self.ask(*args, **kwargs)))
        thread.start()
        until(lambda: self.server.parts.hub.waiting > before)

        def reply() -> Reply:
            thread.join(10)
            assert replies, "no answer came"
            return replies[0]

        return reply

    def feed(self, *minutes: int, symbol: str = "AUDUSD", close: float = 1.5) -> Reply:
        """Store the M1 bars of these minutes."""
        body = {"symbol": symbol, "timeframe": "M1", "bars": [bar(each, close) for each in minutes]}
        return self.ask("POST", "/v1/bars", body, "feed")

    def stop(self) -> None:
        self.server.should_exit = True
        self.thread.join(15)
        assert not self.thread.is_alive(), "the server did not stop"


def text(minute: int) -> str:
    """When the bar of this minute opens, as v1 says it."""
    return f"{moment(START + 60 * minute):%Y-%m-%dT%H:%M:%SZ}"


def bar(minute: int, close: float = 1.5) -> dict[str, Any]:
    return {"time": text(minute), "open": 1.25, "high": 2.0, "low": 1.0, "close": close, "volume": 7.0}


def signal(minute: int, value: float = 1, **more: Any) -> dict[str, Any]:
    return {
        "id": "trader",
        "symbol": "AUDUSD",
        "timeframe": "M1",
        "bar_time": text(minute),
        "signal": value,
        "models": {"LGBMClassifier~PC": value},
        "probabilities": {"LGBMClassifier~PC": {"long": 0.41, "short": 0.12}},
        "bundle": "one",
        "late": False,
        **more,
    }


def until(true: Callable[[], bool], seconds: float = 10.0) -> None:
    """Wait for something to become true."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not become true"
        time.sleep(0.002)


def started(
    folder: Path, bots: tuple[str, ...] = ("trader",), shelf: Shelf | None = None, **given: Any
) -> House:
    """A server with these settings and this shelf of bundles, once it answers."""
    hands = Hands()
    tokens = Registry(folder, hands).ensure(bots)
    ready = threading.Event()
    server = Server(ServerSettings(**{"port": 0, **given}), folder, hands, lambda port: ready.set(), shelf)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    assert ready.wait(10), "the server did not become ready"
    return House(server, folder, hands, thread, tokens)
