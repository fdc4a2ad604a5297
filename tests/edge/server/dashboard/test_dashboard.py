"""The dashboard without a browser: who is let in, what is refused, what the figures are."""

from __future__ import annotations

import re
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from live_trader.core.bars import Tape, Ticker, epoch
from live_trader.core.drift import FAR, USUAL, Tolerance, drift, period, typical
from live_trader.core.targets import target
from live_trader.edge.server.dashboard.drift import drift as shown
from live_trader.edge.server.dashboard.reasons import silence
from live_trader.edge.server.dashboard.sessions import Sessions
from live_trader.edge.shelf import Shelf
from live_trader.errors import BadSettings
from live_trader.experts.bundle import usual
from tests.edge.server.dashboard.stage import AUDUSD, END, MUTE, ORDERED, TAUGHT, history, link
from tests.edge.server.house import Hands, House, Reply


def key(house: House, *, admin: bool = True) -> str:
    return link(house, admin=admin).rsplit("/", 1)[1]


def enter(house: House, *, admin: bool = True) -> tuple[dict[str, str], str]:
    """Log in: the headers of a session, and what every change must carry."""
    reply = house.ask("POST", "/dashboard/login", {"key": key(house, admin=admin)})
    assert reply.status == 200, reply.body
    return {"cookie": reply.headers["set-cookie"].split(";")[0]}, reply.json["not_forged"]


def test_the_cookie_is_kept_from_scripts_and_other_sites(house: House) -> None:
    """HttpOnly and SameSite=Strict, for a week."""
    reply = house.ask("POST", "/dashboard/login", {"key": key(house)})
    assert {"HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=604800"} <= set(
        reply.headers["set-cookie"].split("; ")
    )


@pytest.mark.parametrize(
    "name", ["me", "overview", "chart", "why", "bundles", "trades", "parity", "events", "stream"]
)
def test_nobody_looks_without_a_session(house: House, name: str) -> None:
    """Neither without a cookie, nor with one of somebody's own making, nor with an API token."""
    told: list[Reply] = [
        house.ask("GET", f"/dashboard/{name}"),
        house.ask("GET", f"/dashboard/{name}", headers={"cookie": "trader_session=made-up"}),
        house.ask("GET", f"/dashboard/{name}", holder="admin"),
    ]
    assert [each.status for each in told] == [401, 401, 401]
    assert "instant-trader dashboard" in told[0].json["detail"]


def test_a_key_opens_one_session_within_the_hour(house: House) -> None:
    """Spent, wrong and expired keys are refused alike."""
    good, old = key(house), key(house)
    assert house.ask("POST", "/dashboard/login", {"key": good}).status == 200
    house.hands.go(3601)
    try:
        statuses = [house.ask("POST", "/dashboard/login", {"key": each}).status for each in (good, old, "x")]
    finally:
        house.hands.go(-3601)
    assert statuses == [401, 401, 401]


def test_a_change_needs_more_than_the_cookie(house: House) -> None:
    """Another page could send the cookie, but not what is derived from it; reading rights do not change."""
    session, proof = enter(house)
    wish = {"state": "REDUCING", "version": house.server.parts.store.portfolios.now.version}
    assert house.ask("POST", "/dashboard/state", wish, headers=session).json["code"] == "cross_site"
    reader, its = enter(house, admin=False)
    refused = house.ask("POST", "/dashboard/state", wish, headers={**reader, "x-not-forged": its})
    assert refused.json["code"] == "forbidden"
    stale = {**wish, "version": 0}
    conflict = house.ask("POST", "/dashboard/state", stale, headers={**session, "x-not-forged": proof})
    assert conflict.json["code"] == "conflict"
    assert house.server.parts.store.portfolios.now.state == "ACTIVE"


def test_logging_out_ends_the_session(house: House) -> None:
    """The cookie is worthless afterwards."""
    session, proof = enter(house)
    assert house.ask("GET", "/dashboard/me", headers=session).status == 200
    assert (
        house.ask("POST", "/dashboard/logout", {}, headers={**session, "x-not-forged": proof}).status == 200
    )
    assert house.ask("GET", "/dashboard/me", headers=session).status == 401


def test_sessions_outlive_the_server_but_not_their_week(tmp_path: Path) -> None:
    """They are kept on the disk, hashed, and end by themselves."""
    clock = Hands()
    first = Sessions(tmp_path, clock)
    assert first.untouched
    entered = first.enter(first.invite())
    assert entered is not None
    again = Sessions(tmp_path, clock)
    assert again.holder(entered[0]) is not None
    assert entered[0] not in (tmp_path / "sessions.json").read_text()
    clock.go(7 * 86400)
    assert again.holder(entered[0]) is None


