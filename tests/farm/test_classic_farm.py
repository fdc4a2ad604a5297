"""The farm against a classic server, which remembers nothing for it: still one result per bar."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from benchmarks.farmstead import ROOT, Farmstead

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


@contextmanager
def classic(*tickers: str) -> Iterator[str]:
    """A classic server in a process of its own, with a market for each of these tickers."""
    words = [word for ticker in tickers for word in ("--ticker", ticker)]
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "tests/edge/classic_server.py"), *words, "--history", "700"],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout
    try:
        yield process.stdout.readline().strip()
    finally:
        process.kill()
        process.wait()


def results(address: str) -> dict[str, Any]:
    """What the classic server has stored."""
    with urllib.request.urlopen(address + "_stored") as answer:
        return dict(json.load(answer))


def times(stored: dict[str, Any], ticker: str) -> list[int]:
    """The bars of this ticker that have a result."""
    found = [key.removeprefix(ticker + " ") for key in stored["results"] if key.startswith(ticker + " ")]
    return sorted(int(datetime.fromisoformat(each).replace(tzinfo=UTC).timestamp()) for each in found)


def test_every_bar_gets_one_result_while_workers_are_killed(farmstead: Callable[..., Farmstead]) -> None:
    names = ("AUDUSD S1", "EURUSD S1")
    with classic(*names) as address:
        place = farmstead(settings={"server": {"address": address}, "feed": {"market": "none"}})
        place.start()
        place.until_serving()
        for name in (*names, names[0]):
            time.sleep(2.5)
            os.kill(place.pids()[name], signal.SIGKILL)
        time.sleep(4.0)
        assert place.stop() == 0
        stored = results(address)
    assert stored["conflicts"] == 0
    for name in names:
        answered = times(stored, name)
        assert len(answered) >= 8
        assert answered == list(range(answered[0], answered[-1] + 1))


def test_a_portfolio_pushed_after_a_rebalance_is_followed(farmstead: Callable[..., Farmstead]) -> None:
    with classic("AUDUSD S1", "EURUSD S1") as address:
        place = farmstead(settings={"server": {"address": address}, "feed": {"market": "none"}})
        place.tickers = []
        place.start()
        deadline = time.monotonic() + 30
        while len(place.pids()) < 2 and time.monotonic() < deadline:
            time.sleep(0.1)
        entry = {
            "negative_group": None, "positive_group": {"LGBMClassifier‾PC": 1}, "portfolio": "x",
            "symbol": "AUDUSD", "timeframe": "S1", "weight": "1",
        }  # fmt: skip
        request = urllib.request.Request(address + "rebalance", json.dumps([entry]).encode())
        urllib.request.urlopen(request).close()
        while set(place.pids()) != {"AUDUSD S1"}:
            assert time.monotonic() < deadline + 30
            time.sleep(0.1)
        assert place.stop() == 0
