"""A real farm in processes of its own, for programs that measure it or disturb it."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from live_trader.core.bars import Bar, Ticker, epoch
from live_trader.errors import TraderError
from live_trader.farm.control import ask
from live_trader.farm.pulse import Beat, Phase, Pulse, path_of

ROOT = Path(__file__).resolve().parent.parent


@dataclass
class Farmstead:
    """A folder with settings and bundles, and the farm that runs from it."""

    folder: Path
    tickers: Sequence[Ticker]
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    port: int = field(default_factory=lambda: free_port())
    process: subprocess.Popen[bytes] | None = None

    @property
    def work(self) -> Path:
        return self.folder / "work_dir"

    @property
    def models(self) -> Path:
        return self.folder / "models"

    def configure(self) -> Path:
        """Write the settings file."""
        farm = {
            "work_path": str(self.work),
            "models_path": str(self.models),
            "tickers": [str(ticker) for ticker in self.tickers],
            **self.settings.get("farm", {}),
        }
        rest = {name: each for name, each in self.settings.items() if name not in ("farm", "server.embedded")}
        embedded = {"port": self.port, **self.settings.get("server.embedded", {})}
        path = self.folder / "instant_trader.toml"
        path.write_text(_toml({"farm": farm, "server.embedded": embedded, **rest}))
        return path

    def start(self, *verb: str) -> None:
        """Start the farm, or one part of it, in a process of its own."""
        log = (self.folder / "out.txt").open("ab")
        words = verb or ("run",)
        self.process = subprocess.Popen(
            [sys.executable, str(ROOT / "instant_trader.py"), *words, "--config", str(self.configure())],
            cwd=self.folder, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
        )  # fmt: skip

    def say(self, *words: str) -> tuple[int, Any, str]:
        """Run one verb to its end: its exit code, what it printed (JSON as it reads), and its errors."""
        done = subprocess.run(
            [sys.executable, str(ROOT / "instant_trader.py"), *words, "--config", str(self.configure())],
            cwd=self.folder, capture_output=True, text=True,
            timeout=60, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        out = json.loads(done.stdout) if "--json" in words and done.stdout else done.stdout
        return done.returncode, out, done.stderr

    def stop(self, timeout: float = 40.0) -> int:
        """Ask for the end by TERM, and give the exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout)

    def kill(self) -> None:
        """End whatever is left, at once."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def status(self) -> dict[str, Any]:
        """What the farm says of itself."""
        return ask(self.work / "run", "status")

    def pids(self) -> dict[str, int]:
        """The processes of the farm's children by name."""
        try:
            return {each["name"]: each["pid"] for each in self.status()["children"] if each["pid"]}
        except TraderError:
            return {}

    def beats(self) -> dict[Ticker, Beat]:
        """The page of every worker that has written one."""
        pages = {ticker: Pulse.watch(path_of(self.work / "run", ticker)) for ticker in self.tickers}
        found = {ticker: page.read() for ticker, page in pages.items() if page}
        for page in pages.values():
            if page:
                page.close()
        return {ticker: beat for ticker, beat in found.items() if beat}

    def serving(self) -> int:
        """How many workers are primed and wait for their next bar."""
        return sum(beat.phase is Phase.SERVING for beat in self.beats().values())

    def until_serving(self, seconds: float = 120.0) -> float:
        """Wait until every worker serves, and give how long it took."""
        begun = time.monotonic()
        while self.serving() < len(self.tickers):
            if time.monotonic() - begun > seconds:
                raise TimeoutError(f"{self.serving()} of {len(self.tickers)} serve: {self.output()[-2000:]}")
            time.sleep(0.05)
        return time.monotonic() - begun

    def output(self) -> str:
        """What the farm printed."""
        return (self.folder / "out.txt").read_text(errors="replace")

    def token(self, scope: str) -> str:
        """One of the tokens the server made at its first start."""
        kept = json.loads((self.work / "server" / "own-tokens.json").read_text())
        return str(kept["tokens"][scope])


