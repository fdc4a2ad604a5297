"""A person who does not watch is told: of a dead worker, an absent bot, the trading state, and the day."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from benchmarks.farmstead import Caller, Farmstead
from live_trader.core.portfolio import TradingState
from live_trader.edge.clock import Clock
from live_trader.edge.wire.owner import BotText
from live_trader.errors import Unreachable
from live_trader.farm.lookout import Lookout, next_summary, summary
from tests.edge.test_notices import listening, until
from tests.farm.test_table import village


class Moved(Clock):
    """A clock that stands until it is moved."""

    at = 1000.0

    def monotonic(self) -> float:
        return self.at


def bot(state: str) -> BotText:
    return BotText(id="trader", symbol="AUDUSD", timeframe="M1", state=state)


@pytest.fixture
def told() -> list[tuple[str, str, str]]:
    return []


@pytest.fixture
def clock() -> Moved:
    return Moved()


@pytest.fixture
def lookout(told: list[tuple[str, str, str]], clock: Moved) -> Lookout:
    return Lookout(lambda *what: told.append(what), clock)


def test_an_absent_bot_is_told_once_and_again_when_it_is_back(
    lookout: Lookout, clock: Moved, told: list[tuple[str, str, str]]
) -> None:
    for state in ("FRESH", "ABSENT", "ABSENT", "FRESH", "STALE"):
        clock.at += 100
        lookout.saw(TradingState.ACTIVE, [bot(state)])
    assert told == [
        ("absent", "AUDUSD M1 of trader", "is ABSENT: it does not answer its bars"),
        ("absent", "AUDUSD M1 of trader", "is back"),
    ]


def test_a_farm_that_starts_is_given_a_minute(
    lookout: Lookout, clock: Moved, told: list[tuple[str, str, str]]
) -> None:
    """What was absent before the farm came is not told until it should have come."""
    lookout.saw(TradingState.ACTIVE, [bot("ABSENT")])
    assert not told
    clock.at += 61
    lookout.saw(TradingState.ACTIVE, [bot("ABSENT")])
    assert len(told) == 1


def test_the_trading_state_is_told_when_it_changes(
    lookout: Lookout, told: list[tuple[str, str, str]]
) -> None:
    for state in (TradingState.REDUCING, TradingState.REDUCING, TradingState.HALTED, TradingState.ACTIVE):
        lookout.saw(state, [])
    assert [text for _, _, text in told] == ["is HALTED now", "is ACTIVE now"]


def test_a_server_that_is_gone_for_a_minute_is_told_once(
    lookout: Lookout, clock: Moved, told: list[tuple[str, str, str]]
) -> None:
    fault = Unreachable("nobody answers at http://127.0.0.1:81/")
    lookout.missed(fault)
    assert not told
    for _ in range(3):
        clock.at += 61
        lookout.missed(fault)
    lookout.saw(TradingState.ACTIVE, [])
    assert told == [
        ("absent", "the server", "does not answer: nobody answers at http://127.0.0.1:81/"),
        ("absent", "the server", "answers again"),
    ]


def test_the_summary_comes_at_its_hour_and_fits_in_a_line() -> None:
    now = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
    assert next_summary("06:00", now) == datetime(2026, 11, 21, 6, 0, tzinfo=UTC)
    assert next_summary("12:01", now) == datetime(2026, 11, 20, 12, 1, tzinfo=UTC)
    assert next_summary("", now) is None
    assert summary(village(4)) == (
        "1 FATAL, 3 RUNNING; 36 bars answered, 10 restarts, 0 faults; in trouble: TICK002 M1"
    )


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_a_real_farm_tells_of_its_start_a_dead_worker_the_trading_state_and_its_end(
    farmstead: Callable[..., Farmstead],
) -> None:
    """The supervisor tells it, so that a worker that cannot even start is reported."""
    with listening() as inbox:
        urls = {"urls": f"json://127.0.0.1:{inbox.port}/", "every_s": 1.0}
        place = farmstead(("AUDUSD", "EURUSD"), settings={"notices": urls})
        for bundle in (place.work / "EURUSD").rglob("bundle.json"):
            bundle.write_text("{}")
        place.start()
        until(lambda: any("EURUSD S1 cannot run" in text for text in inbox.texts), 60)
        until(lambda: place.beats() and place.status()["children"], 60)
        time.sleep(6.0)
        Caller(place.port, place.token("admin")).call("POST", "/v1/onlyclose", {})
        until(lambda: any("trading is REDUCING now" in text for text in inbox.texts), 30)
        assert place.stop() == 0
    assert "the farm has started" in inbox.texts[0]
    assert "the farm has stopped" in inbox.texts[-1]
