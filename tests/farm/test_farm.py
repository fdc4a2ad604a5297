"""A whole farm of real processes: one signal per bar per ticker, whatever is done to it."""

from __future__ import annotations

import os
import re
import signal
import socket
import time
import urllib.request
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from benchmarks.farmstead import Caller, Farmstead, alive
from live_trader.core.bars import Ticker, Timeframe
from live_trader.edge.bulletin import seen
from live_trader.edge.clock import Clock

Make = Callable[..., Farmstead]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


def until(reached: Callable[[], Any], seconds: float = 30.0) -> None:
    """Wait for something to hold."""
    deadline = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def audit(place: Farmstead, tickers: list[Ticker] | None = None) -> dict[str, int]:
    """How many bars have no signal or more than one, for each bot from its first signal on."""
    caller = Caller(place.port, place.token("read"))
    found = {"signals": 0, "missing": 0, "twice": 0}
    for ticker in tickers or place.tickers:
        answered = [each["bar_time"] for each in caller.signals(ticker)]
        stored = [each for each in caller.bars(ticker) if answered[0] <= each <= answered[-1]]
        found["signals"] += len(answered)
        found["missing"] += len(set(stored) - set(answered))
        found["twice"] += len(answered) - len(set(answered))
    return found


@pytest.mark.parametrize("method", ["forkserver", "spawn"])
def test_every_bar_gets_one_signal_while_workers_are_killed_and_the_end_leaves_no_orphan(
    farmstead: Make, method: str
) -> None:
    place = farmstead(settings={"farm": {"start_method": method}})
    place.start()
    place.until_serving()
    for symbol in ("AUDUSD S1", "EURUSD S1", "AUDUSD S1"):
        time.sleep(2.0)
        os.kill(place.pids()[symbol], signal.SIGKILL)
    time.sleep(1.0)
    until(lambda: place.serving() == 2)
    time.sleep(3.0)
    children = list(place.pids().values())
    found = audit(place)
    assert found["signals"] >= 14
    assert (found["missing"], found["twice"]) == (0, 0)
    assert place.stop() == 0
    assert not [pid for pid in children if alive(pid)]


def test_a_farm_killed_outright_leaves_no_orphan_and_the_next_one_takes_over(farmstead: Make) -> None:
    place = farmstead()
    place.start()
    place.until_serving()
    time.sleep(2.0)
    children = list(place.pids().values())
    assert len(children) == 4
    os.kill(place.pids()["EURUSD S1"], signal.SIGSTOP)
    place.kill()
    until(lambda: not [pid for pid in children if alive(pid)], 5.0)
    place.start()
    until(lambda: len(place.pids()) == 4 and not set(children) & set(place.pids().values()))
    place.until_serving()
    time.sleep(3.0)
    found = audit(place)
    assert (found["missing"], found["twice"]) == (0, 0)
    assert place.stop() == 0


def test_a_frozen_worker_is_found_killed_and_replaced_and_its_bars_are_answered(farmstead: Make) -> None:
    place = farmstead()
    place.start()
    place.until_serving()
    frozen = place.pids()["AUDUSD S1"]
    os.kill(frozen, signal.SIGSTOP)
    until(lambda: place.pids().get("AUDUSD S1", frozen) != frozen, 15.0)
    until(lambda: place.serving() == 2)
    time.sleep(2.0)
    found = audit(place)
    assert (found["missing"], found["twice"]) == (0, 0)
    assert any("silent" in each["text"] for each in place.status()["events"])
    told_of(place, "silent", "was silent for")
    assert place.stop() == 0


def told_of(place: Farmstead, fault: str, cause: str) -> None:
    """A fault is one line with bot, bar and cause in the log, a count in /metrics and a restart in status."""
    lines = (place.work / "logs" / "farm.log").read_text().splitlines()
    (line,) = [each for each in lines if " WARNING " in each and f"AUDUSD S1 {cause}" in each]
    assert re.search(r' bot=trader ticker="AUDUSD S1" bar=20\d\d-\S+Z cause="', line), line
    assert {each["name"]: each["restarts"] for each in children(place)}["AUDUSD S1"] == 1
    counted = re.compile(rf'^trader_errors_total{{cause="{fault}"}} [1-9]', re.MULTILINE)
    until(lambda: counted.search(metrics(place)))


def metrics(place: Farmstead) -> str:
    """What the farm's server tells Prometheus."""
    with urllib.request.urlopen(f"http://127.0.0.1:{place.port}/metrics", timeout=10) as answer:
        return str(answer.read().decode())


def test_a_killed_worker_is_told_of_in_the_log_in_metrics_and_in_status(farmstead: Make) -> None:
    place = farmstead(("AUDUSD",))
    place.start()
    place.until_serving()
    time.sleep(1.5)
    os.kill(place.pids()["AUDUSD S1"], signal.SIGKILL)
    until(lambda: place.serving() == 1 and {each["restarts"] for each in children(place)} == {0, 1})
    told_of(place, "died", "died (killed by SIGKILL)")
    assert place.stop() == 0


def test_a_ticker_without_a_bundle_is_fatal_with_the_reason_and_the_others_run(farmstead: Make) -> None:
    place = farmstead()
    place.tickers = [*place.tickers, Ticker("NOBODY", Timeframe.S1)]
    place.start()
    until(
        lambda: {each["name"]: each for each in children(place)}.get("NOBODY S1", {}).get("state") == "FATAL"
    )
    nobody = next(each for each in children(place) if each["name"] == "NOBODY S1")
    assert "deploy" in nobody["reason"]
    until(lambda: fatal(place) == {"NOBODY S1": nobody["reason"]})
    until(lambda: place.serving() == 2)
    assert place.stop() == 0


