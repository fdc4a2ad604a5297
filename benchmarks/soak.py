"""A farm left running while something goes wrong every few seconds: every bar answered, nothing grows.

`--kill-every 20` ends a random worker with SIGKILL that often, `--stop-every 120` freezes one with SIGSTOP.
At the end every bar the server stored is compared with the signals it stored, and memory and open files of
every process, the parent's too, with what they were after the warm-up.

The warm-up of a process is a quarter of the run, five minutes at least. By then that is full which fills by
design: SQLite's page cache (2 MB for each of the server's two connections), the newest 128 to 144 bars of
each ticker in the server, the parent's last 200 events, and what libraries build at their first use. Memory
is what a process has of its own making (anonymous and swapped pages): pages of files come and go as the
system likes, and shares with siblings change when one of those dies. Growth is from the median of the first
fifth after the warm-up to the median of the last fifth. A life that goes on for less than another quarter of
the run is too short to judge, and counted as that.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.estate import experts, plant, stock
from benchmarks.farmstead import Caller, Farmstead
from live_trader.core.bars import Ticker, Timeframe

_EVERY = 2.0  # seconds between looks
_LEAST_WARM_S = 300.0
_MOST_PCT, _MOST_FILES = 2.0, 2  # a connection or two may be open at one look and not at another
_LASTING = ("parent", "server", "feed")
_LAST_BARS = 3  # bars that may still be on their way when the farm is asked to stop


@dataclass
class Life:
    """One process: when it was first seen, and what it had at each look, with the seconds since then."""

    name: str
    pid: int
    began: float
    looks: list[tuple[float, float, int]] = field(default_factory=list)

    def growth(self, warm_s: float) -> Growth | None:
        """How it grew since it was warm; None when it did not live long enough to tell."""
        sizes = [size for age, size, _ in self.looks if age >= warm_s]
        files = [count for age, _, count in self.looks if age >= warm_s]
        if len(sizes) < 10 or self.looks[-1][0] < 2 * warm_s:
            return None
        fifth = len(sizes) // 5
        before, after = median(sizes[:fifth]), median(sizes[-fifth:])
        opened = median(files[-fifth:]) - median(files[:fifth])
        return Growth(self.name, 100.0 * (after - before) / before, after - before, round(opened))


@dataclass
class Watch:
    """Every process that lived while the farm ran."""

    lives: list[Life] = field(default_factory=list)
    _now: dict[str, Life] = field(default_factory=dict)

    def look(self, pids: dict[str, int]) -> None:
        """Note memory and open files of each."""
        for name, pid in pids.items():
            life = self._now.get(name)
            if life is None or life.pid != pid:
                life = self._now[name] = Life(name, pid, time.monotonic())
                self.lives.append(life)
            with contextlib.suppress(OSError):
                size, files = own_memory(pid), len(list(Path(f"/proc/{pid}/fd").iterdir()))
                life.looks.append((time.monotonic() - life.began, size, files))


@dataclass(frozen=True, slots=True)
class Growth:
    """How much memory and how many open files a process has more than when it was warm."""

    name: str
    percent: float
    megabytes: float
    files: int


def own_memory(pid: int) -> float:
    """Megabytes that a process has of its own making, in memory or swapped out."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    lines = (line.split() for line in text.splitlines()[1:])
    return sum(int(line[1]) for line in lines if line[0] in ("Anonymous:", "Swap:")) / 1024


