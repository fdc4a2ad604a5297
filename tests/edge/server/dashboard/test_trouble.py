"""A farm in trouble, in a real browser: what a person sees first, and what they find out later."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from live_trader.core.bars import Ticker, moment
from live_trader.edge.bulletin import FILE, ChildText, post
from live_trader.edge.feeds.simulated import Market
from live_trader.edge.happenings import Happenings
from tests.edge.server.dashboard.person import Person
from tests.edge.server.dashboard.stage import END, _send, feed, history, link, one_signal
from tests.edge.server.house import House, started

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

QUARANTINE = ChildText(
    name="GBPJPY M1",
    state="FATAL",
    reason="quarantined: 11 crashes within 300 s, the last: killed by SIGSEGV",
    mends="Look: instant-trader logs GBPJPY M1. Once it is mended: instant-trader restart GBPJPY M1",
)
UNBORN = ChildText(
    name="XAUUSD M1", state="FATAL", reason="no bundle of XAUUSD M1 is deployed", mends="Deploy one"
)
AGAIN = ChildText(name="EURUSD M1", state="BACKOFF", reason="exit code 1", mends="It starts again by itself.")
DESK = ChildText(name="desk", state="FATAL", reason="desk.mode is live", mends="Set it to paper")
WAITS = ChildText(name="AUDUSD M1", state="RUNNING", reason="has 3 of the 20 bars it needs")


@dataclass
class Farm:
    """What a farm leaves for its server."""

    house: House
    run_path: Path
    happenings: Happenings

    def tells(self, *children: ChildText) -> None:
        post(self.run_path, "trader", children)
        now = self.house.hands.now().timestamp()
        os.utime(self.run_path / FILE, (now, now))


@pytest.fixture
def farm(tmp_path: Path) -> Iterator[Farm]:
    """A server with three bots that were fine until now, and the farm around it."""
    house = started(tmp_path / "server", grace_s=86400.0)
    house.hands.time = moment(END)
    for symbol in ("AUDUSD", "EURUSD", "GBPJPY"):
        bars = history(Ticker.parse(f"{symbol} M1"), 60)
        feed(house, Ticker.parse(f"{symbol} M1"), bars)
        _send(house, [one_signal(symbol, bars[-1], 1)])
    run_path = tmp_path / "run"
    yield Farm(house, run_path, Happenings(run_path, house.hands))
    house.stop()


def test_who_cannot_run_is_first_with_the_reason_and_what_mends_it(farm: Farm, person: Person) -> None:
    """Also one that never had a bot; and once it runs, the tile is a bot's again, without a reload."""
    farm.happenings.add("restart", "farm", "starts")
    farm.tells(WAITS, AGAIN, QUARANTINE, UNBORN, DESK, ChildText(name="server", state="RUNNING"))
    person.go(link(farm.house))
    person.sees("2 FATAL", ".counts")
    tiles = person.all(".tile")
    states = [next(each for each in ("FATAL", "BACKOFF", "FRESH") if each in tile) for tile in tiles]
    assert states == ["FATAL", "FATAL", "BACKOFF", "FRESH"]
    assert "XAUUSD" in tiles[1]
    assert "11 crashes within 300 s" in tiles[0]
    assert "instant-trader restart GBPJPY M1" in tiles[0]
    assert "has 3 of the 20 bars it needs" in tiles[3]
    assert "desk.mode is live" in person.text("section.ailing")
    farm.tells(*(ChildText(name=name, state="RUNNING") for name in ("AUDUSD M1", "EURUSD M1", "GBPJPY M1")))
    farm.happenings.add("restart", "GBPJPY M1", "runs")
    person.wait(lambda: "FATAL" not in person.text(".counts"))
    person.sees("3 FRESH", ".counts")
    assert person.all(".ailing") == []


def test_what_happened_is_found_by_words_and_sorts_and_comes_by_itself(farm: Farm, person: Person) -> None:
    """From the tile of a ticker to its story in one click; every word narrows it; new lines are on top."""
    farm.happenings.add("fault", "GBPJPY M1", "died (killed by SIGSEGV) and starts again in 0.4 s")
    farm.happenings.add("restart", "GBPJPY M1", "runs")
    farm.happenings.add("swap", "EURUSD M1", "serves the bundle two in place of one")
    farm.happenings.add(
        "refusal", "desk", "EURUSD M1: refused by max_leverage, which is 4 where the limit is 3"
    )
    farm.tells(QUARANTINE)
    person.go(link(farm.house))
    person.sees("1 FATAL", ".counts")
    person.click(".tile.fatal")
    person.sees("died (killed by SIGSEGV)", "table")
    rows = person.all("tbody tr")
    assert all("GBPJPY" in row for row in rows)
    assert [word for row in rows for word in ("runs", "died") if word in row] == ["runs", "died"]
    _type(person, "sigsegv gbpjpy 2026-11-20")
    person.wait(lambda: len(person.all("tbody tr")) == 1)
    _type(person, "")
    for sort, said in (("swap", "in place of one"), ("refusal", "max_leverage")):
        _choose(person, sort)
        person.wait(lambda said=said: said in person.text("table"))
        assert len(person.all("tbody tr")) == 1
    _choose(person, "fault")
    farm.happenings.add("fault", "server", "was silent for 16 s and was killed")
    person.wait(lambda: "was silent for 16 s" in person.all("tbody tr")[0])
    _type(person, "nothing like it")
    person.sees("Nothing that matches has happened.")


def _type(person: Person, words: str) -> None:
    person.script(
        "const find = document.querySelector('.bar input'); find.value = arguments[0];"
        "find.dispatchEvent(new Event('input'))",
        words,
    )


