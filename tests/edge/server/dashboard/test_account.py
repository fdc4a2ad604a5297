"""The account as its page tells it: the lab's figures over all of it, thinned without losing peak or day."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from live_trader.core.outcome import DAY, Equity
from live_trader.core.performance import drawdown, returns
from live_trader.edge.server.dashboard.records import Records, records
from tests.edge.server.dashboard.test_dashboard import enter
from tests.edge.server.house import House


def test_the_page_has_the_statistics_of_the_lab(house: House) -> None:
    """Every figure of the trades that were posted; without a proof, none is made up."""
    session, _ = enter(house)
    told = house.ask("GET", "/dashboard/trades", headers=session).json
    profits = [float(row[14]) for row in told["trades"]]
    figures = told["figures"]
    assert told["all"] == figures["trades"] == len(profits) == 40
    assert figures["net_profit"] == pytest.approx(sum(profits))
    assert figures["wins"] == sum(each > 0 for each in profits)
    assert figures["drawdown"] == pytest.approx(max(1 - worth / peak for _, worth, peak in told["curve"]))
    assert "turnover" not in figures
    assert house.ask("GET", "/dashboard/parity", headers=session).json == {"proof": None}


def test_a_damaged_proof_is_said(house: House) -> None:
    """In the words of whoever reads it, with the command that mends it."""
    path = house.folder.parent / "parity.json"
    path.write_bytes(b"{")
    try:
        session, _ = enter(house)
        reply = house.ask("GET", "/dashboard/parity", headers=session)
        assert reply.status == 422
        assert "instant-trader parity makes it anew" in reply.json["detail"]
    finally:
        path.unlink()


@pytest.mark.parametrize("step", [5, 7200])
def test_an_account_is_thinned_without_losing_a_peak_a_fall_or_the_end_of_a_day(step: int) -> None:
    """Whatever is measured of it is what the whole of it gives."""
    moved = np.random.default_rng(3).normal(0.0, 40.0, 20_000).round(2)
    values = 100_000.0 + np.cumsum(moved)
    times = 1_790_000_000 + step * np.arange(len(values))
    peaks = np.maximum.accumulate(values)
    with closing(sqlite3.connect(":memory:")) as store:
        store.execute("CREATE TABLE tickers (id, symbol, timeframe)")
        store.execute("CREATE TABLE equity (number INTEGER PRIMARY KEY, time REAL, equity TEXT, peak TEXT)")
        rows = zip(times.tolist(), map(repr, values.tolist()), map(repr, peaks.tolist()), strict=True)
        store.executemany("INSERT INTO equity (time, equity, peak) VALUES (?, ?, ?)", rows)
        kept = np.array(Records(store).worth(300))
    assert len(kept) < max(1000, 3.5 * (times[-1] - times[0]) / DAY)
    thin = Equity(values[0], kept[:, 0].astype(np.int64) - 1, kept[:, 1])
    whole = Equity(values[0], times - 1, values)
    assert drawdown(thin)[:2] == drawdown(whole)[:2]
    assert returns(thin)[0].tolist() == returns(whole)[0].tolist()


def test_an_account_nobody_told_of_has_no_figures(tmp_path: Path) -> None:
    """An empty store gives nothing, and no error."""
    with closing(sqlite3.connect(tmp_path / "store.db")) as store:
        store.execute("CREATE TABLE tickers (id, symbol, timeframe)")
        store.execute("CREATE TABLE equity (number INTEGER PRIMARY KEY, time REAL, equity TEXT, peak TEXT)")
        store.commit()
    with records(tmp_path) as found:
        assert found.worth(300) == []