def main(arguments: list[str] | None = None) -> int:
    """Run the soak and print what it found."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--tickers", type=int, default=50)
    parser.add_argument("--kill-every", type=float, default=20.0)
    parser.add_argument("--stop-every", type=float, default=120.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        figures = soak(Path(folder), options)
    print(json.dumps(figures) if options.json else "\n".join(f"{k:20} {v}" for k, v in figures.items()))
    grew = (figures["growth_pct_max"] or 0.0) >= _MOST_PCT or (figures["files_grown_max"] or 0) > _MOST_FILES
    return 1 if figures["missing"] or figures["duplicates"] or figures["exit_code"] or grew else 0


def soak(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """One farm on a simulated market of 5-second bars, for so many minutes."""
    tickers = [Ticker(f"T{index:02}", Timeframe.S5) for index in range(options.tickers)]
    settings = {
        "farm": {"silent_after_s": 10.0},
        "farm.restart": {"max_restarts": 1000},
        "feed": {"market": "simulated"},
        "demo": {"tickers": [str(ticker) for ticker in tickers]},
    }
    place = Farmstead(folder, tickers, settings)
    plant(place.work, place.models, tickers, experts())
    stock(place.work, tickers)
    place.start()
    try:
        place.until_serving()
        watch, kills = Watch(), 0
        assert place.process is not None
        for fault in _faults(options):
            pids = place.pids()
            if fault is None:
                watch.look({**pids, "parent": place.process.pid})
            else:
                kills += _disturb(pids, fault, options.seed + kills)
        time.sleep(15.0)
        facts = _compare(place, tickers)
        warm_s = max(_LEAST_WARM_S, 15.0 * options.minutes)
        grown = [growth for life in watch.lives if (growth := life.growth(warm_s))]
        code = place.stop()
    finally:
        place.kill()
    return {
        "minutes": options.minutes,
        "tickers": options.tickers,
        "kills": kills,
        **facts,
        **_grown(grown),
        "lives_judged": len(grown),
        "lives_too_short": len(watch.lives) - len(grown),
        "exit_code": code,
    }


def _grown(grown: list[Growth]) -> dict[str, Any]:
    """The worst of them by name, and what the server and the parent, which live throughout, did."""
    if not grown:
        return {"growth_pct_max": None, "files_grown_max": None}
    worst = max(grown, key=lambda each: each.percent)
    lasting = {f"{each.name}_growth_pct": round(each.percent, 2) for each in grown if each.name in _LASTING}
    return {
        "growth_pct_max": round(worst.percent, 2),
        "growth_mb_max": round(worst.megabytes, 2),
        "grew_most": worst.name,
        **lasting,
        "files_grown_max": max(each.files for each in grown),
    }


def _faults(options: argparse.Namespace) -> Iterator[int | None]:
    """None once every few seconds, and a signal to send whenever one is due."""
    end = time.monotonic() + 60.0 * options.minutes
    due = {
        number: time.monotonic() + every
        for number, every in ((signal.SIGKILL, options.kill_every), (signal.SIGSTOP, options.stop_every))
        if every
    }
    while time.monotonic() < end:
        for number, at in due.items():
            if time.monotonic() >= at:
                due[number] = at + (options.kill_every if number == signal.SIGKILL else options.stop_every)
                yield number
        yield None
        time.sleep(_EVERY)


def _disturb(pids: dict[str, int], number: int, seed: int) -> int:
    workers = sorted(name for name in pids if name not in ("server", "feed"))
    if not workers:
        return 0
    with contextlib.suppress(ProcessLookupError):
        os.kill(pids[random.Random(seed).choice(workers)], number)
    return 1


def _compare(place: Farmstead, tickers: list[Ticker]) -> dict[str, int]:
    """Bars stored against signals stored, from each bot's first signal on."""
    caller = Caller(place.port, place.token("read"))
    found = {"bars": 0, "signals": 0, "missing": 0, "duplicates": 0, "late": 0}
    until = f"{datetime.fromtimestamp(time.time() - 5 * _LAST_BARS, UTC):%Y-%m-%dT%H:%M:%SZ}"
    for ticker in tickers:
        signals = caller.signals(ticker)
        answered = [each["bar_time"] for each in signals]
        bars = [each for each in caller.bars(ticker) if answered[0] <= each <= until]
        found["bars"] += len(bars)
        found["signals"] += len(signals)
        found["missing"] += len(set(bars) - set(answered))
        found["duplicates"] += len(answered) - len(set(answered))
        found["late"] += sum(each["late"] for each in signals)
    return found


if __name__ == "__main__":
    sys.exit(main())
