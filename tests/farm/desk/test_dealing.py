"""The desk in a real farm: killed, panicked and rebalanced, its account adds up and the proof says so."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from benchmarks.farmstead import ROOT, Caller, Farmstead

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]
DESK = {"desk": {"enabled": True, "stop_atr": 3.0, "target_ratio": 4.0}}


def until(reached: Callable[[], Any], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def looked(place: Farmstead) -> dict[str, Any]:
    code, found, error = place.say("positions", "--json")
    assert code == 0, error
    return dict(found)


def test_a_farm_that_trades_is_killed_rebalanced_and_panicked_and_its_account_adds_up(
    farmstead: Callable[..., Farmstead],
) -> None:
    place = farmstead(settings=DESK)
    place.start()
    place.until_serving()
    until(lambda: "desk" in place.pids())
    reader = Caller(place.port, place.token("read"))
    until(lambda: reader.call("GET", "/v1/fills")["fills"])
    for _ in range(3):
        time.sleep(1.2)
        os.kill(place.pids()["desk"], signal.SIGKILL)
        until(lambda: "desk" in place.pids())
    assert rebalanced(place) == 0
    assert reader.call("GET", "/v1/portfolio")["state"] == "ACTIVE"
    before = looked(place)["trades"]
    until(lambda: looked(place)["trades"] > before)
    panicked(place, reader)
    assert rebalanced(place) == 0
    assert reader.call("GET", "/v1/portfolio")["state"] == "ACTIVE"
    until(lambda: looked(place)["state"] == "ACTIVE")
    panicked(place, reader)
    assert place.stop() == 0
    proven(place)


def panicked(place: Farmstead, reader: Caller) -> None:
    """A panic beside the running farm, which is then flat and HALTED everywhere."""
    code, done, error = place.say("panic", "--yes", "--json")
    assert code == 0, error
    assert (done["state"], done["left"], done["server_told"]) == ("HALTED", 0, True)
    assert reader.call("GET", "/v1/portfolio")["state"] == "HALTED"
    until(lambda: reader.call("GET", "/v1/positions")["state"] == "HALTED")
    assert reader.call("GET", "/v1/positions")["positions"] == []
    adds_up(reader, looked(place))


def rebalanced(place: Farmstead) -> int:
    """Run the resetter with an equal portfolio of both tickers."""
    path = place.folder / "portfolio.json"
    path.write_text(json.dumps([
        {"symbol": each.symbol, "timeframe": each.timeframe.name, "weight": 0.5, "portfolio": "",
         "positive_group": {"LGBMClassifier~PC": 1}, "negative_group": None}
        for each in place.tickers
    ]))  # fmt: skip
    return subprocess.run(
        [sys.executable, str(ROOT / "resetter.py"), "--portfolio", str(path), "--timeout", "40",
         "--config", str(place.configure())],
        cwd=place.folder, check=False, stdin=subprocess.DEVNULL,
    ).returncode  # fmt: skip


def adds_up(reader: Caller, found: dict[str, Any]) -> None:
    """Cash is the capital and what every trade earned; fills are those of the orders, and nothing is open."""
    trades = reader.call("GET", "/v1/trades?limit=10000")["trades"]
    orders = reader.call("GET", "/v1/orders?limit=10000")["orders"]
    fills = reader.call("GET", "/v1/fills?limit=10000")["fills"]
    earned = sum((Decimal(each["profit"]) for each in trades), Decimal(0))
    assert Decimal(found["cash"]) == Decimal(100_000) + earned
    assert (found["positions"], found["orders"]) == ([], [])
    assert {each["status"] for each in orders} <= {"filled", "cancelled", "rejected"}
    for each in orders:
        parts = [Decimal(fill["quantity"]) for fill in fills if fill["order"] == each["id"]]
        assert sum(parts, Decimal(0)) == Decimal(each["filled"])


def proven(place: Farmstead) -> None:
    """Replay and parity of what the farm left behind, without anything running."""
    code, found, error = place.say("replay", "--json")
    assert (code, found["same"]) == (0, True), error
    code, found, error = place.say("parity", "--json")
    assert found["signals"] > 20, error
    assert found["equal_share"] == 1.0
    assert {each["cause"] for each in found["differences"]} <= {"late signal"}
    code, found, error = place.say("export", "--out", str(place.folder / "out"), "--json")
    assert (code, found["rows"]["positions"]) == (0, 0), error
