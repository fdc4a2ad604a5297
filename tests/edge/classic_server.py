"""A classic server, written from the contract alone; runs in a thread of a test or as a process of its own.

As a process it makes a market, prints its address, and tells what it stored:
    python tests/edge/classic_server.py --ticker "AUDUSD S5" --history 1000
    GET /_stored      {"results": {...}, "duplicates": 0, "conflicts": 0, "only_close": 0}
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import threading
import time
from collections import defaultdict, deque
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

SECONDS = {
    "S1": 1,
    "S5": 5,
    "S10": 10,
    "S15": 15,
    "S30": 30,
    "M1": 60,
    "M3": 180,
    "M5": 300,
    "M10": 600,
    "M15": 900,
    "M30": 1800,
    "H1": 3600,
    "H4": 14400,
    "D1": 86400,
}

Ticker = tuple[str, str]
Key = tuple[str, str, str]


def spelled(opened: int, prices: tuple[float, float, float, float, float], as_text: bool = True) -> dict:
    """A bar as the classic protocol has it."""
    names = ("Open", "High", "Low", "Close", "Volume")
    when = datetime.fromtimestamp(opened, UTC).strftime("%Y-%m-%d %H:%M:%S")
    return {"Time": when} | {
        name: str(price) if as_text else price for name, price in zip(names, prices, strict=True)
    }


class ClassicServer:
    """Buffers by id, symbol and timeframe; results by symbol, timeframe and time.

    `piece` bars come in one answer of `getbars`; a `forming` bar is added to every history that is asked for.
    """

    def __init__(self, port: int = 0, *, piece: int = 1000, as_text: bool = True) -> None:
        self.piece = piece
        self.as_text = as_text
        self.bars: dict[Ticker, list[dict]] = defaultdict(list)
        self.forming: dict[Ticker, dict] = {}
        self.buffers: dict[Key, deque[dict]] = {}
        self.portfolio: list[dict] = []
        self.results: dict[tuple[str, str, str], dict] = {}
        self.duplicates = 0
        self.conflicts = 0
        self.only_close = 0
        self.calls: list[tuple[str, str, str]] = []
        self._lock = threading.Lock()
        self._http = _Http(("127.0.0.1", port), _Handler)
        self._http.server = self
        self.address = f"http://127.0.0.1:{self._http.server_address[1]}/"

    def __enter__(self) -> ClassicServer:
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()

    def close_bar(
        self, ticker: Ticker, opened: int, prices: tuple[float, float, float, float, float]
    ) -> None:
        """A bar is complete: it joins the history and every armed buffer of its ticker."""
        bar = spelled(opened, prices, self.as_text)
        with self._lock:
            self.bars[ticker].append(bar)
            for (_, *owner), buffer in self.buffers.items():
                if tuple(owner) == ticker:
                    buffer.append(bar)

    def rebalance(self, entries: list[dict]) -> None:
        """A new portfolio: told to everyone who has a buffer."""
        with self._lock:
            self.portfolio = entries
            self.only_close = 0
            for buffer in self.buffers.values():
                buffer.extend(entries)

    def fill(self, count: int, key: Key) -> str:
        with self._lock:
            ticker = key[1], key[2]
            held = self.bars[ticker] + ([self.forming[ticker]] if ticker in self.forming else [])
            self.buffers[key] = deque(held[-count:])
            return f"{len(self.buffers[key])} bars"

    def drain(self, key: Key) -> str:
        """Some bars or some entries, never both, oldest first; a line of chatter follows."""
        with self._lock:
            buffer = self.buffers.get(key, deque())
            given: list[dict] = []
            while buffer and len(given) < self.piece and (not given or _alike(given[0], buffer[0])):
                given.append(buffer.popleft())
        return json.dumps(given) + "\nthat is all\n"

    def store(self, body: str) -> str:
        said = json.loads(body)
        if isinstance(said, str):
            said = json.loads(said)
        key = (said["symbol"], said["timeframe"], said["exec_time"])
        with self._lock:
            held = self.results.setdefault(key, said["probas"])
            self.duplicates += held is not said["probas"] and held == said["probas"]
            self.conflicts += held != said["probas"]
        return "stored"

    def stored(self) -> str:
        with self._lock:
            results = {" ".join(key): probas for key, probas in self.results.items()}
            facts = {name: getattr(self, name) for name in ("duplicates", "conflicts", "only_close")}
        return json.dumps({"results": results, **facts})

    def answer(self, method: str, target: str, body: str) -> tuple[int, str]:
        """What this request is answered."""
        parts = urlsplit(target)
        query = dict(parse_qsl(parts.query))
        with self._lock:
            self.calls.append((method, target, body))
        match method, parts.path:
            case "GET", "/getportfolio":
                return 200, json.dumps(self.portfolio)
            case "GET", "/fillbars":
                return 200, self.fill(int(query["count"]), _key(query))
            case "GET", "/getbars":
                return 200, self.drain(_key(query))
            case "POST", "/result":
                return 200, self.store(body)
            case "GET", "/onlyclose":
                self.only_close += 1
                return 200, "closing"
            case "POST", "/rebalance":
                self.rebalance(json.loads(body))
                return 200, "rebalanced"
            case "GET", "/_stored":
                return 200, self.stored()
        return 404, "<html>not found</html>"


def _key(query: dict[str, str]) -> Key:
    return query["id"], query["symbol"], query["timeframe"]


def _alike(one: dict, other: dict) -> bool:
    return ("High" in one) == ("High" in other)


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256
    server: ClassicServer


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        status, text = self.server.server.answer(self.command, self.path, body)
        content = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = _serve

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Market:
    """A seeded walk that closes a bar of one ticker whenever the clock says so."""

    def __init__(self, server: ClassicServer, ticker: Ticker, history: int, seed: int) -> None:
        self._server = server
        self._ticker = ticker
        self._step = SECONDS[ticker[1]]
        self._chance = random.Random(f"{seed} {ticker}")
        self._price = 1.0
        now = int(time.time())
        self._next = now - now % self._step - history * self._step

    def catch_up(self) -> None:
        """Close every bar that is over."""
        while self._next + self._step <= time.time():
            opening, change = self._price, self._chance.gauss(0, 0.0005)
            close = max(0.1, opening + change)
            high = max(opening, close) + abs(self._chance.gauss(0, 0.0002))
            low = min(opening, close) - abs(self._chance.gauss(0, 0.0002))
            prices = (opening, high, low, close, float(self._chance.randrange(1, 1000)))
            self._server.close_bar(self._ticker, self._next, prices)
            self._price, self._next = close, self._next + self._step


def main() -> None:
    """Make a market until killed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--ticker", action="append", default=[])
    parser.add_argument("--history", type=int, default=1000)
    parser.add_argument("--piece", type=int, default=250)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    with ClassicServer(chosen.port, piece=chosen.piece) as server:
        markets = [Market(server, tuple(each.split()), chosen.history, chosen.seed) for each in chosen.ticker]
        for market in markets:
            market.catch_up()
        print(server.address, flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            while True:
                for market in markets:
                    market.catch_up()
                time.sleep(0.01)


if __name__ == "__main__":
    main()
