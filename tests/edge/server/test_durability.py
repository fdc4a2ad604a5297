"""A server killed at any moment has everything it acknowledged, and is back at once."""

from __future__ import annotations

import http.client
import json
import random
import signal as signals
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from live_trader.edge.clock import Clock
from live_trader.edge.server.tokens import Registry
from tests.edge.server.house import bar, signal

_SERVE = (
    "import sys; from pathlib import Path\n"
    "from live_trader.edge.server import serve\n"
    "from live_trader.edge.server.options import ServerSettings\n"
    "def ready(port): print(port, flush=True)\n"
    "serve(ServerSettings(port=0), Path(sys.argv[1]), bots=('trader',), on_ready=ready)"
)


class Process:
    """A server in a process of its own."""

    def __init__(self, folder: Path) -> None:
        began = time.monotonic()
        self.process = subprocess.Popen(
            [sys.executable, "-c", _SERVE, str(folder)], stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline())
        self.started_s = time.monotonic() - began
        self.tokens = Registry(folder, Clock()).own()

    def ask(self, method: str, target: str, body: Any = None, holder: str = "admin") -> tuple[int, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            headers = {"authorization": f"Bearer {self.tokens[holder]}"}
            connection.request(method, target, json.dumps(body) if body is not None else None, headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read() or b"null")
        finally:
            connection.close()

    def end(self, number: int) -> int:
        self.process.send_signal(number)
        code = self.process.wait(15)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code


def hammer(server: Process, writer: int, acknowledged: dict[str, set[int]], minute: int) -> None:
    """Post signals and bars until the server is gone, noting what it acknowledged."""
    try:
        while True:
            number = minute * 8 + writer
            status, _ = server.ask("POST", "/v1/signals", signal(number), "bot-trader")
            assert status == 201
            acknowledged["signals"].add(number)
            bars = {"symbol": "AUDUSD", "timeframe": "M1", "bars": [bar(number)]}
            status, _ = server.ask("POST", "/v1/bars", bars, "feed")
            assert status == 200
            acknowledged["bars"].add(number)
            minute += 1
    except (OSError, http.client.HTTPException):
        return


def minutes(rows: list[dict[str, Any]], name: str) -> set[int]:
    from live_trader.core.bars import epoch
    from live_trader.edge.wire.classic import read_time
    from tests.edge.server.house import START

    return {(epoch(read_time(row[name])) - START) // 60 for row in rows}


@pytest.mark.slow
def test_nothing_acknowledged_is_lost_when_the_server_is_killed(tmp_path: Path) -> None:
    draw = random.Random(20)
    acknowledged: dict[str, set[int]] = {"signals": set(), "bars": set()}
    for kill in range(5):
        server = Process(tmp_path)
        first = kill * 5000
        crowd = [
            threading.Thread(target=hammer, args=(server, writer, acknowledged, first)) for writer in range(8)
        ]
        for each in crowd:
            each.start()
        time.sleep(draw.uniform(0.05, 0.4))
        server.end(signals.SIGKILL)
        for each in crowd:
            each.join()
    assert len(acknowledged["signals"]) > 200
    server = Process(tmp_path)
    assert server.started_s < 2.5, "the process begins and its store is open"
    _, told = server.ask("GET", "/v1/signals?after=0&limit=10000")
    _, bars = server.ask("GET", "/v1/bars?symbol=AUDUSD&timeframe=M1&limit=10000")
    assert acknowledged["signals"] <= minutes(told["signals"], "bar_time")
    assert acknowledged["bars"] <= minutes(bars["bars"], "time")
    assert not (tmp_path / "damaged").exists()
    seqs = [each["seq"] for each in told["signals"]]
    assert seqs == sorted(set(seqs))
    assert server.end(signals.SIGTERM) == 0


def test_a_server_told_to_stop_answers_who_waits_and_ends_well(tmp_path: Path) -> None:
    server = Process(tmp_path)
    replies: list[Any] = []
    target = "/v1/bars?symbol=AUDUSD&timeframe=M1&wait=30"
    waiting = threading.Thread(target=lambda: replies.append(server.ask("GET", target)))
    waiting.start()
    time.sleep(0.3)
    began = time.monotonic()
    assert server.end(signals.SIGTERM) == 0
    waiting.join()
    assert time.monotonic() - began < 3
    ((status, body),) = replies
    assert (status, body["bars"]) == (200, [])


def test_a_seq_goes_on_where_it_was_and_keeps_its_order(tmp_path: Path) -> None:
    found = []
    for minute in range(2):
        server = Process(tmp_path)
        found.append(server.ask("POST", "/v1/signals", signal(minute), "bot-trader")[1]["seq"])
        server.end(signals.SIGKILL)
    assert found[0] < found[1]
