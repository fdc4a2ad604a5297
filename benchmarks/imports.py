"""What it costs to be imported: the package, the command line, and a worker that shares nothing."""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.estate import experts, plant, stock
from benchmarks.farmstead import ROOT, Farmstead, memory
from live_trader.core.bars import Ticker, Timeframe

_ROUNDS = 7
_NAIVE = "import pycaret.classification, pandas_ta_classic"


def main(arguments: list[str] | None = None) -> int:
    """Measure each import in fresh processes and print a table, or one JSON object."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.imports", description=__doc__)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    bare = _median([sys.executable, "-c", "pass"])
    with tempfile.TemporaryDirectory() as folder:
        ready_s, spawn_mb = spawned(Path(folder))
    figures: dict[str, Any] = {
        "python_ms": round(bare, 1),
        "import_ms": round(_median([sys.executable, "-c", "import live_trader"]) - bare, 1),
        "help_ms": round(_median([sys.executable, str(ROOT / "instant_trader.py"), "--help"]), 1),
        "spawn_ready_s": round(ready_s, 2),
        "spawn_rss_mb": round(spawn_mb, 1),
        "naive_import_ms": round(_median([sys.executable, "-c", _NAIVE], rounds=1) - bare, 1),
        "naive_rss_mb": round(_resident(_NAIVE), 1),
    }
    print(json.dumps(figures) if options.json else "\n".join(f"{k:16} {v}" for k, v in figures.items()))
    return 0


def _median(command: list[str], rounds: int = _ROUNDS) -> float:
    """The median wall time of a command in milliseconds, after one run that warms the disk."""
    took = []
    for _ in range(rounds + 1):
        begun = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=ROOT, env=os.environ)
        took.append(1000 * (time.perf_counter() - begun))
    return statistics.median(took[1:])


def _resident(code: str) -> float:
    """The most memory, in MB, that a process needed to run this code."""
    read = "import resource; print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}; {read}"], check=True, capture_output=True, text=True, cwd=ROOT
    )
    return int(done.stdout.split()[-1]) / 1024


def spawned(folder: Path) -> tuple[float, float]:
    """How long a worker that is started by itself takes until it serves, and its resident memory."""
    ticker = Ticker("ALONE", Timeframe.S5)
    place = Farmstead(folder, [ticker], {"feed": {"market": "simulated"}, "demo": {"tickers": [str(ticker)]}})
    plant(place.work, place.models, [ticker], experts())
    stock(place.work, [ticker])
    place.start()
    try:
        place.until_serving()
        place.stop()
        parts = [_part(place, *words) for words in (("serve",), ("feed",))]
        time.sleep(4.0)
        begun = time.perf_counter()
        worker = _part(place, "worker", ticker.symbol, ticker.timeframe.name)
        while place.serving() == 0 or place.beats()[ticker].pid != worker.pid:
            time.sleep(0.005)
        ready = time.perf_counter() - begun
        resident = memory(worker.pid)[0]
        for part in (worker, *parts):
            part.terminate()
            part.wait(20)
    finally:
        place.kill()
    return ready, resident


def _part(place: Farmstead, *words: str) -> subprocess.Popen[bytes]:
    config = str(place.configure())
    command = [sys.executable, str(ROOT / "instant_trader.py"), *words, "--config", config]
    return subprocess.Popen(command, cwd=place.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


if __name__ == "__main__":
    sys.exit(main())
