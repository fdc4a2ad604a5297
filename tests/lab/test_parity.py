"""Live equals past on an undisturbed run, and each of seven disturbances is called by its name."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from benchmarks.estate import Experts, experts
from benchmarks.parity import Life, live
from live_trader.core.bars import Bar, Ticker, Timeframe, moment
from live_trader.edge.server.hub import Hub
from live_trader.edge.server.store import Store
from live_trader.edge.server.store.witness import Witness
from live_trader.edge.shelf import Shelf
from live_trader.edge.terms import Terms
from live_trader.lab.parity import Cause, Parity, hearing, parity, told
from live_trader.lab.replay import replay

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]
TICKERS = (Ticker("EURUSD", Timeframe.M1), Ticker("AUDUSD", Timeframe.M1))


@pytest.fixture(scope="module")
def made() -> Experts:
    return experts(1, 10, Timeframe.M1)


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory, made: Experts) -> Life:
    """An undisturbed life, with restarts and a hot swap, that is over."""
    life = Life(tmp_path_factory.mktemp("calm"), TICKERS, made)
    live(life, 36, experts(2, 10, Timeframe.M1))
    life.end()
    return life


def causes(found: Parity) -> set[Cause]:
    return {each.cause for each in found.differences}


@pytest.fixture
def copy(calm: Life, tmp_path: Path) -> Path:
    """The folder of the calm life, to be tampered with."""
    return Path(shutil.copytree(calm.folder, tmp_path / "copy"))


def proof(calm: Life, folder: Path, threshold: float | None = None) -> Parity:
    shelf = Shelf(folder / "models", folder / "work_dir")
    return parity(folder / "work_dir", shelf, Terms.of(calm.settings), threshold)


def tamper(folder: Path, *queries: str) -> None:
    with closing(sqlite3.connect(folder / "work_dir" / "server" / "store.db")) as store, store:
        for query in queries:
            store.execute(query)


def test_an_undisturbed_run_with_restarts_and_a_hot_swap_is_equal_to_the_last_digit(calm: Life) -> None:
    found = calm.proof()
    assert found.differences == ()
    assert (found.equal_share, found.equal_trades_share) == (1.0, 1.0)
    assert found.signals >= 72
    assert found.trades >= 4
    bundles = {each.signal.bundle for each in Witness(calm.folder / "work_dir" / "server").signals()}
    assert len(bundles) >= 2


def test_both_sides_are_told_with_the_same_figures_and_the_same_equity(calm: Life) -> None:
    text = told(calm.proof(), calm.clock.now(), "USD")
    assert text.live == text.past
    assert text.live is not None
    assert text.live.figures["trades"] == text.trades == text.equal_trades
    assert sum(each.profit for each in text.live.months) == pytest.approx(text.live.figures["net_profit"])
    assert sum(each.signals for each in text.tickers) == text.signals == text.equal_signals
    assert (text.pairs, text.differences, text.more) == ((), (), 0)


def test_what_differs_is_told_side_by_side(calm: Life) -> None:
    text = told(calm.proof(stop_atr=0.7), calm.clock.now(), "USD")
    assert text.live is not None
    assert text.past is not None
    assert text.live.curve != text.past.curve
    assert text.pairs
    assert all(each.live != each.past for each in text.pairs)
    assert any(each.live and each.past for each in text.pairs)


def test_a_span_measures_what_is_in_it(calm: Life) -> None:
    middle = calm.clock.now() - timedelta(minutes=15)
    work, terms = calm.folder / "work_dir", Terms.of(calm.settings)
    whole, late = (parity(work, calm.shelf, terms, None, (start, None)) for start in (None, middle))
    assert 0 < late.signals < whole.signals
    assert late.live is not None
    assert late.live.equity is not None
    assert moment(int(late.live.equity.times[0])) >= middle
    assert whole.live is not None
    assert whole.live.equity is not None
    at = int(np.searchsorted(whole.live.equity.times, late.live.equity.times[0]))
    assert late.live.equity.initial in whole.live.equity.values[at - 1 : at + 1]
    assert late.live.equity.values.tolist() == whole.live.equity.values[at:].tolist()


def test_the_journal_replays_to_the_same_book(calm: Life) -> None:
    found = replay(calm.folder / "work_dir" / "desk")
    assert found.same
    assert found.records > 100


def test_a_bar_revised_after_its_signal_is_named(calm: Life, copy: Path) -> None:
    ticker, clock = TICKERS[0], calm.clock
    old = Witness(copy / "work_dir" / "server").bars(ticker)[-9].bar

    async def revise() -> None:
        store = Store(copy / "work_dir" / "server", clock, Hub(), lambda *_: None)
        higher = replace(old, high=old.high * 1.01, close=old.high * 1.01)
        await store.bars.add(ticker, [Bar(*(getattr(higher, name) for name in Bar.__slots__))])
        await store.close()

    clock.time += timedelta(seconds=5)
    asyncio.run(revise())
    assert causes(proof(calm, copy)) == {Cause.REVISED}


def test_a_bar_that_is_missing_is_named(calm: Life, copy: Path) -> None:
    bars = Witness(copy / "work_dir" / "server").bars(TICKERS[0])
    lost = int(bars[-12].bar.opened.timestamp())
    tamper(
        copy,
        f"DELETE FROM bars WHERE time = {lost} AND ticker = (SELECT id FROM tickers WHERE symbol = 'EURUSD')",
    )
    found = proof(calm, copy)
    assert found.differences
    assert causes(found) == {Cause.GAP}


def test_another_bundle_than_the_signal_names_is_named(calm: Life, copy: Path) -> None:
    signals = [each.signal for each in Witness(copy / "work_dir" / "server").signals()]
    versions = sorted({each.bundle for each in signals if each.ticker == TICKERS[0]})
    tamper(copy, f"UPDATE signals SET bundle = '{versions[0]}' WHERE bundle = '{versions[1]}'")
    found = proof(calm, copy)
    assert found.differences
    assert causes(found) == {Cause.BUNDLE}


def test_other_settings_are_named_for_signals_and_for_trades(calm: Life, copy: Path) -> None:
    assert causes(proof(calm, copy, threshold=0.9)) == {Cause.SETTINGS}
    found = calm.proof(stop_atr=0.7)
    assert found.equal_share == 1.0
    assert found.equal_trades_share < 1.0
    assert causes(found) == {Cause.SETTINGS}


def test_another_library_is_named(calm: Life, copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = hearing.libraries()
    monkeypatch.setattr(hearing, "libraries", lambda: {**here, "numpy": "9.9"})
    signals = Witness(copy / "work_dir" / "server").signals()
    opinion = signals[-1].signal.opinions["LGBMClassifier~PC"]
    tamper(
        copy,
        "UPDATE signals SET probabilities = "
        f"replace(probabilities, '{opinion.long}', '{opinion.long + 1e-9}') "
        "WHERE seq = (SELECT max(seq) FROM signals)",
    )
    found = proof(calm, copy)
    assert len(found.differences) == 1
    assert causes(found) == {Cause.LIBRARY}


@pytest.fixture
def lived(tmp_path: Path, made: Experts) -> Callable[..., Life]:
    """Lives a short life; `during` is called before each bar."""

    def make(bars: int, during: Callable[[Life, int], None] = lambda *_: None, **desk: object) -> Life:
        life = Life(tmp_path, TICKERS, made, **desk)
        life.begin()
        try:
            for index in range(bars):
                during(life, index)
                life.bar()
        finally:
            life.end()
        return life

    return make


def test_signals_that_came_late_are_named(lived: Callable[..., Life]) -> None:
    def late(life: Life, index: int) -> None:
        if index == 8:
            for part in life.workers.values():
                part.end()
            for _ in range(4):
                life.bar(waiting=False)
            life.clock.time += timedelta(seconds=300)
            for part in life.workers.values():
                part.start()
            life.catch_up()

    found = lived(24, late).proof()
    assert found.equal_share == 1.0
    assert found.equal_trades_share < 1.0
    assert causes(found) == {Cause.LATE}


def test_a_market_that_answered_differently_is_named(lived: Callable[..., Life]) -> None:
    found = lived(24, **{"paper.partial": 1.0}).proof()
    assert found.equal_share == 1.0
    assert found.equal_trades_share < 1.0
    assert causes(found) == {Cause.MARKET}