def test_damaged_sessions_are_told_with_a_remedy(tmp_path: Path) -> None:
    """Nobody is let in by a file that cannot be read."""
    (tmp_path / "sessions.json").write_text("{")
    with pytest.raises(BadSettings, match="Remove it"):
        Sessions(tmp_path, Hands()).enter("x")


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("symbol=NOPE&timeframe=M1", 404),
        ("symbol=AUDUSD&timeframe=M7", 422),
        ("symbol=../../etc&timeframe=M1", 422),
        ("symbol=AUDUSD&timeframe=M1&limit=0", 422),
        ("symbol=AUDUSD&timeframe=M1&limit=1000000", 422),
        ("symbol=AUDUSD", 422),
        ("symbol=AUDUSD&timeframe=M1&id=' OR 1=1 --", 200),
    ],
)
def test_wrong_queries_are_refused_in_a_sentence(house: House, query: str, status: int) -> None:
    """Never a stack trace, and never more than was asked for."""
    session, _ = enter(house)
    reply = house.ask("GET", f"/dashboard/chart?{query.replace(' ', '%20')}", headers=session)
    assert reply.status == status
    if status == 200:
        assert reply.json["signals"]["time"] == []
    else:
        assert reply.json["detail"]


def test_a_chart_is_bars_with_what_was_said_and_held(house: House) -> None:
    """Columns of one length, signals of the bot, stops and targets of the desk."""
    session, _ = enter(house)
    told = house.ask("GET", "/dashboard/chart?symbol=AUDUSD&timeframe=M1&limit=500", headers=session).json
    assert {len(column) for column in told["bars"].values()} == {500}
    assert len(told["signals"]["time"]) == 499
    assert MUTE not in told["signals"]["time"]
    assert told["needs"]["long"][told["model"]] == 0.55
    side, entry, exit_, stop, target, opened, closed, *_ = told["held"][0]
    assert (float(stop) < float(entry) < float(target)) == (side == "long")
    assert opened < closed
    assert exit_ is not None


def test_a_signal_tells_what_the_desk_made_of_it(house: House) -> None:
    """The orders of its ticker until the next bar; none for the bar before."""
    session, _ = enter(house)
    query = "symbol=AUDUSD&timeframe=M1&id=trader&time="
    told = house.ask("GET", f"/dashboard/why?{query}{ORDERED}", headers=session).json
    assert told["orders"][0][:3] == ["market", "entry", "sell"]
    assert told["why"]["same"]
    assert house.ask("GET", f"/dashboard/why?{query}{ORDERED - 60}", headers=session).json["orders"] == []


def test_a_report_runs_in_a_room_of_its_own(house: House) -> None:
    """What a bundle brings along may draw, but neither reach the session nor the network."""
    session, _ = enter(house)
    version = next(each for each in house.ask("GET", "/dashboard/bundles", headers=session).json["bundles"])
    query = f"symbol=AUDUSD&timeframe=M1&version={version['version']}"
    reply = house.ask("GET", f"/dashboard/report?{query}", headers=session)
    assert b"What the judge saw" in reply.body
    assert "sandbox allow-scripts" in reply.headers["content-security-policy"]
    assert "default-src 'none'" in reply.headers["content-security-policy"]


def test_pages_may_load_from_this_server_only(house: House) -> None:
    """Every file of the pages says so to the browser, and the first is given to anybody."""
    reply = house.ask("GET", "/")
    assert reply.status == 200
    assert "default-src 'none'; script-src 'self'" in reply.headers["content-security-policy"]
    assert house.ask("GET", "/dashboard/../tokens.json").status in (401, 404)


_AROUND: dict[str, Any] = {
    "first": END - 6000,
    "last": END - 600,
    "received": END - 3000.0,
    "state": None,
    "fault": None,
}


@pytest.mark.parametrize(
    ("opened", "changes", "said"),
    [
        (END - 61, {}, "No M1 bar opens at"),
        (END, {}, "is not closed yet"),
        (END - 3060, {"received": None}, "The store has no bar"),
        (END - 3060, {"first": None, "last": None}, "has never sent a signal"),
        (END - 9000, {}, "began later"),
        (END - 120, {"state": ("ABSENT", END - 500.0)}, "It was ABSENT since"),
        (
            END - 120,
            {"fault": ("died (exit code 1)", END - 90.0)},
            "at 2026-11-20 17:58:30: died (exit code 1).",
        ),
        (END - 3060, {}, "but not this one"),
        (END - 3060, {"received": END - 60.0}, "reached the store only at"),
    ],
)
def test_every_kind_of_silence_has_its_sentence(opened: int, changes: dict[str, Any], said: str) -> None:
    """Absent is not neutral, and the page says which absence it is."""
    assert said in silence(AUDUSD, "trader", opened, {**_AROUND, **changes}, float(END))


def of_bundle(house: House) -> Any:
    session, _ = enter(house)
    return house.ask("GET", "/dashboard/bundle?symbol=AUDUSD&timeframe=M1", headers=session).json


