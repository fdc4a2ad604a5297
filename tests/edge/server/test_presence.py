"""FRESH, STALE, ABSENT: who is late, who is silent, and who only has a closed market."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from live_trader.edge.server.presence import judge
from tests.edge.server.house import House, signal, text, until

LATENESS = st.floats(0, 5)


@pytest.mark.parametrize(
    ("owes", "silent", "condition"),
    [
        (0, 0, "FRESH"), (1, 1, "FRESH"), (1.1, 0, "STALE"), (0, 1.1, "STALE"), (2, 0, "STALE"),
        (2.1, 0, "ABSENT"), (0, 2.1, "ABSENT"), (1.1, 1.1, "ABSENT"),
    ],
)  # fmt: skip
def test_two_latenesses_make_a_condition(owes: float, silent: float, condition: str) -> None:
    assert judge(owes, silent) == condition


@given(LATENESS, LATENESS, LATENESS)
def test_more_lateness_never_makes_a_bot_fresher(owes: float, silent: float, more: float) -> None:
    order = ["FRESH", "STALE", "ABSENT"]
    before = order.index(judge(owes, silent))
    assert order.index(judge(owes + more, silent)) >= before
    assert order.index(judge(owes, silent + more)) >= before


def condition(house: House, bot: str = "trader") -> Any:
    bots = house.ask("GET", "/v1/bots", holder="read").json["bots"]
    return {each["id"]: each for each in bots}[bot]


def poll(house: House, after: int) -> None:
    """One poll that finds nothing."""
    target = f"/v1/bars?symbol=AUDUSD&timeframe=M1&id=trader&after={text(after)}"
    house.ask("GET", target, holder="bot-trader")


def answered(house: House) -> None:
    house.feed(0)
    house.ask("POST", "/v1/signals", signal(0), "bot-trader")


def test_a_bot_that_answered_is_fresh_with_what_it_said(house: House) -> None:
    answered(house)
    bot = condition(house)
    assert (bot["state"], bot["last_bar"], bot["last_signal"], bot["bundle"]) == ("FRESH", text(0), 1, "one")
    assert bot["lag_s"] == 24 * 3600 - 60


def test_a_bot_that_died_is_absent_a_bar_and_a_grace_after_the_bar_it_owes(house: House) -> None:
    answered(house)
    house.feed(1)
    house.hands.go(70)
    assert condition(house)["state"] == "FRESH"
    house.hands.go(1)
    assert condition(house)["state"] == "ABSENT"


def test_a_bot_that_asks_but_does_not_answer_is_stale_then_absent(house: House) -> None:
    answered(house)
    house.feed(1)
    house.hands.go(71)
    poll(house, 1)
    assert condition(house)["state"] == "STALE"
    house.hands.go(70)
    poll(house, 1)
    assert condition(house)["state"] == "ABSENT"
    house.ask("POST", "/v1/signals", signal(1), "bot-trader")
    assert condition(house)["state"] == "FRESH"


def test_a_closed_market_makes_nobody_late(house: House) -> None:
    answered(house)
    for _ in range(20):
        house.hands.go(65)
        poll(house, 0)
    assert condition(house)["state"] == "FRESH"


def test_a_bot_that_dies_in_a_closed_market_is_found_all_the_same(house: House) -> None:
    answered(house)
    house.hands.go(71)
    assert condition(house)["state"] == "STALE"
    house.hands.go(71)
    assert condition(house)["state"] == "ABSENT"


def test_a_waiting_poll_is_a_sign_of_life_however_long_it_waits(house: House) -> None:
    answered(house)
    target = f"/v1/bars?symbol=AUDUSD&timeframe=M1&id=trader&after={text(0)}&wait=20"
    reply = house.later("GET", target, holder="bot-trader")
    house.hands.go(1000)
    assert condition(house)["state"] == "FRESH"
    house.feed(1)
    reply()


def test_a_history_that_is_filled_in_is_owed_by_nobody(house: House) -> None:
    house.feed(50)
    house.ask("POST", "/v1/signals", signal(50), "bot-trader")
    house.feed(*range(50))
    house.hands.go(65)
    assert condition(house)["owes_s"] == 0


def test_after_a_restart_a_bot_is_what_it_was_until_it_had_its_time(build: Callable[..., House]) -> None:
    house = build()
    answered(house)
    house.hands.go(1000)
    until(lambda: house.server.parts.store.conditions.last.get(("trader", _ticker())) == "ABSENT", 3)
    house.stop()
    again = build(house.folder)
    assert condition(again)["state"] == "ABSENT", "nothing was heard of it yet"
    poll(again, 0)
    assert condition(again)["state"] == "FRESH"


def test_a_bot_follows_a_portfolio_once_it_was_told_and_asks_for_bars_again(house: House) -> None:
    """One that was told and could not serve it does not come back."""
    house.feed(0)
    poll(house, 0)
    assert condition(house)["portfolio_version"] is None
    poll(house, 0)
    assert condition(house)["portfolio_version"] == 0
    house.ask("PUT", "/v1/portfolio", [], "admin")
    poll(house, 0)
    assert condition(house)["portfolio_version"] == 0
    poll(house, 0)
    assert condition(house)["portfolio_version"] == 1


def test_changes_are_counted(house: House) -> None:
    answered(house)
    house.hands.go(1000)
    counted = house.server.parts.metrics.counted
    until(lambda: counted("trader_bot_changes_total", "ABSENT") == 1, 3)
    assert 'trader_bots{state="ABSENT"} 1' in house.ask("GET", "/metrics").body.decode()


def _ticker() -> Any:
    from live_trader.core.bars import Ticker

    return Ticker.parse("AUDUSD M1")


def test_one_symbol_in_two_timeframes_is_two_bots(house: House) -> None:
    for timeframe in ("M5", "M1"):
        house.ask("POST", "/v1/signals", signal(0, timeframe=timeframe), "bot-trader")
    bots = house.ask("GET", "/v1/bots", holder="read").json["bots"]
    assert [each["timeframe"] for each in bots] == ["M1", "M5"]
