"""How many tickers a machine carries: one worker and one server, measured while they do their work."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from socket import socket

from live_trader.core.bars import Ticker, Timeframe, epoch
from live_trader.edge.client import connect_feed
from live_trader.edge.clock import Clock
from live_trader.edge.feeds.simulated import Market
from live_trader.edge.settings import Farm, Server, ServerSettings, Settings
from live_trader.edge.shelf import Shelf
from live_trader.errors import BadSettings, TimedOut
from live_trader.farm.children import page_of, run_path, serve, work
from live_trader.farm.pulse import Beat, Phase, Pulse, path_of
from live_trader.farm.standin import standin
from live_trader.farm.supervisor import context

_TICKER = Ticker("MEASURED", Timeframe.M1)
_HISTORY, _FIRST, _BARS = 700, 20, 200  # bars stored before, answered before measuring, and measured
_TREES, _LEAVES = 100, 31
_PATIENCE, _LOOK = 30.0, 0.002
_MOST_BUSY = 0.5  # of all processors, so that there is room for what was not foreseen
_MOST_FILLED = 0.8  # of the memory that is free now
_MB = 1024.0
_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Capacity:
    """What was measured on this machine, and what follows for bars of one timeframe."""

    timeframe: str
    cores: int
    free_mb: float
    worker_mb: float
    worker_ms: float
    server_ms: float
    tickers: int
    limit: str
    last_signal_s: float
    within_a_second: int


def measure(timeframe: Timeframe) -> Capacity:
    """Run a worker and a server through some bars, in a folder of their own, and add up what they cost."""
    if not (_PROC / "self" / "smaps_rollup").exists():
        raise BadSettings("what a process costs can only be measured on Linux", "Plan on a machine like it")
    cores, free = len(os.sched_getaffinity(0)), _free_mb()
    worker_mb, worker_s, server_s = _costs()
    by_memory = int(_MOST_FILLED * free / worker_mb)
    by_time = int(_MOST_BUSY * cores * timeframe.seconds / (worker_s + server_s))
    tickers = max(1, min(by_memory, by_time))
    together = max((worker_s + server_s) / cores, server_s)  # the server is one process
    return Capacity(
        timeframe=timeframe.name,
        cores=cores,
        free_mb=round(free),
        worker_mb=round(worker_mb, 1),
        worker_ms=round(1000 * worker_s, 2),
        server_ms=round(1000 * server_s, 2),
        tickers=tickers,
        limit="memory" if by_memory <= by_time else "processors",
        last_signal_s=round(tickers * together, 2),
        within_a_second=int(1 / together),
    )


def _costs() -> tuple[float, float, float]:
    """Memory in MB of one more worker, and the seconds of processor that it and the server take for a bar."""
    with tempfile.TemporaryDirectory(prefix="plan-") as folder:
        settings = _settings(Path(folder))
        shelf, now = Shelf.of(settings), Clock().now()
        shelf.save(standin(_TICKER, _TREES, _LEAVES), now)
        shelf.deploy(_TICKER, force=True, at=now)
        market = Market(_TICKER, 1)
        bars = list(market.history(epoch(now) - 60, _HISTORY + _FIRST + _BARS))
        with _running(settings) as pids, connect_feed(settings) as feed:
            feed.store(_TICKER, bars[:_HISTORY])
            _until(settings, epoch(bars[_HISTORY - 1].opened))
            before: Mapping[str, float] = {}
            for number, bar in enumerate(bars[_HISTORY:]):
                if number == _FIRST:
                    before = {name: _processor_s(pid) for name, pid in pids.items()}
                feed.store(_TICKER, [bar])
                _until(settings, epoch(bar.opened))
            spent = {name: (_processor_s(pid) - before[name]) / _BARS for name, pid in pids.items()}
            return _own_mb(pids["worker"]), spent["worker"], spent["server"]


def _settings(folder: Path) -> Settings:
    with socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    farm = Farm(work_path=str(folder / "work_dir"), models_path=str(folder / "models"))
    return Settings(farm=farm, server=Server(embedded=ServerSettings(port=port)))


@contextmanager
def _running(settings: Settings) -> Iterator[dict[str, int]]:
    """A server and a worker in processes like the farm's, by name with their numbers."""
    spawner = context("auto", "live_trader.farm.warm")
    children: dict[str, BaseProcess] = {
        "server": spawner.Process(target=serve, args=(settings,)),
        "worker": spawner.Process(target=work, args=(settings, str(_TICKER))),
    }
    try:
        for name, child in children.items():
            child.start()
            if name == "server":
                _wait(page_of(settings, "server"), lambda beat: beat.phase is Phase.SERVING)
        yield {name: child.pid or 0 for name, child in children.items()}
    finally:
        for child in reversed(children.values()):
            if child.pid:
                child.terminate()
                child.join(_PATIENCE)


def _until(settings: Settings, opened: int) -> None:
    """Wait until the worker has answered the bar that opened then."""
    page = path_of(run_path(settings), _TICKER)
    _wait(page, lambda beat: beat.phase is Phase.SERVING and beat.last_bar >= opened)


def _wait(path: Path, come: Callable[[Beat], bool]) -> None:
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        page = Pulse.watch(path)
        if page is not None:
            beat = page.read()
            page.close()
            if beat is not None and come(beat):
                return
        time.sleep(_LOOK)
    raise TimedOut(f"what was to be measured did not begin to serve within {_PATIENCE:g} s", "Try again")


def _processor_s(pid: int) -> float:
    """The seconds of processor that a process has used so far."""
    fields = (_PROC / str(pid) / "stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _own_mb(pid: int) -> float:
    """The memory of a process that it shares with no other."""
    sizes = _facts(_PROC / str(pid) / "smaps_rollup")
    return (sizes["Private_Clean"] + sizes["Private_Dirty"]) / _MB


def _free_mb() -> float:
    return _facts(_PROC / "meminfo")["MemAvailable"] / _MB


def _facts(path: Path) -> dict[str, int]:
    """The figures of a file of the system, in kB, by name."""
    lines = (line.split() for line in path.read_text().splitlines())
    return {words[0].rstrip(":"): int(words[1]) for words in lines if len(words) == 3 and words[2] == "kB"}