def test_predictions_that_have_matured_are_held_against_what_happened(house: House) -> None:
    """Every stored prediction older than the horizon, by the target it was taught; and what the judge saw."""
    told = of_bundle(house)["champion"]["matured"]
    assert (told["target"], told["horizon"]) == ("horizon-return", TAUGHT["bars"])
    long, short = told["models"]
    signals = house.ask("GET", "/v1/signals?symbol=AUDUSD&timeframe=M1&limit=1000", holder="read").json[
        "signals"
    ]
    said = {
        epoch(datetime.fromisoformat(each["bar_time"])): next(iter(each["probabilities"].values()))["long"]
        for each in signals
    }
    tape = Tape.of(AUDUSD, history())
    labels = target("horizon-return", TAUGHT).label(tape)["long"]
    pairs = [
        (said[int(time)], label) for time, label in zip(tape.times, labels, strict=True) if int(time) in said
    ]
    known = np.array([pair for pair in pairs if pair[1] >= 0])
    assert (long["side"], short["side"]) == ("long", "short")
    assert long["live"]["rows"] == len(known) == len(signals) - TAUGHT["bars"]
    assert long["live"]["brier"] == pytest.approx(float(np.mean((known[:, 0] - known[:, 1]) ** 2)), abs=1e-12)
    assert sum(each["count"] for each in long["live"]["calibration"]) == len(known)
    assert long["judged"]["rows"] == 700


def test_a_bundle_that_does_not_say_what_it_was_taught_is_not_measured(house: House) -> None:
    """The challenger names no target: a sentence says what that means."""
    told = of_bundle(house)["challenger"]["matured"]
    assert told["models"] == []
    assert told["sentence"].startswith("The bundle does not say what its models were taught to predict")


def test_a_bundle_at_work_for_longer_than_it_was_judged_is_old(house: House) -> None:
    age = of_bundle(house)["champion"]["age"]
    assert (age["reach_s"], age["old"]) == (5 * 86400, True)
    house.hands.go(-3 * 86400)
    try:
        assert of_bundle(house)["champion"]["age"]["old"] is False
    finally:
        house.hands.go(3 * 86400)


def test_drift_is_told_by_feature_and_day_and_marked_by_the_limit(house: House) -> None:
    """The page's figure is the one a bot would be held by; without a limit it is marked by the usual one."""
    found = of_bundle(house)
    told = found["champion"]["drift"]
    assert [each["name"] for each in found["challenger"]["drift"]["features"]]
    folder = Shelf(house.folder.parent / "models", house.folder.parent / "work").deployed(AUDUSD)
    assert folder is not None
    sides, bars = usual(folder), history()
    start = END // period(AUDUSD.timeframe) * period(AUDUSD.timeframe)
    before = Tape.of(AUDUSD, [each for each in bars if each.opened.timestamp() < start])
    moves = drift(sides, before, USUAL.bars)
    assert (told["limit"], told["holds"], told["typical"]) == (FAR, False, typical(moves))
    assert {(each["side"], each["name"], each["psi"]) for each in told["features"]} == {
        (each.side, each.name, each.psi) for each in moves
    }
    assert told["drifted"] is (typical(moves) > FAR)
    assert all(len(each["days"]) == len(told["days"]) for each in told["features"])
    narrow = shown(sides, AUDUSD, bars, Tolerance(1e-9, 300))
    assert (narrow["drifted"], narrow["holds"], narrow["bars"]) == (True, True, 300)
    assert "Too few bars" in shown(sides, AUDUSD, bars[:100], None)["sentence"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_colour_of_text_has_the_contrast_of_aa(scheme: str) -> None:
    """At least 4.5 to 1 on paper and on cards."""
    css = files("live_trader.edge.server.dashboard").joinpath("assets/style.css").read_text("utf-8")
    blocks = re.findall(r":root \{(.*?)\}", css, re.DOTALL)
    tints = dict(re.findall(r"--(\w+): (#[0-9a-f]{6});", blocks[scheme == "dark"]))
    for ground in ("paper", "card"):
        for name in ("ink", "soft", "good", "bad", "warn", "accent", "long", "short"):
            assert contrast(tints[name], tints[ground]) >= 4.5, (name, ground)


def contrast(one: str, other: str) -> float:
    def light(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    low, high = sorted((light(one), light(other)))
    return (high + 0.05) / (low + 0.05)


def test_a_ticker_of_the_store_is_found_whatever_its_symbol(house: House) -> None:
    """Symbols with signs that mean something in an address travel whole."""
    odd = Ticker.parse("NSE_EQ|A&B+C=1#2 M1")
    prices = {"open": 1.0, "high": 2.0, "low": 1.0, "close": 1.5, "volume": 1.0}
    bars = [{"time": "2026-11-20T17:00:00Z", **prices}]
    body = {"symbol": odd.symbol, "timeframe": "M1", "bars": bars}
    assert house.ask("POST", "/v1/bars", body, "feed").status == 200
    session, _ = enter(house)
    query = "symbol=NSE_EQ%7CA%26B%2BC%3D1%232&timeframe=M1"
    assert house.ask("GET", f"/dashboard/chart?{query}", headers=session).json["bars"]["close"] == [1.5]
