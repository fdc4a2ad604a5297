"""A person's tasks in a real browser, from end to end."""

from __future__ import annotations

import pathlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from live_trader.core.bars import moment
from live_trader.edge.proof import keep
from tests.edge.server.dashboard.person import Person
from tests.edge.server.dashboard.stage import AUDUSD, END, MUTE, feed, history, link, one_signal, proof
from tests.edge.server.house import House, started, until

TAB, ENTER, LEFT = "\ue004", "\ue007", "\ue012"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


def log_in(person: Person, house: House, *, admin: bool = True) -> None:
    person.go(link(house, admin=admin))
    person.sees("Trading", ".overview-top")
    person.sees("live", "#live")


def neutral(house: House) -> int:
    """A bar on which AUDUSD's bot had no opinion."""
    found = house.ask("GET", "/v1/signals?symbol=AUDUSD&timeframe=M1&limit=600", holder="read").json[
        "signals"
    ]
    times = [each["bar_time"] for each in found if each["signal"] == 0.5]
    return int(__import__("datetime").datetime.fromisoformat(times[-1]).timestamp())


def typed(person: Person, seconds: int) -> None:
    """Type a minute into the field of the ticker's page."""
    person.wait(lambda: bool(person.script("return document.querySelector('#at')?.value")))
    person.script(
        "document.querySelector('#at').value = new Date(arguments[0] * 1000).toISOString().slice(0, 16)",
        seconds,
    )


def test_a_link_lets_in_once_and_the_session_outlives_a_reload(house: House, person: Person) -> None:
    """The printed link logs in; the same link again does not; the page stays open all the same."""
    address = link(house)
    person.go(address)
    person.sees("AUDUSD", ".tiles")
    assert "login" not in person.script("return location.href")
    person.go("about:blank")
    person.go(address.split("#")[0])
    person.sees("AUDUSD", ".tiles")
    person.begin()
    person.go(address)
    person.sees("This link was used already", ".login")


def test_a_link_that_is_wrong_or_too_old_says_what_to_do(house: House, person: Person) -> None:
    """Nobody is let in, and the page names the command that prints a new link."""
    old = link(house)
    house.hands.go(3700)
    try:
        for address in (old, f"http://127.0.0.1:{house.port}/#/login/wrong"):
            person.go("about:blank")
            person.go(address)
            person.sees("has expired, or never was one", ".login")
            assert "instant-trader dashboard" in person.text(".login")
    finally:
        house.hands.go(-3700)


def test_why_there_was_no_opinion_is_found_in_three_clicks(house: House, person: Person) -> None:
    """Tile, minute, why: the page shows both experts against their thresholds, and that the bits agree."""
    log_in(person, house)
    person.click(".tile", "AUDUSD")
    typed(person, neutral(house))
    person.click(".goto button")
    person.sees("no opinion", ".reading")
    person.click(".reading .button")
    person.sees("which is no opinion", ".verdict")
    person.sees("bits agree", ".verdict")
    assert person.clicks <= 3
    pace = [" ".join(each.split()) for each in person.all(".pace div")]
    assert pace[2:5] == ["received 4.2 ms", "features 4.9 ms", "models 5.8 ms"]
    assert (pace[1].startswith("bar stored"), pace[5].startswith("signal stored")) == (True, True)
    assert any("aroonosc_12" in each for each in person.all(".pulls"))


def test_why_a_bar_has_no_signal_at_all_is_said(house: House, person: Person) -> None:
    """A bar that the bot never answered is told from one on which it had no opinion."""
    log_in(person, house)
    person.click(".tile", "AUDUSD")
    typed(person, MUTE)
    person.click(".goto button")
    person.click(".reading .button", "Why none?")
    person.sees("answered bars before and after, but this one reached the store only at", ".verdict")
    assert person.clicks <= 3


def test_only_close_asks_first_and_then_holds(house: House, person: Person) -> None:
    """Cancel changes nothing; yes puts REDUCING in force; trading again needs a yes too."""
    log_in(person, house)
    person.click(".trading button", "Only close")
    person.click("dialog button", "Cancel")
    assert house.server.parts.store.portfolios.now.state == "ACTIVE"
    person.click(".trading button", "Only close")
    person.click("dialog button", "Only close")
    person.sees("No order may enlarge a position", ".trading")
    assert house.server.parts.store.portfolios.now.state == "REDUCING"
    person.click(".trading button", "Trade again")
    person.click("dialog button", "Trade again")
    until(lambda: house.server.parts.store.portfolios.now.state == "ACTIVE")