class Caller:
    """A plain keep-alive connection to the farm's server, as another program would make it."""

    def __init__(self, port: int, token: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._head = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def call(self, method: str, path: str, body: object = None) -> Any:
        """The JSON answer, or an error with the whole answer."""
        sent = None if body is None else json.dumps(body).encode()
        self._connection.request(method, path, sent, self._head)
        answer = self._connection.getresponse()
        text = answer.read()
        if answer.status >= 400:
            raise RuntimeError(f"{method} {path}: {answer.status} {text[:500]!r}")
        return json.loads(text)

    def post_bars(self, ticker: Ticker, bars: Iterable[Bar]) -> None:
        """Have these bars stored."""
        listed = list(bars)
        for start in range(0, len(listed), 2000):
            self.call("POST", "/v1/bars", bars_body(ticker, listed[start : start + 2000]))

    def newest(self, ticker: Ticker) -> int | None:
        """When the newest stored bar of this ticker opened."""
        where = f"symbol={ticker.symbol}&timeframe={ticker.timeframe.name}&limit=1"
        bars = self.call("GET", f"/v1/bars?{where}")["bars"]
        return int(datetime.fromisoformat(bars[-1]["time"]).timestamp()) if bars else None

    def bars(self, ticker: Ticker) -> list[str]:
        """When every stored bar of this ticker opened, as the server spells it."""
        times: list[str] = []
        where = f"symbol={ticker.symbol}&timeframe={ticker.timeframe.name}&limit=10000"
        after = "1970-01-01T00:00:00Z"
        while page := self.call("GET", f"/v1/bars?{where}&after={after}")["bars"]:
            times += [each["time"] for each in page]
            after = times[-1]
        return times

    def signals(self, ticker: Ticker, bot: str = "trader") -> list[dict[str, Any]]:
        """Every stored signal of a bot for this ticker, oldest first."""
        found: list[dict[str, Any]] = []
        after = 0
        where = f"symbol={ticker.symbol}&timeframe={ticker.timeframe.name}&id={bot}&limit=10000"
        while page := self.call("GET", f"/v1/signals?{where}&after={after}")["signals"]:
            found += page
            after = page[-1]["seq"]
        return found


def bars_body(ticker: Ticker, bars: Iterable[Bar]) -> dict[str, Any]:
    """Bars as a feed posts them."""
    return {
        "symbol": ticker.symbol,
        "timeframe": ticker.timeframe.name,
        "bars": [
            {
                "time": each.opened.isoformat(), "open": each.open, "high": each.high,
                "low": each.low, "close": each.close, "volume": each.volume,
            }
            for each in bars
        ],
    }  # fmt: skip


def free_port() -> int:
    """A loopback port nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answering(port: int, seconds: float = 30.0) -> None:
    """Wait until something listens on this port."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


def memory(pid: int) -> tuple[float, float]:
    """Resident and proportional set size of a process, in MB."""
    sizes = {"Rss": 0.0, "Pss": 0.0}
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        name, _, rest = line.partition(":")
        if name in sizes:
            sizes[name] = int(rest.split()[0]) / 1024
    return sizes["Rss"], sizes["Pss"]


def alive(pid: int) -> bool:
    """Whether a process of this number still runs."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().split(") ")[1][0] != "Z"


def missing(bars: Iterable[Bar], signals: Iterable[Mapping[str, Any]], first: int) -> list[int]:
    """The bars, by when they opened, that closed from the first answered one on and have no signal."""
    answered = {each["bar_time"] for each in signals}
    return [
        epoch(bar.opened)
        for bar in bars
        if epoch(bar.opened) >= first and f"{bar.opened:%Y-%m-%dT%H:%M:%SZ}" not in answered
    ]


def _toml(sections: Mapping[str, Mapping[str, Any]]) -> str:
    lines: list[str] = []
    for name, section in sections.items():
        lines.append(f"[{name}]")
        lines += [f"{key} = {json.dumps(value)}" for key, value in section.items()]
    return "\n".join(lines) + "\n"