def _choose(person: Person, sort: str) -> None:
    person.script(
        "const kind = document.querySelector('.bar select'); kind.value = arguments[0];"
        "kind.dispatchEvent(new Event('change'))",
        sort,
    )


def test_a_ticker_says_what_is_wrong_with_its_worker_while_it_is(farm: Farm, person: Person) -> None:
    """Above its chart, with the way to its story; gone once the worker runs."""
    farm.happenings.add("restart", "farm", "starts")
    farm.tells(QUARANTINE)
    person.go(link(farm.house))
    person.sees("1 FATAL", ".counts")
    person.turn("#/ticker/GBPJPY/M1")
    person.sees("11 crashes within 300 s", ".ails")
    assert "instant-trader restart GBPJPY M1" in person.text(".ails")
    farm.tells(ChildText(name="GBPJPY M1", state="RUNNING"))
    farm.happenings.add("restart", "GBPJPY M1", "runs")
    person.wait(lambda: person.all(".ails") == [])


def test_why_there_is_no_signal_names_what_was_wrong_with_the_worker(farm: Farm, person: Person) -> None:
    """From the tile of the ticker by its story to the bar it did not answer; until it ran again."""
    dead, back = moment(END + 70), moment(END + 300)
    farm.happenings.add("restart", "GBPJPY M1", "runs")
    farm.house.hands.time = dead
    farm.happenings.add("fault", "GBPJPY M1", "died (killed by SIGSEGV) and starts again in 0.4 s")
    farm.house.hands.time = back
    farm.happenings.add("restart", "GBPJPY M1", "runs")
    later = Market(Ticker.parse("GBPJPY M1"), 7).history(END + 300, 5)
    feed(farm.house, Ticker.parse("GBPJPY M1"), tuple(later))
    person.go(link(farm.house))
    person.sees("FRESH", ".counts")
    person.turn("#/events/SIGSEGV")
    person.sees("died (killed by SIGSEGV)", "table")
    person.turn(f"#/signal/GBPJPY/M1/trader/{END}")
    person.sees("Its worker at 2026-11-20 18:01:10: died (killed by SIGSEGV)", ".verdict")
    person.turn(f"#/signal/GBPJPY/M1/trader/{END + 240}")
    person.sees("has not answered since", ".verdict")
    assert "SIGSEGV" not in person.text(".verdict")


def test_an_order_that_is_filled_appears_on_the_open_chart(farm: Farm, person: Person) -> None:
    """Its fill and what is held since come by the stream, without a reload."""
    person.go(link(farm.house))
    person.sees("3 FRESH", ".counts")
    person.turn("#/ticker/AUDUSD/M1")
    person.sees("17:59", ".reading")
    person.script("document.querySelector('.chart').focus()")
    asked = (
        "const all = performance.getEntriesByType('resource');"
        "return all.filter((each) => each.name.includes('chart?')).length"
    )
    before = person.script(asked)
    about = {"symbol": "AUDUSD", "timeframe": "M1"}
    when = moment(END - 30).isoformat()
    order = {
        "id": "c-1", "trade": 1, "slot": "experts", **about, "side": "buy", "kind": "market", "role": "entry",
        "quantity": "1000", "price": None, "status": "filled", "filled": "1000", "reason": "signal",
        "created": when,
    }  # fmt: skip
    price = str(history(Ticker.parse("AUDUSD M1"), 60)[-1].close)
    fill = {"id": "f-1", "order": "c-1", "quantity": "1000", "price": price, "fee": "0", "time": when}
    held = {
        "trade": 1, "slot": "experts", **about, "quantity": "1000", "entry": price, "stop": None,
        "target": None, "opened": when, "leaving": "",
    }  # fmt: skip
    ledger = {
        "account": "paper", "after": 0, "upto": 2, "state": "ACTIVE", "orders": [order], "fills": [fill],
        "positions": [held],
    }  # fmt: skip
    reply = farm.house.ask("POST", "/v1/trading", ledger, "desk")
    assert reply.status == 200, reply.body
    person.wait(lambda: bool(person.script(asked) > before))
    found = person.later(
        "const { get } = await import('/dashboard/server.js');"
        "return await get('chart', { symbol: 'AUDUSD', timeframe: 'M1', limit: 5 })"
    )
    assert [each[1:4] for each in found["fills"]] == [["buy", "1000", price]]
    assert [each[0] for each in found["held"]] == ["long"]


def test_a_clock_that_is_an_hour_off_is_said(farm: Farm, person: Person) -> None:
    """Ages are told by the server's clock, whatever the watcher's says."""
    farm.house.hands.time = datetime.now(UTC) - timedelta(hours=1)
    person.go(link(farm.house))
    person.sees("This computer's clock is off by 60 min; every age here is told by the server's clock.")
    farm.house.hands.time = datetime.now(UTC)
    person.begin()
    person.go(link(farm.house))
    person.sees("live", "#live")
    assert person.text("#notice") == ""


def test_a_session_that_is_none_or_is_over_leads_to_a_new_link(farm: Farm, person: Person) -> None:
    """A made-up cookie opens nothing, and a session that somebody ended elsewhere ends here too."""
    address = f"http://127.0.0.1:{farm.house.port}/"
    person.go(address)
    person.script("document.cookie = 'trader_session=wrong; path=/'")
    person.go(address)
    person.sees("Nobody is logged in here.", ".login")
    assert "instant-trader dashboard" in person.text(".login")
    person.begin()
    person.go(link(farm.house))
    person.sees("3 FRESH", ".counts")
    (farm.house.folder / "sessions.json").unlink()
    person.turn("#/events")
    person.sees("This session has ended.", ".login")