def test_who_may_only_look_has_no_buttons(house: House, person: Person) -> None:
    """A read-only link shows everything and offers nothing."""
    log_in(person, house, admin=False)
    assert "may only look" in person.text(".trading")
    assert person.all(".trading button") == []


def test_champion_and_challenger_stand_side_by_side(house: House, person: Person) -> None:
    """Versions, judged figures, agreement on stored signals, drift, age and what came true, on one page."""
    log_in(person, house)
    person.click("header a", "Bundles")
    person.click("table a", "AUDUSD")
    person.sees("Challenger")
    text = person.text("#page")
    assert all(each in text for each in ("sharpe", "Agreement", "Drift", "Champion wanted"))
    assert "Of 599 bars that both answered" in text
    assert len(set(person.all(".rival .version"))) == 2
    assert "not drifted" in text
    assert "is at work for longer than that since. Train again." in text
    assert "Of 589 bars" in text
    assert person.script("return document.querySelectorAll('.calibration .live circle').length") > 10
    assert person.script("return document.querySelectorAll('.calibration .judged circle').length") > 10
    person.click(".matured summary", "Bin by bin")
    person.sees("Judge: said", ".matured")
    assert "does not say what its models were taught" in text


def test_trades_are_filtered_and_summed(house: House, person: Person) -> None:
    """The filter narrows the table and the sums alike."""
    log_in(person, house)
    person.click("header a", "Trades")
    person.sees("40", ".card")
    person.script(
        "const find = document.querySelector('.bar input'); find.value = 'breakout';"
        "find.dispatchEvent(new Event('input'))"
    )
    person.sees("13", ".card")


def test_live_stands_beside_the_back_test(house: House, person: Person) -> None:
    """Until somebody compares, the page names the command; then both stand side by side, with every cause."""
    log_in(person, house)
    person.click("header a", "Trades")
    person.sees("Nobody has compared them yet. Run instant-trader parity")
    keep(house.folder.parent, proof(trades=40))
    person.turn("#/")
    person.sees("Trading", ".overview-top")
    person.click("header a", "Trades")
    person.sees("Live beside back-test")
    assert person.all(".card")[:2] == [
        "of 600 signals are equal\n99.8333%",
        "of 40 trades are equal\n97.5000%",
    ]
    assert "Sharpe 1.21 1.38 differs" in " ".join(person.text(".beside table").split())
    assert "revised bar" in person.text("[aria-label='differences']")
    assert "stop" in person.text("[aria-label='unequal trades']")
    person.click(".beside summary", "Every figure")
    person.sees("experts", ".beside details")
    person.resize(390)
    assert person.script("return document.documentElement.scrollWidth") <= 390


def test_events_are_searched(house: House, person: Person) -> None:
    """Only what matches is left."""
    log_in(person, house)
    person.turn("#/events")
    person.sees("EURUSD", "table")
    person.script(
        "const find = document.querySelector('.bar input'); find.value = 'gbpjpy';"
        "find.dispatchEvent(new Event('input'))"
    )
    person.wait(lambda: "EURUSD" not in person.text("table"))
    assert "GBPJPY" in person.text("table")


def test_a_symbol_that_does_not_exist_is_said(house: House, person: Person) -> None:
    """The page names it and leads back."""
    log_in(person, house)
    person.turn("#/ticker/NOPE/M1")
    person.sees("Nothing is stored of NOPE M1.")


def test_everything_can_be_reached_by_keys(house: House, person: Person) -> None:
    """Tab comes to the tiles, Enter opens one, arrows move over the bars, Enter says why."""
    log_in(person, house)
    focused = "return document.activeElement.dataset.key ?? ''"
    for _ in range(40):
        person.press(TAB)
        if "AUDUSD" in person.script(focused):
            break
    person.press(ENTER)
    person.wait(lambda: bool(person.script("return document.querySelector('.chart')")))
    person.script("document.querySelector('.chart').focus()")
    person.press(LEFT, LEFT)
    person.sees("2026-11-20 17:57", ".reading")
    person.press(ENTER)
    person.sees("2026-11-20 17:57", "h1")


