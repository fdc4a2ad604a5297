"""A worker in front of a hostile server loses neither its time nor its memory."""

from __future__ import annotations

import gzip
import json
import socket
import subprocess
import sys
import time

HEAD = b"HTTP/1.1 200 OK\r\n"
BAR = b'{"Time":"2024-07-15 10:00:00","Open":1.5,"High":1.5,"Low":1.5,"Close":1.5,"Volume":1.5}'
TINY = b'{"High":1}'
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"

PROGRAM = """
import json, sys, time
from datetime import datetime, UTC
from live_trader.core.bars import Ticker
from live_trader.edge.client import connect
from live_trader.edge.settings import Classic, Server, Settings
from live_trader.errors import TraderError

ticker = Ticker.parse("AUDUSD M1")
def peak():
    # the most memory this process ever held, in kB; getrusage would count what its parent held
    with open("/proc/self/status") as status:
        return int(next(line for line in status if line.startswith("VmHWM")).split()[1])

before, said = peak(), []
for address in sys.argv[1:]:
    server = Server(address=address, protocol="classic", timeout_s=1.0)
    settings = Settings(server=server, classic=Classic(poll_s=0.05))
    with connect(settings) as server:
        begun = time.monotonic()
        try:
            news = server.next(ticker, datetime(2024, 7, 15, tzinfo=UTC), 0.1)
            outcome = f"{len(news.bars)} bars, {len(news.refused)} refused"
        except TraderError as fault:
            outcome = f"{type(fault).__name__}: {fault}"
        said.append([outcome, time.monotonic() - begun, peak() - before])
print(json.dumps(said))
"""


def answers(*pieces: bytes, again: int = 1, pause: float = 0.0):
    def behave(wire: socket.socket, _: int) -> None:
        wire.recv(65536)
        for piece in pieces:
            for _ in range(again):
                wire.sendall(piece)
                time.sleep(pause)

    return behave


def sized(body: bytes, *more: bytes) -> bytes:
    return HEAD + b"".join(more) + b"Content-Length: %d\r\n\r\n" % len(body) + body


def flood(start: bytes, part: bytes, count: int, end: bytes):
    return answers(sized(start + part * count + end))


def half_open(wire: socket.socket, _: int) -> None:
    wire.recv(65536)
    wire.shutdown(socket.SHUT_WR)
    time.sleep(3)


def honest(wire: socket.socket, _: int) -> None:
    """HTTP/1.1 that closes after every answer without a word."""
    wire.recv(65536)
    wire.sendall(sized(b"[" + BAR + b"]"))


BEHAVIOURS = {
    "slow loris": (answers(*[bytes([byte]) for byte in sized(BAR)], pause=0.05), "Unreachable"),
    "headers one by one": (answers(HEAD, *[b"X: y\r\n"] * 100, pause=0.1), "Unreachable"),
    "half open": (half_open, "Unreachable"),
    "deaf": (lambda wire, _: time.sleep(3), "Unreachable"),
    "redirect elsewhere": (
        answers(b"HTTP/1.1 302 Found\r\nLocation: http://elsewhere.example/\r\nContent-Length: 0\r\n\r\n"),
        "BadAnswer: getbars: the server sends us elsewhere, to http://elsewhere.example/",
    ),
    "gzip bomb": (answers(sized(gzip.compress(bytes(1 << 26)), b"Content-Encoding: gzip\r\n")), "BadAnswer"),
    "1 GB announced": (answers(HEAD + b"Content-Length: 1073741824\r\n\r\n", b"[" * 65536), "BadAnswer"),
    "1 GB in chunks": (answers(CHUNKED, *[b"10000\r\n" + b"[" * 65536 + b"\r\n"] * 16_384), "BadAnswer"),
    "1 GB until the end": (answers(b"HTTP/1.0 200 OK\r\n\r\n", *[b"[" * 65536] * 16_384), "BadAnswer"),
    "one header of 1 GB": (answers(HEAD + b"X: ", *[b"y" * 65536] * 16_384), "BadAnswer"),
    "length too short": (answers(HEAD + b"Content-Length: 5\r\n\r\n[" + BAR + b"]"), "BadAnswer"),
    "length too long": (answers(HEAD + b"Content-Length: 5000\r\n\r\n[" + BAR + b"]"), "Unreachable"),
    "HTTP/1.0": (answers(b"HTTP/1.0 200 OK\r\n\r\n[" + BAR + b"]"), "1 bars, 0 refused"),
    "keep-alive closed": (honest, "1 bars, 0 refused"),
    "the most bars that fit": (flood(b"[", BAR + b",", 19_000, BAR + b"]"), "19001 bars"),
    "many tiny bars": (flood(b"[", TINY + b",", 19_000, TINY + b"]"), "0 bars, 19001 refused"),
    "a flood of tiny bars": (flood(b"[", TINY + b",", 350_000, TINY + b"]"), "BadAnswer"),
    "a flood of members": (flood(b'[{"positive_group":{', b'"a":1,', 600_000, b'"b":1}}]'), "BadAnswer"),
    "a flood of brackets": (flood(b"", b"[", 4_000_000, b""), "BadAnswer"),
    "a flood of numbers": (flood(b"[", b"1,", 2_000_000, b"1]"), "BadAnswer"),
    "a text of 4 MB": (flood(b'["', b"x", 4_000_000, b'"]'), "BadAnswer"),
    "a time of 4 MB": (flood(b'[{"High":1,"Time":"', b"x", 4_000_000, b'"}]'), "0 bars, 1 refused"),
    "a number of 4 MB": (flood(b'[{"High":', b"1", 4_000_000, b"}]"), "BadAnswer"),
    "a price of 4 MB": (flood(b'[{"Open":"', b"1", 4_000_000, b'","High":1}]'), "0 bars, 1 refused"),
}  # fmt: skip


def test_no_server_costs_a_worker_its_time_or_its_memory(hostile):
    """One client meets them all: each costs at most its timeout, and together less than 50 MB."""
    servers = [hostile(behave) for behave, _ in BEHAVIOURS.values()]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *(server.address for server in servers)],
        capture_output=True,
        text=True,
        check=True,
        timeout=100,
    )
    met = dict(zip(BEHAVIOURS, json.loads(done.stdout), strict=True))
    for name, (outcome, seconds, _) in met.items():
        assert outcome.startswith(BEHAVIOURS[name][1]), f"{name}: {outcome}"
        assert len(outcome) < 500
        assert seconds < 1.6, f"{name} took {seconds} s"
    grown = {name: kilobytes for name, (_, _, kilobytes) in met.items()}
    assert max(grown.values()) < 50 * 1024, grown
