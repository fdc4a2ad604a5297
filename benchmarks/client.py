"""What one bar costs a worker's processor in HTTP: one signal posted and one long poll answered.

`ours` is the v1 client with its JSON in and out; `transport` the same requests without the JSON;
`http_client` and `requests` send and receive the same bytes, with the standard library's JSON. The server is
a process of its own, so only the client's processor time is counted.

    python -m benchmarks.client --bars 3000 --json
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import json
import multiprocessing
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime
from multiprocessing.connection import Connection

from live_trader.core.bars import Bar, Ticker
from live_trader.core.signals import Direction, Opinion, Signal
from live_trader.edge.client import connect
from live_trader.edge.client.transport import Transport
from live_trader.edge.client.waits import Waits
from live_trader.edge.clock import Clock
from live_trader.edge.settings import Address, Secret, Server, Settings
from live_trader.edge.wire import encode, v1

TICKER = Ticker.parse("AUDUSD M1")
OPENED = datetime(2024, 7, 15, 10, tzinfo=UTC)
ANSWER = v1.spell_bars(TICKER, [Bar(OPENED, 1.1, 1.2, 1.0, 1.15, 7.0)], 3, 0)
FILED = b'{"status":201,"seq":12345,"received_at":"2024-07-15T10:01:00.050000Z"}'
SIGNAL = Signal(
    "trader",
    TICKER,
    OPENED,
    Direction.LONG,
    {"LGBMClassifier~PC": Opinion(0.4123456789, 0.1, Direction.LONG)},
    "v7",
)
QUERY = v1.bars_query(TICKER, "trader", limit=500, after=OPENED, wait=20)
TOKEN = "x" * 43


def answer(pipe: Connection) -> None:
    """Answer every request at once with what a real server would say, headers included."""

    def spelled(status: bytes, body: bytes) -> bytes:
        head = b"HTTP/1.1 %s\r\ndate: Mon, 15 Jul 2024 10:01:00 GMT\r\ncontent-type: application/json\r\n"
        return (
            head % status + b"x-request-id: 0123456789abcdef\r\ncontent-length: %d\r\n\r\n" % len(body) + body
        )

    posted, polled = spelled(b"201 Created", FILED), spelled(b"200 OK", ANSWER)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            try:
                head = await reader.readuntil(b"\r\n\r\n")
            except asyncio.IncompleteReadError:
                return
            if head.startswith(b"POST"):
                lines = head.lower().split(b"\r\n")
                length = next(int(line[15:]) for line in lines if line.startswith(b"content-length:"))
                await reader.readexactly(length)
            writer.write(posted if head.startswith(b"POST") else polled)

    async def run() -> None:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        pipe.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(run())


def ours(port: int) -> Callable[[], None]:
    """The client as the worker uses it."""
    server = Server(address=f"http://127.0.0.1:{port}/", protocol="v1", token=Secret(TOKEN))
    client = connect(Settings(server=server)).__enter__()

    def bar() -> None:
        client.send([SIGNAL])
        assert client.next(TICKER, OPENED, 20).bars

    return bar


def transport(port: int) -> Callable[[], None]:
    """The requests alone."""
    ask = Transport(
        Address.parse(f"http://127.0.0.1:{port}/"),
        timeout=10,
        waits=Waits(),
        clock=Clock(),
        token=lambda: Secret(TOKEN),
    )
    body = encode(v1.spell_signal(SIGNAL))

    def bar() -> None:
        ask("POST", "v1/signals", body)
        ask("GET", QUERY, extra=20, breakable=True)

    return bar


def standard(port: int) -> Callable[[], None]:
    """The same with the standard library."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    facts = json.loads(encode(v1.spell_signal(SIGNAL)))
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}

    def bar() -> None:
        connection.request("POST", "/v1/signals", json.dumps(facts), headers)
        connection.getresponse().read()
        connection.request("GET", "/" + QUERY, headers=headers)
        assert json.loads(connection.getresponse().read())["bars"]

    return bar


def requested(port: int) -> Callable[[], None]:
    """The same with requests, as the original does."""
    import requests

    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {TOKEN}"
    facts = json.loads(encode(v1.spell_signal(SIGNAL)))
    base = f"http://127.0.0.1:{port}/"

    def bar() -> None:
        session.post(base + "v1/signals", json=facts, timeout=10)
        assert session.get(base + QUERY, timeout=30).json()["bars"]

    return bar


def measured(bar: Callable[[], None], bars: int) -> float:
    """Microseconds of processor time per bar: the median of ten runs."""
    runs = []
    for _ in range(10):
        begun = time.process_time()
        for _ in range(bars // 10):
            bar()
        runs.append((time.process_time() - begun) / (bars // 10) * 1e6)
    return statistics.median(runs)


def main() -> None:
    """Measure all four in one run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bars", type=int, default=3000)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    here, there = multiprocessing.Pipe()
    process = multiprocessing.Process(target=answer, args=(there,), daemon=True)
    process.start()
    port = here.recv()
    ways = {"ours": ours, "transport": transport, "http_client": standard, "requests": requested}
    facts = {f"{name}_us": round(measured(way(port), chosen.bars), 1) for name, way in ways.items()}
    facts["ratio_to_requests"] = round(facts["requests_us"] / facts["ours_us"], 1)
    process.terminate()
    if chosen.json:
        print(json.dumps(facts))
    else:
        for name, figure in facts.items():
            print(f"{name:20} {figure:10.1f}")


if __name__ == "__main__":
    main()
