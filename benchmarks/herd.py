"""All bars close in the same second: how long until the last of N workers' signals is durable.

A real farm (server, supervisor, one process per ticker) answers rounds in which every ticker gets the bar
that has just closed. The time runs from just before the bars are posted, in one request, to the moment the
last worker has the server's acknowledgement, which means that its signal is on disk. The usual way is worked
out from the measured cost of one naive prediction on this machine, since 200 such processes need 48 GB.
"""

from __future__ import annotations

import argparse
import json
import signal
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.estate import experts, plant
from benchmarks.farmstead import Caller, Farmstead, answering, bars_body, memory
from live_trader.core.bars import Bar, Ticker, Timeframe, epoch
from live_trader.edge.feeds.simulated import Market

_HISTORY = 700
_CURVE = (10, 50, 200, 1000)
_FRAME = Timeframe.S5
_NAIVE_S = 0.36  # benchmarks.bar_to_signal measures it on this machine; two predictions of PyCaret's own


def main(arguments: list[str] | None = None) -> int:
    """Run the rounds and print a table, or one JSON object."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.herd", description=__doc__)
    parser.add_argument("--tickers", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--curve", action="store_true", help=f"herds of {', '.join(map(str, _CURVE))}")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # and so end the farm too, whoever loses patience
    herds = []
    for count in _CURVE if options.curve else (options.tickers,):
        with tempfile.TemporaryDirectory() as folder:
            herds.append(measure(Path(folder), count, options.rounds))
        print(f"{count} tickers: last signal after {herds[-1]['last_signal_ms_p50']} ms", file=sys.stderr)
    if options.json:
        print(json.dumps({"curve": herds} if options.curve else herds[0]))
    else:
        for name in herds[0]:
            print(f"{name:24}" + "".join(f" {figures[name]:>10}" for figures in herds))
    return 0 if not any(figures["lost"] or figures["duplicates"] for figures in herds) else 1


def measure(folder: Path, count: int, rounds: int) -> dict[str, Any]:
    """A farm of so many tickers through so many rounds."""
    tickers = [Ticker(f"T{index:04}", _FRAME) for index in range(count)]
    limits = {"farm": {"silent_after_s": 60.0}}
    place = Farmstead(folder, tickers, limits)
    plant(place.work, place.models, tickers, experts(timeframe=_FRAME))
    history = {ticker: list(Market(ticker, 7).history(int(time.time()), _HISTORY)) for ticker in tickers}
    _fill(place, history)
    begun = time.monotonic()
    place.start()
    try:
        place.until_serving(300.0)
        start_s = time.monotonic() - begun
        time.sleep(2.0)
        caller = Caller(place.port, place.token("feed"))
        last = {ticker: bars[-1] for ticker, bars in history.items()}
        took = []
        for _ in range(rounds + 1):
            opened = _just_closed()
            last = {ticker: Market(ticker, 7).next(bar, opened) for ticker, bar in last.items()}
            took.append(_round(place, caller, last))
        del took[0]  # before it nothing came for as long as the farm took to start
        sizes = {name: memory(pid) for name, pid in place.pids().items()}
        lost, duplicates = _audit(place, tickers, rounds)
        place.stop()
    finally:
        place.kill()
    workers = [pss for name, (_, pss) in sizes.items() if name not in ("server", "feed")]
    return {
        "tickers": count,
        "rounds": rounds,
        "last_signal_ms_p50": round(statistics.median(took), 1),
        "last_signal_ms_p99": round(max(took), 1),
        "ms_per_ticker": round(statistics.median(took) / count, 3),
        "naive_ms": round(count * _NAIVE_S / 2 * 1000),
        "lost": lost,
        "duplicates": duplicates,
        "start_s": round(start_s, 2),
        "pss_mb_per_worker": round(statistics.mean(workers), 2),
        "pss_mb_total": round(sum(pss for _, pss in sizes.values()), 1),
        "rss_mb_total": round(sum(rss for rss, _ in sizes.values()), 1),
    }


def _fill(place: Farmstead, history: dict[Ticker, list[Bar]]) -> None:
    """Store the history through a server that runs alone, so that the farm's start can be timed."""
    place.start("serve")
    answering(place.port)
    caller = Caller(place.port, place.token("feed"))
    for ticker, bars in history.items():
        caller.post_bars(ticker, bars)
    place.stop()


def _just_closed() -> int:
    """Wait for the end of a bar, and give when that bar opened."""
    step = _FRAME.seconds
    end = (int(time.time()) // step + 1) * step
    time.sleep(end - time.time())
    return end - step


def _round(place: Farmstead, caller: Caller, bars: dict[Ticker, Bar]) -> float:
    """Post one bar for every ticker, and give the milliseconds until the last acknowledgement."""
    body = [bars_body(ticker, [bar]) for ticker, bar in bars.items()]
    begun = time.monotonic()
    caller.call("POST", "/v1/bars", body)
    time.sleep(0.5)
    deadline = begun + 60.0
    while True:
        beats = place.beats()
        done = [
            beats[ticker].beaten
            for ticker, bar in bars.items()
            if beats[ticker].last_bar >= epoch(bar.opened)
        ]
        if len(done) == len(bars):
            return (max(done) - begun) * 1000
        if time.monotonic() > deadline:
            raise TimeoutError(f"{len(done)} of {len(bars)} answered")
        time.sleep(0.05)


def _audit(place: Farmstead, tickers: list[Ticker], rounds: int) -> tuple[int, int]:
    """How many signals the store lacks, and how many it has twice."""
    caller = Caller(place.port, place.token("read"))
    lost = duplicates = 0
    for ticker in tickers:
        times = [each["bar_time"] for each in caller.signals(ticker)]
        duplicates += len(times) - len(set(times))
        lost += max(0, rounds + 1 - len(set(times)))
    return lost, duplicates


if __name__ == "__main__":
    sys.exit(main())
