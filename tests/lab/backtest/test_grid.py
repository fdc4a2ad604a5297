"""A grid: every combination, the same results in one process or in several, and what is asked of a tape."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from live_trader.core.bars import Tape, Ticker, Timeframe, epoch
from live_trader.core.drift import Tolerance
from live_trader.core.instruments import Instrument
from live_trader.core.outcome import Equity
from live_trader.core.resample import resample
from live_trader.edge.feeds.simulated import Market
from live_trader.edge.tapes import write
from live_trader.errors import BadData, TraderError
from live_trader.experts.bundle import glance
from live_trader.lab.backtest import Terms
from live_trader.lab.backtest.grid import Result, Source, Task, entrant, grid, perform, tasks, thinned
from live_trader.lab.backtest.together import together
from tests.experts.drafts import AUDUSD, written
from tests.experts.drafts import tape as bundle_tape

M1, M5 = Timeframe.M1, Timeframe.M5


class Told:
    """Remembers what was done."""

    def __init__(self) -> None:
        self.expected, self.said = 0, []

    def expect(self, pieces: int) -> None:
        self.expected += pieces

    def done(self, what: str, again: bool = False) -> None:
        self.said.append(what)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory, walk: Callable[..., Tape]) -> Source:
    path = tmp_path_factory.mktemp("tapes") / "EURUSD_M1.csv.gz"
    write(path, walk(1, 3000))
    return Source(Ticker("EURUSD", M1), path)


@pytest.fixture(scope="module")
def terms(eurusd: Instrument) -> Terms:
    return Terms({"EURUSD": eurusd, "AUDUSD": replace_symbol(eurusd, "AUDUSD")})


def replace_symbol(instrument: Instrument, symbol: str) -> Instrument:
    from msgspec.structs import replace as again

    return again(instrument, symbol=symbol)


def task(source: Source, terms: Terms, **more: Any) -> Task:
    facts: dict[str, Any] = {"timeframe": M1, "strategy": "sma_cross", "parameters": {}, "plan": {}}
    return Task(source=source, terms=terms, **{**facts, **more})


def same(one: Result, other: Result) -> bool:
    return one.fingerprint == other.fingerprint and one.performance == other.performance


def test_a_grid_is_every_combination(source: Source, terms: Terms) -> None:
    asked = tasks(
        [source], [M1, M5], ["sma_cross", "donchian"], {"x": ["1", "2"], "y": ["3"]}, plan={}, terms=terms
    )
    assert [each.name for each in asked[:3]] == [
        "sma_cross(x=1,y=3) EURUSD M1",
        "sma_cross(x=2,y=3) EURUSD M1",
        "donchian(x=1,y=3) EURUSD M1",
    ]
    assert len(asked) == 8
    assert [each.timeframe for each in tasks([source], [], ["trend"], {}, plan={}, terms=terms)] == [M1]


def test_several_processes_give_what_one_gives_in_the_order_asked(source: Source, terms: Terms) -> None:
    asked = tasks([source], [M1, M5], ["sma_cross"], {"fast": ["3", "5"]}, plan={}, terms=terms)
    alone, told = Told(), Told()
    here, there = grid(asked, 1, alone), grid(asked, 2, told)
    assert [each.task.name for each in there] == [each.name for each in asked]
    assert all(same(one, other) for one, other in zip(here, there, strict=True))
    assert (alone.expected, len(alone.said), sorted(told.said)) == (4, 4, sorted(alone.said))
    assert len({each.fingerprint for each in here}) == 4


def test_a_fault_of_one_is_told_by_its_name(source: Source, terms: Terms) -> None:
    good, bad = task(source, terms), task(source, terms, strategy="none")
    for hands in (1, 2):
        with pytest.raises(TraderError, match="there is no strategy 'none'"):
            grid([good, bad], hands, Told())


def test_a_longer_timeframe_is_made_of_the_tapes_bars(
    source: Source, terms: Terms, walk: Callable[..., Tape]
) -> None:
    made = entrant(task(source, terms, timeframe=M5), Decimal(1)).tape
    assert np.array_equal(made.close, resample(walk(1, 3000), M5).tape.close)


def test_only_the_bars_between_the_ends_are_run(
    source: Source, terms: Terms, walk: Callable[..., Tape]
) -> None:
    times = walk(1, 3000).times
    since, until = int(times[1000]), int(times[2000])
    found = perform(task(source, terms, since=since, until=until))
    assert (found.bars, found.first, found.last) == (1000, since, int(times[1999]))
    with pytest.raises(BadData, match="no bar between"):
        perform(task(source, terms, since=until, until=since))


def test_bids_and_asks_are_run_on_the_bars_both_have(
    tmp_path: Path, terms: Terms, walk: Callable[..., Tape]
) -> None:
    bid = walk(1, 500)
    ask = Tape(
        bid.ticker,
        bid.times,
        *(each + 0.0002 for each in (bid.open, bid.high, bid.low, bid.close)),
        bid.volume,
    )
    write(tmp_path / "bid.csv", bid.cut(0, 480))
    write(tmp_path / "ask.csv", ask.cut(20, 500))
    made = entrant(task(Source(bid.ticker, tmp_path / "bid.csv", tmp_path / "ask.csv"), terms), Decimal(1))
    assert made.ask is not None
    assert len(made.tape) == len(made.ask) == 460
    assert made.ask.close - made.tape.close == pytest.approx(0.0002)


def test_a_bundle_is_a_strategy_and_names_the_model_it_was_run_with(tmp_path: Path, terms: Terms) -> None:
    folder = written(tmp_path)
    path = tmp_path / "AUDUSD_M1.csv"
    write(path, bundle_tape(AUDUSD))
    found = perform(task(Source(AUDUSD, path), terms, strategy=str(folder)))
    assert found.models == ("LogisticRegression~PC",)
    assert found.taught == _taught(folder, bundle_tape(AUDUSD))
    with pytest.raises(BadData, match="serves AUDUSD M1, not EURUSD M1"):
        perform(task(replace(Source(AUDUSD, path), ticker=Ticker("EURUSD", M1)), terms, strategy=str(folder)))


def test_a_bundle_beyond_the_tolerance_trades_no_more_in_the_past_than_live(
    tmp_path: Path, terms: Terms
) -> None:
    """A limit that everything exceeds leaves no trade; one that nothing does leaves all from there on."""
    path = tmp_path / "AUDUSD_M1.csv"
    write(path, Tape.of(AUDUSD, list(Market(AUDUSD, 7).history(1_800_000_000, 1500))))
    bundle = str(written(tmp_path / "bundle"))
    free, never, always = (
        perform(task(Source(AUDUSD, path), terms, strategy=bundle, tolerance=each))
        for each in (None, Tolerance(100.0, 200), Tolerance(1e-9, 200))
    )
    assert always.trades == ()
    began = never.trades[0].opened
    assert len(never.trades) > 5
    assert {each.opened for each in never.trades[1:]} <= {each.opened for each in free.trades}
    assert free.trades[0].opened < began


def _taught(folder: Path, tape: Tape) -> int:
    spans = [span for span in glance(folder).training.spans if span.purpose == "train"]
    return sum(any(epoch(span.first) <= time <= epoch(span.last) for span in spans) for time in tape.times)


def test_factors_are_kept_for_the_next_run_of_the_tape(tmp_path: Path, source: Source, terms: Terms) -> None:
    found = perform(task(source, terms, cache=tmp_path))
    assert found.factors is not None
    assert len(found.factors) == len(found.trades) > 10
    assert len(list(tmp_path.iterdir())) == 1
    perform(task(source, terms, cache=tmp_path, parameters={"fast": "3"}))
    assert len(list(tmp_path.iterdir())) == 1


def test_on_one_account_all_share_its_limits(source: Source, terms: Terms) -> None:
    asked = tasks([source], [M1], ["sma_cross"], {"fast": ["3", "4", "5"]}, plan={}, terms=terms)
    done = together(asked, {each.name: 1 / 3 for each in asked})
    assert {trade.slot for trade in done.trades} == {f"sma_cross(fast={n})@EURUSD@M1" for n in "345"}
    assert done.equity.values[-1] == pytest.approx(100_000 + done.performance.net_profit)


def test_a_long_equity_keeps_the_last_of_each_hour_or_day() -> None:
    times = 60 * np.arange(10_000, dtype=np.int64)
    whole = Equity(1.0, times, np.arange(10_000.0))
    assert len(thinned(whole, 10_000).times) == 10_000
    hourly = thinned(whole, 9_999)
    assert len(hourly.times) == 167
    assert hourly.values[:2].tolist() == [59.0, 119.0]
    assert hourly.values[-1] == 9999.0
    assert len(thinned(whole, 100).times) == 7