@pytest.mark.parametrize("page", ["", "ticker/AUDUSD/M1/trader", "bundles/AUDUSD/M1", "trades", "events"])
def test_a_telephone_shows_every_page_without_scrolling_sideways(
    house: House, person: Person, page: str
) -> None:
    """At 390 points nothing sticks out, and nothing came from anywhere but the server."""
    person.resize(390)
    log_in(person, house)
    person.turn(f"#/{page}")
    person.wait(lambda: bool(person.script("return document.querySelector('#page h1')")))
    assert person.script("return document.documentElement.scrollWidth") <= 390
    origins = person.script(
        "const all = performance.getEntriesByType('resource');"
        "return [...new Set(all.map((each) => new URL(each.name).origin))]"
    )
    assert origins == [f"http://127.0.0.1:{house.port}"]


def test_a_lost_stream_is_said_and_its_gap_filled(tmp_path: pathlib.Path, person: Person) -> None:
    """The page says that it is not live, reconnects by itself, and then shows what happened meanwhile."""
    bars = history()
    first = started(tmp_path)
    first.hands.time = moment(END)
    feed(first, AUDUSD, bars[-50:-3])
    log_in(person, first)
    person.turn("#/ticker/AUDUSD/M1")
    person.sees("17:56", ".reading")
    port = first.port
    first.stop()
    person.sees("reconnecting", "#live")
    person.sees("The stream is lost", "#notice")
    again = started(tmp_path, port=port)
    again.hands.time = moment(END)
    try:
        feed(again, AUDUSD, bars[-3:])
        person.wait(lambda: person.text("#live") == "live", 20)
        person.sees("17:59", ".reading")
        assert person.text("#notice").startswith("This computer's clock") or not person.text("#notice")
    finally:
        again.stop()


def test_two_hundred_tickers_fit_on_one_screen(tmp_path: pathlib.Path, person: Person) -> None:
    """Every bot has its tile, those in trouble first, and a bar of the stream reaches its tile."""
    house = started(tmp_path, grace_s=86400.0)
    house.hands.time = moment(END)
    bars = history()[-30:]
    try:
        for number in range(200):
            symbol = f"SYM{number:03}"
            house.ask("POST", "/v1/bars", _bars(symbol, bars[:-1]), "feed")
        texts = [one_signal(f"SYM{number:03}", bars[-2], (1, -1, 0.5)[number % 3]) for number in range(200)]
        house.ask("POST", "/v1/signals", msgspec.json.encode(texts), "bot-trader")
        log_in(person, house)
        assert len(person.all(".tile")) == 200
        # Far down the page a tile has no layout, and so no text that is seen.
        price = "return document.querySelector('[data-key$=\"SYM123/M1\"] .price').textContent"
        assert person.script(price) != "999.000"
        moved = replace(bars[-1], high=999.0, close=999.0)
        house.ask("POST", "/v1/bars", _bars("SYM123", [moved]), "feed")
        person.wait(lambda: bool(person.script(price) == "999.000"))
    finally:
        house.stop()


def _bars(symbol: str, bars: Any) -> dict[str, Any]:
    keys = ("open", "high", "low", "close", "volume")
    told = [{"time": each.opened.isoformat(), **{key: getattr(each, key) for key in keys}} for each in bars]
    return {"symbol": symbol, "timeframe": "M1", "bars": told}


_DRAWN = pathlib.Path(__file__).with_name("drawn.js").read_text("utf-8")


def test_a_hundred_thousand_bars_are_drawn_at_once(
    house: House, person: Person, record_property: Callable[[str, object], None]
) -> None:
    """All of them in view are drawn as one cell per pixel at most, within 50 ms, and memory has a bound."""
    log_in(person, house)
    found = person.later(_DRAWN)
    record_property("milliseconds", found["middle"])
    assert found["cells"] <= found["width"]
    assert found["middle"] < 50
    assert found["length"] <= 120_000
