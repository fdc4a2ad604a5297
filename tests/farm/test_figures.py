"""What the farm counts reaches /metrics: each bar's lag once, by stage, and what its children are."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from benchmarks.farmstead import Caller, Farmstead
from live_trader.edge.bulletin import FILE, seen
from live_trader.edge.clock import Clock
from live_trader.edge.server.metrics import LAG, Metrics
from live_trader.farm.figures import FAMILIES, Figures
from live_trader.farm.pulse import Beat
from live_trader.farm.states import Life, State
from live_trader.farm.supervisor import KILLED, Child, Event, Spec


class Moved(Clock):
    """A clock that stands until it is moved."""

    at = 0.0

    def monotonic(self) -> float:
        return self.at


class Seen(Child):
    """A child whose page shows what the test says."""

    shown: Beat | None = None

    def beat(self) -> Beat | None:
        return self.shown


@pytest.fixture
def child(tmp_path: Path) -> Seen:
    return Seen(Spec("AUDUSD M1", print, (), tmp_path / "none.pulse"))


def test_each_bar_is_observed_once_and_the_first_only_remembered(tmp_path: Path, child: Seen) -> None:
    """A worker that was answering before this farm looked says nothing of now."""
    clock, path = Moved(), tmp_path / "farm.prom"
    figures = Figures(tmp_path, "trader", {"AUDUSD M1": child}, clock)
    for last_bar, lag in ((60, 50.0), (120, 0.003), (120, 0.003), (180, 0.02)):
        child.shown = Beat(
            last_bar=last_bar, received=lag / 4, features=lag / 3, models=lag / 2, lag=lag, answered=7
        )
        clock.at += 6
        figures.tick()
    text = path.read_text()
    assert 'trader_lag_seconds_count{stage="posted"} 2' in text
    assert 'trader_lag_seconds_bucket{stage="posted",le="0.005"} 1' in text
    assert 'trader_lag_seconds_bucket{stage="received",le="0.001"} 1' in text
    assert 'trader_bars_answered{child="AUDUSD M1"} 7' in text
    assert 'trader_children{state="STOPPED"} 1' in text
    assert all(f"# TYPE {name} " in text for name in FAMILIES)


def test_a_folder_that_is_gone_costs_the_figures_and_not_the_farm(tmp_path: Path, child: Seen) -> None:
    Figures(tmp_path / "none", "trader", {"a": child}, Moved()).tick()


def test_a_file_nobody_writes_any_more_is_not_told(tmp_path: Path) -> None:
    path = tmp_path / "farm.prom"
    metrics = Metrics()
    metrics.include(path, Clock())
    assert "trader_children" not in metrics.text()
    path.write_text(
        '# HELP trader_children x\n# TYPE trader_children gauge\ntrader_children{state="RUNNING"} 3\n'
    )
    assert metrics.text().endswith('trader_children{state="RUNNING"} 3\n')
    os.utime(path, (time.time() - 100, time.time() - 100))
    assert "trader_children" not in metrics.text()


def test_the_lag_is_one_family_though_server_and_farm_know_its_stages(tmp_path: Path, child: Seen) -> None:
    """Prometheus wants all lines of a family together, under one head."""
    figures = Figures(tmp_path, "trader", {"AUDUSD M1": child}, Moved())
    figures._metrics.observe(LAG, 0.2, "received")
    figures.tick()
    metrics = Metrics()
    metrics.include(tmp_path / "farm.prom", Clock())
    metrics.observe(LAG, 0.1, "bar_stored")
    lines = metrics.text().splitlines()
    places = [at for at, line in enumerate(lines) if line.startswith(LAG)]
    assert places == list(range(places[0], places[0] + len(places)))
    assert [line for line in lines if line.startswith(f"# TYPE {LAG} ")] == [f"# TYPE {LAG} histogram"]
    assert {line for line in lines if "_count" in line} == {
        f'{LAG}_count{{stage="bar_stored"}} 1',
        f'{LAG}_count{{stage="received"}} 1',
    }


def test_what_went_wrong_is_counted_by_cause_and_told_at_once(tmp_path: Path, child: Seen) -> None:
    """A child's new state is on the farm's page at the next tick, with what mends it."""
    clock = Moved()
    figures = Figures(tmp_path, "trader", {"AUDUSD M1": child}, clock)
    figures.tick()
    child.life = Life(State.FATAL, reason="quarantined: 11 crashes within 300 s")
    for fault in ("silent", KILLED, "died", ""):
        figures.event(Event(Clock().now(), "AUDUSD M1", "told", "FATAL", fault))
    figures.tick()
    text = (tmp_path / "farm.prom").read_text()
    assert 'trader_errors_total{cause="silent"} 1' in text
    assert 'trader_errors_total{cause="died"} 1' in text
    assert KILLED not in text
    told = seen(tmp_path, Clock())
    assert told is not None
    (only,) = told.children
    assert (only.name, only.state, told.id) == ("AUDUSD M1", "FATAL", "trader")
    assert "quarantined" in only.reason
    assert "instant-trader restart AUDUSD M1" in only.mends
    os.utime(tmp_path / FILE, (time.time() - 100, time.time() - 100))
    assert seen(tmp_path, Clock()) is None


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_a_real_farm_tells_lags_by_stage(farmstead: Callable[..., Farmstead]) -> None:
    """From the close to every stage of the worker: each bar in all of them, and each later than the last."""
    place = farmstead(("AUDUSD",))
    place.start()
    place.until_serving()
    caller, found = Caller(place.port, place.token("read")), {}
    deadline = time.monotonic() + 80
    while found.get('trader_lag_seconds_count{stage="posted"}', 0) < 2:
        assert time.monotonic() < deadline
        time.sleep(1.0)
        found = scraped(caller)
    assert found['trader_children{state="RUNNING"}'] >= 3
    assert found['trader_memory_bytes{child="AUDUSD S1"}'] > 10 << 20
    labels = [f'{{stage="{each}"}}' for each in ("received", "features", "models", "posted")]
    assert len({found[f"trader_lag_seconds_count{each}"] for each in labels}) == 1
    sums = [found[f"trader_lag_seconds_sum{each}"] for each in labels]
    assert 0 < sums[0] <= sums[1] <= sums[2] <= sums[3], (
        "the same bars, so their sums keep the order of the stages"
    )
    assert found['trader_lag_seconds_count{stage="bar_stored"}'] > 0
    assert found['trader_lag_seconds_count{stage="durable"}'] > 0
    with closing(sqlite3.connect(place.work / "server" / "store.db")) as store:
        told = set(store.execute("SELECT sort, who, text FROM happenings"))
        lags = store.execute("SELECT count(*) FROM signals WHERE lags != ''").fetchone()[0]
    assert {("restart", "farm", "starts"), ("restart", "AUDUSD S1", "runs")} <= told
    assert lags >= 2


def scraped(caller: Caller) -> dict[str, float]:
    """Every sample of /metrics by its name and labels."""
    caller._connection.request("GET", "/metrics", headers=caller._head)
    text = caller._connection.getresponse().read().decode()
    lines = (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, _, value in lines}
