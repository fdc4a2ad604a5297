"""A panic while nothing runs: the next start of the desk halts the server, and only a person ends that."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from live_trader.core.bars import Ticker
from live_trader.core.portfolio import TradingState
from live_trader.edge.clock import Clock
from live_trader.edge.settings import Settings, load
from live_trader.errors import Interrupted
from live_trader.farm.dealing import desk_path, keep_dealing
from live_trader.farm.monitor import Watch
from live_trader.farm.panic import panic
from live_trader.farm.process import Stop
from live_trader.farm.pulse import Beat
from live_trader.lab.replay import replay
from tests.edge.server.house import House, started, until
from tests.farm.desk.market import TICKERS, Account, facts, portfolio


def settings(work: Path, port: int) -> Settings:
    given = {
        "farm.work_path": str(work),
        "farm.tickers": [str(each) for each in TICKERS],
        "server.embedded.port": port,
    }
    return load(env={}, overrides=given).settings


@contextmanager
def dealing(of: Settings) -> Iterator[None]:
    """A desk on a thread, for as long as it is wanted."""
    stop = Stop()

    def run() -> None:
        try:
            keep_dealing(of, stop, Clock(), lambda _: None, Beat())
        except Interrupted:
            return

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stop.request()
        thread.join(20)


@contextmanager
def serving(work: Path) -> Iterator[House]:
    house = started(work / "server")
    house.hands.time = datetime.now(UTC)
    try:
        yield house
    finally:
        house.stop()


def in_force(house: House) -> str:
    return str(house.ask("GET", "/v1/portfolio", holder="read").json["state"])


def test_a_panic_closes_also_what_the_settings_no_longer_know(tmp_path: Path) -> None:
    gold = (Ticker.parse("GOLD M1"),)
    account = Account(
        tmp_path / "desk",
        given={"instruments": ["GOLD tick=0.01 lot=1"]},
        portfolio=portfolio(tickers=gold),
    )
    desk = account.run(facts(4, tickers=gold))
    assert any(each.held for each in desk.book.positions.values())
    done = panic(settings(tmp_path, 9), lambda _: None)
    assert (done.book.state, done.book.positions, done.book.orders) == (TradingState.HALTED, {}, {})


def test_a_server_that_lost_its_store_is_told_of_the_account_and_halted(tmp_path: Path) -> None:
    """Counting from nothing, it would otherwise not be heard again, or be followed without its portfolio."""
    account = Account(tmp_path / "desk")
    desk = account.run(facts(8))
    with serving(tmp_path) as house:
        watch = Watch(tmp_path / "desk")
        with dealing(settings(tmp_path, house.port)):
            until(lambda: in_force(house) == "HALTED")
            until(lambda: watch.page().seq == 0)
            held = house.ask("GET", "/v1/positions", holder="read").json
            assert held["state"] == "HALTED"
            assert len(house.ask("GET", "/v1/fills", holder="read").json["fills"]) == len(fills(account))
            assert watch.page().book.state is TradingState.HALTED
            assert watch.page().book.version == 1
            house.hands.go(60)
            put = {"allocations": [entry(each) for each in TICKERS], "state": "ACTIVE"}
            assert house.ask("PUT", "/v1/portfolio", put, "admin").status == 200
            until(lambda: watch.page().book.state is TradingState.ACTIVE)
    assert watch.page().book.serial == desk.book.serial
    assert replay(tmp_path / "desk").same


def fills(account: Account) -> list[object]:
    return [each for each in account.statement if hasattr(each.event, "fill")]


def entry(ticker: Ticker) -> dict[str, object]:
    return {
        "symbol": ticker.symbol, "timeframe": ticker.timeframe.name, "weight": 0.5, "portfolio": "",
        "positive_group": {"LGBMClassifier~PC": 1}, "negative_group": None,
    }  # fmt: skip


def test_a_panic_while_nothing_runs_is_in_force_everywhere_once_all_runs_again(tmp_path: Path) -> None:
    account = Account(tmp_path / "desk")
    account.run(facts(4))
    with serving(tmp_path) as house:
        body = {"allocations": None, "state": "REDUCING"}
        for _ in range(2):  # the second is news to the desk, and older than the panic
            assert house.ask("PUT", "/v1/portfolio", body, "admin").status == 200
        gone = settings(tmp_path, house.port)
    done = panic(gone, lambda _: None)
    assert (done.book.state, done.book.positions) == (TradingState.HALTED, {})
    assert done.untold
    with serving(tmp_path) as house:
        assert in_force(house) == "REDUCING", "nobody has told it yet"
        here = settings(tmp_path, house.port)
        watch = Watch(desk_path(here))

        def says(state: str) -> Callable[[], bool]:
            return lambda: in_force(house) == watch.page().book.state.value == state

        with dealing(here):
            until(says("HALTED"))
            until(lambda: watch.page().book.version == 3)
        with dealing(here):
            until(says("HALTED"))
            house.hands.go(60)
            lifted = {"allocations": None, "state": "ACTIVE"}
            assert house.ask("PUT", "/v1/portfolio", json.dumps(lifted).encode(), "admin").status == 200
            until(says("ACTIVE"))
        with dealing(here):
            until(says("ACTIVE"))
    assert watch.page().book.serial == done.book.serial