def fatal(place: Farmstead) -> dict[str, str]:
    """Who cannot run, and why, as the farm tells it to the pages of its server."""
    told = seen(place.work / "run", Clock())
    return {each.name: each.reason for each in told.children if each.state == "FATAL"} if told else {}


def children(place: Farmstead) -> list[dict[str, Any]]:
    """The farm's children as its status tells them, or none while it boots."""
    return list(place.status()["children"]) if place.pids() else []


def test_the_portfolio_is_followed_hot_a_ticker_added_is_started_and_one_removed_is_stopped(
    farmstead: Make,
) -> None:
    place = farmstead(("AUDUSD", "EURUSD", "USDJPY"))
    served, place.tickers = place.tickers, []
    place.start()
    until(lambda: len(place.pids()) == 5)
    admin = Caller(place.port, place.token("admin"))
    admin.call("PUT", "/v1/portfolio", {"allocations": [entry("AUDUSD"), entry("EURUSD")]})
    until(lambda: set(place.pids()) == {"server", "feed", "AUDUSD S1", "EURUSD S1"})
    kept = place.pids()["AUDUSD S1"]
    admin.call("PUT", "/v1/portfolio", {"allocations": [entry("AUDUSD"), entry("USDJPY")]})
    until(lambda: set(place.pids()) == {"server", "feed", "AUDUSD S1", "USDJPY S1"})
    time.sleep(3.0)
    assert place.pids()["AUDUSD S1"] == kept
    found = audit(place, [served[0]])
    assert (found["missing"], found["twice"]) == (0, 0)
    assert place.stop() == 0


def entry(symbol: str) -> dict[str, Any]:
    """A portfolio entry that names the estate's one model."""
    return {
        "negative_group": None, "positive_group": {"LGBMClassifier~PC": 1}, "portfolio": "('TOP_N',)",
        "symbol": symbol, "timeframe": "S1", "weight": 0.5,
    }  # fmt: skip


def test_a_portfolio_that_names_a_missing_model_costs_its_ticker_until_it_is_mended(farmstead: Make) -> None:
    place = farmstead()
    place.start()
    place.until_serving()
    admin = Caller(place.port, place.token("admin"))
    unknown = entry("AUDUSD") | {"positive_group": {"Unknown~PC": 1}}
    admin.call("PUT", "/v1/portfolio", {"allocations": [unknown, entry("EURUSD")]})
    until(lambda: "AUDUSD S1 cannot run" in place.output())
    assert "EURUSD S1" in place.pids()
    admin.call("PUT", "/v1/portfolio", {"allocations": [entry("AUDUSD"), entry("EURUSD")]})
    until(lambda: "AUDUSD S1" in place.pids() and place.serving() == 2)
    found = audit(place)
    assert (found["missing"], found["twice"]) == (0, 0)
    assert place.stop() == 0


def test_a_farm_that_cannot_learn_its_tickers_says_why(farmstead: Make) -> None:
    place = farmstead(settings={"server": {"address": "http://127.0.0.1:9/"}, "feed": {"market": "none"}})
    place.tickers = []
    place.start()
    until(lambda: "farm waits for the portfolio" in place.output())
    assert "mend server.address" in place.status()["events"][0]["text"]
    assert place.stop() == 0


def test_a_port_that_is_taken_is_said_in_one_sentence_and_nothing_starts(farmstead: Make) -> None:
    place = farmstead()
    with socket.create_server(("127.0.0.1", place.port)):
        place.start()
        assert place.process is not None
        assert place.process.wait(30) == 4
    assert f"cannot listen on 127.0.0.1:{place.port}" in place.output()
    assert place.output().strip().count("\n") == 0
    assert not list((place.work / "logs").glob("*.log"))


def test_status_stop_and_a_second_farm_speak_with_their_exit_codes(farmstead: Make) -> None:
    place = farmstead()
    assert place.say("status")[0] == 3
    place.start()
    place.until_serving()
    code, out, _ = place.say("status", "--json")
    assert code == 0
    assert {"server", "feed", "AUDUSD S1", "EURUSD S1"} == {each["name"] for each in out["children"]}
    code, _, err = place.say("run")
    assert code == 4
    assert "a farm already runs" in err
    code, out, _ = place.say("restart", "AUDUSD", "S1", "--json")
    assert (code, out) == (0, {"restarted": ["AUDUSD S1"]})
    assert place.say("stop", "--json")[0] == 0
    assert place.process
    assert place.process.wait(10) == 0
    assert place.say("stop")[0] == 3


def test_the_signals_carry_what_the_contract_says(farmstead: Make) -> None:
    place = farmstead(("AUDUSD",))
    place.start()
    place.until_serving()
    time.sleep(3.0)
    signals = Caller(place.port, place.token("read")).signals(place.tickers[0])
    newest = signals[-1]
    assert newest["signal"] in (1, -1, 0.5)
    assert newest["models"] == {"LGBMClassifier~PC": newest["signal"]}
    assert 0.0 <= newest["probabilities"]["LGBMClassifier~PC"]["long"] <= 1.0
    assert newest["late"] is False
    received, closed = (datetime.fromisoformat(newest[each]) for each in ("received_at", "bar_time"))
    assert 1.0 <= (received - closed).total_seconds() < 2.0
    assert place.stop() == 0
