"""The v1 routes, on a real socket: what is accepted, what is refused, and what wakes whom."""

from __future__ import annotations

import gc
import threading
import time
from typing import Any

import pytest

from live_trader.edge.server.calls import Call
from live_trader.edge.server.connection import Connection
from live_trader.edge.server.store.witness import Witness
from tests.edge.server.house import House, bar, signal, text, until

ENTRY = {
    "negative_group": None,
    "positive_group": {"LGBMClassifier~PC": 1},
    "portfolio": "('TOP_N', 'AG|PC', '0.5, 0.5', '1, 0')",
    "symbol": "AUDUSD",
    "timeframe": "M1",
    "weight": 0.5,
}
BARS = "/v1/bars?symbol=AUDUSD&timeframe=M1"


def post(symbol: str = "A", timeframe: str = "M1", **change: Any) -> dict[str, Any]:
    """A post of one bar with something changed."""
    return {"symbol": symbol, "timeframe": timeframe, "bars": [{**bar(1), **change}]}


def test_bars_come_back_as_they_were_posted_oldest_first(house: House) -> None:
    assert house.feed(2, 0, 1).json == {"stored": 3, "known": 0, "revised": 0, "refused": []}
    answer = house.ask("GET", BARS, holder="read").json
    assert answer["bars"] == [bar(0), bar(1), bar(2)]
    assert (answer["portfolio_version"], answer["revision"]) == (0, 0)


def test_without_after_the_newest_bars_are_given_and_with_it_the_oldest_that_follow(house: House) -> None:
    house.feed(*range(6))
    newest = house.ask("GET", f"{BARS}&limit=2", holder="read").json["bars"]
    following = house.ask("GET", f"{BARS}&limit=2&after={text(1)}", holder="read").json["bars"]
    assert [each["time"] for each in newest] == [text(4), text(5)]
    assert [each["time"] for each in following] == [text(2), text(3)]


def test_bars_of_several_tickers_fit_in_one_post(house: House) -> None:
    posts = [{"symbol": symbol, "timeframe": "M1", "bars": [bar(0)]} for symbol in ("AUDUSD", "EURUSD")]
    assert house.ask("POST", "/v1/bars", posts, "feed").json["stored"] == 2


def test_a_repeated_bar_is_known_and_a_different_one_is_a_revision(house: House) -> None:
    house.feed(0, 1, 2)
    assert house.feed(1).json["known"] == 1
    assert house.feed(1, close=1.75).json["revised"] == 1
    answer = house.ask("GET", BARS, holder="read").json
    assert answer["bars"][1]["close"] == 1.75
    assert answer["revision"] == 1
    assert house.feed(1).json["known"] == 1, "the bar that was replaced is kept, so it is known"
    assert house.ask("GET", BARS, holder="read").json["bars"][1]["close"] == 1.75


def test_impossible_bars_are_refused_with_the_reason_and_the_others_stored(house: House) -> None:
    bad = {**bar(1), "high": 0.5}
    answer = house.ask(
        "POST", "/v1/bars", {"symbol": "AUDUSD", "timeframe": "M1", "bars": [bar(0), bad]}, "feed"
    )
    assert answer.status == 200
    assert answer.json["stored"] == 1
    assert "2024-01-01 00:01:00" in answer.json["refused"][0]


ODD = (
    b'{"symbol":"A","timeframe":"M1","bars":['
    b'{"time":"2024-01-01T00:00:00Z","low":1,"close":1,"volume":1,%s}]}'
)
BAD_BARS: list[tuple[str, Any]] = [
    ("no JSON", b"<html>"),
    ("nothing", b""),
    ("cut off", b'{"symbol": "AUDUSD", "timeframe"'),
    ("NaN", ODD % b'"open":NaN,"high":2'),
    ("infinite", ODD % b'"open":1,"high":1e999'),
    ("not UTF-8", b'{"symbol": "\xff"}'),
    ("unknown timeframe", post(timeframe="M2")),
    ("symbol of dots", post(symbol="../../etc")),
    ("symbol with NUL", post(symbol="A\x00")),
    ("look-alike symbol", post(symbol="\uff21UDUSD")),
    ("number as text", post(open="1.25")),
    ("off the grid", post(timeframe="M5")),
    ("no zone", post(time="2024-01-01T00:00:00")),
    ("high below low", post(high=0.5)),
    ("price of zero", post(low=0)),
    ("negative volume", post(volume=-1)),
    ("still forming", post(time=text(60 * 24))),
    ("far year", post(time="9999-12-31T23:59:00-14:00")),
]


@pytest.mark.parametrize(("what", "body"), BAD_BARS, ids=[what for what, _ in BAD_BARS])
def test_bars_that_cannot_be_are_422_with_a_sentence(shared: House, what: str, body: Any) -> None:
    answer = shared.ask("POST", "/v1/bars", body, "feed")
    assert answer.status == 422, what
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json["code"] == "invalid"
    assert answer.json["detail"]
    assert answer.json["request_id"] == answer.headers["x-request-id"]


def test_a_signal_is_new_once_known_after_and_never_another(house: House) -> None:
    first = house.ask("POST", "/v1/signals", signal(0), "bot-trader")
    again = house.ask("POST", "/v1/signals", signal(0), "bot-trader")
    late = house.ask("POST", "/v1/signals", signal(0, late=True), "bot-trader")
    other = house.ask("POST", "/v1/signals", signal(0, -1), "bot-trader")
    assert [each.status for each in (first, again, late, other)] == [201, 200, 200, 409]
    assert first.json["seq"] == again.json["seq"]
    assert other.json["stored"]["signal"] == 1
    (stored,) = house.ask("GET", "/v1/signals", holder="read").json["signals"]
    assert {key: stored[key] for key in signal(0)} == signal(0)
    assert stored["seq"] == first.json["seq"]


@pytest.mark.parametrize(
    "change", [{"bundle": "two"}, {"models": {}, "probabilities": {}}, {"probabilities": {}}, {"signal": 0.5}]
)
def test_a_signal_that_differs_in_anything_but_lateness_is_different(
    house: House, change: dict[str, Any]
) -> None:
    house.ask("POST", "/v1/signals", signal(0), "bot-trader")
    assert house.ask("POST", "/v1/signals", {**signal(0), **change}, "bot-trader").status == 409


def test_a_list_is_judged_one_by_one(house: House) -> None:
    house.ask("POST", "/v1/signals", signal(0), "bot-trader")
    mixed = house.ask("POST", "/v1/signals", [signal(0), signal(1), signal(0, -1)], "bot-trader")
    assert mixed.status == 409
    assert [each["status"] for each in mixed.json["results"]] == [200, 201, 409]
    assert mixed.json["results"][2]["stored"]["signal"] == 1
    assert house.ask("POST", "/v1/signals", [signal(1), signal(2)], "bot-trader").status == 201
    assert house.ask("POST", "/v1/signals", [signal(1), signal(2)], "bot-trader").status == 200


def test_a_list_with_one_that_is_no_signal_stores_none(house: House) -> None:
    assert house.ask("POST", "/v1/signals", [signal(0), signal(1, 0.7)], "bot-trader").status == 422
    assert house.ask("GET", "/v1/signals", holder="read").json["signals"] == []


BAD_SIGNALS: list[tuple[str, Any]] = [
    ("0", signal(0, 0)),
    ("0.3", signal(0, 0.3)),
    ("text", {**signal(0), "signal": "1"}),
    ("model of 2", {**signal(0), "models": {"LGBMClassifier~PC": 2}}),
    ("probability above 1", {**signal(0), "probabilities": {"LGBMClassifier~PC": {"long": 1.1, "short": 0}}}),
    ("probability of a model without value", {**signal(0), "models": {}}),
    ("no symbol", {key: each for key, each in signal(0).items() if key != "symbol"}),
    ("off the grid", {**signal(0), "bar_time": "2024-01-01T00:00:30Z"}),
    ("half a second", {**signal(0), "bar_time": "2024-01-01T00:00:00.5Z"}),
    ("too many models", {**signal(0), "models": {f"M{n}~PC": 1 for n in range(65)}, "probabilities": {}}),
    ("no object", 5),
    ("nested deep", b"[" * 5000 + b"]" * 5000),
]


@pytest.mark.parametrize(("what", "body"), BAD_SIGNALS, ids=[what for what, _ in BAD_SIGNALS])
def test_what_is_no_signal_is_422(shared: House, what: str, body: Any) -> None:
    answer = shared.ask("POST", "/v1/signals", body, "bot-trader")
    assert (answer.status, answer.json["code"]) == (422, "invalid"), what


def test_a_signal_of_a_bar_that_is_not_closed_is_refused(shared: House) -> None:
    answer = shared.ask("POST", "/v1/signals", signal(60 * 24), "bot-trader")
    assert (answer.status, answer.json["code"]) == (422, "not_closed")


def test_a_held_signal_carries_its_reason_and_no_other_signal_has_one(house: House) -> None:
    """Its models keep their values; with another reason it is another signal; held and long it is none."""
    house.feed(0, 1)
    held = signal(0, 0.5, models={"LGBMClassifier~PC": 1}, held="drift: 2 of 3 features moved")
    assert house.ask("POST", "/v1/signals", held, "bot-trader").status == 201
    assert house.ask("POST", "/v1/signals", held, "bot-trader").status == 200
    assert house.ask("POST", "/v1/signals", {**held, "held": "another"}, "bot-trader").status == 409
    assert house.ask("POST", "/v1/signals", signal(1, 1, held="drift"), "bot-trader").status == 422
    house.ask("POST", "/v1/signals", signal(1, 0.5), "bot-trader")
    one, other = house.ask("GET", "/v1/signals", holder="read").json["signals"]
    assert (one["signal"], one["models"], one["held"]) == (0.5, held["models"], held["held"])
    assert "held" not in other


def test_a_shadow_signal_stands_beside_the_champions_and_is_listed_apart(house: House) -> None:
    house.ask("POST", "/v1/signals", signal(0), "bot-trader")
    assert house.ask("POST", "/v1/signals", signal(0, -1, shadow=True), "bot-trader").status == 201
    assert house.ask("POST", "/v1/signals", signal(0, 1, shadow=True), "bot-trader").status == 409
    traded = house.ask("GET", "/v1/signals", holder="read").json["signals"]
    watched = house.ask("GET", "/v1/signals?shadow=true", holder="read").json["signals"]
    assert [each["signal"] for each in traded] == [1]
    assert [each["signal"] for each in watched] == [-1]
    (bot,) = house.ask("GET", "/v1/bots", holder="read").json["bots"]
    assert bot["last_signal"] == 1, "what a challenger says is not what the bot said"


def test_signals_are_listed_by_ticker_bot_and_seq(house: House) -> None:
    bodies = [signal(0), signal(1), signal(1, symbol="EURUSD"), signal(2)]
    seqs = [house.ask("POST", "/v1/signals", each, "bot-trader").json["seq"] for each in bodies]

    def listed(query: str) -> list[int]:
        return [
            each["seq"] for each in house.ask("GET", f"/v1/signals?{query}", holder="read").json["signals"]
        ]

    assert listed("symbol=AUDUSD&timeframe=M1") == [seqs[0], seqs[1], seqs[3]]
    assert listed("symbol=AUDUSD&timeframe=M1&id=trader&limit=1") == [seqs[3]]
    assert listed(f"after={seqs[0]}&limit=2") == [seqs[1], seqs[2]]
    assert listed("id=nobody") == []
    assert listed("symbol=NZDUSD&timeframe=M1") == []


def test_a_poll_sleeps_until_its_bar_is_stored(house: House) -> None:
    house.feed(0)
    reply = house.later("GET", f"{BARS}&after={text(0)}&wait=20&id=trader", holder="bot-trader")
    house.feed(5, symbol="EURUSD")
    began = time.monotonic()
    house.feed(1)
    assert [each["time"] for each in reply().json["bars"]] == [text(1)]
    assert time.monotonic() - began < 1.0


def test_a_poll_ends_empty_when_its_time_is_over(shared: House) -> None:
    assert shared.ask("GET", f"{BARS}&wait=0.1", holder="read").json["bars"] == []


def test_a_poll_is_woken_by_a_portfolio_and_by_a_revision(house: House) -> None:
    house.feed(0)
    poll = ("GET", f"{BARS}&after={text(0)}&wait=20")
    reply = house.later(*poll, holder="read")
    house.ask("PUT", "/v1/portfolio", [ENTRY], "admin")
    assert (reply().json["bars"], reply().json["portfolio_version"]) == ([], 1)
    reply = house.later(*poll, holder="read")
    house.feed(0, close=1.75)
    assert (reply().json["bars"], reply().json["revision"]) == ([], 1)


def test_many_polls_are_answered_by_one_bar(house: House) -> None:
    waiting = [
        house.later("GET", f"{BARS}&after={text(0)}&wait=20", holder="read", timeout=20) for _ in range(60)
    ]
    house.feed(1)
    assert all(len(each().json["bars"]) == 1 for each in waiting)


def test_a_signal_wakes_who_waits_for_signals(house: House) -> None:
    reply = house.later("GET", "/v1/signals?symbol=AUDUSD&timeframe=M1&after=0&wait=20", holder="read")
    house.ask("POST", "/v1/signals", signal(0, symbol="EURUSD"), "bot-trader")
    house.ask("POST", "/v1/signals", signal(1), "bot-trader")
    assert [each["bar_time"] for each in reply().json["signals"]] == [text(1)]


def test_a_poll_whose_asker_left_is_forgotten(house: House) -> None:
    reply = threading.Thread(target=lambda: _leave(house))
    reply.start()
    reply.join()
    end = time.monotonic() + 5
    while house.server.parts.hub.waiting and time.monotonic() < end:
        time.sleep(0.01)
    assert house.server.parts.hub.waiting == 0
    assert not house.server.parts.polls


def test_what_has_been_answered_leaves_nothing_for_the_collector(house: House) -> None:
    """Which the server lets work once a minute only."""
    gc.collect()
    gc.disable()
    try:
        for minute in range(5):
            reply = house.later("GET", f"{BARS}&after={text(minute)}&wait=20", holder="read")
            house.feed(minute + 1)
            assert reply().status == 200
            assert house.ask("GET", "/nowhere").status == 404
            assert house.ask("POST", "/v1/signals", b"{", "bot-trader").status == 422
        until(lambda: not any(isinstance(each, (Call, Connection)) for each in gc.get_objects()))
    finally:
        gc.enable()


def _leave(house: House) -> None:
    with pytest.raises(TimeoutError):
        house.ask("GET", f"{BARS}&wait=30", holder="read", timeout=0.2)


def test_a_portfolio_is_replaced_and_its_version_counts(house: House) -> None:
    assert house.ask("GET", "/v1/portfolio", holder="read").json == {
        "version": 0, "state": "ACTIVE", "allocations": [], "put": False
    }  # fmt: skip
    put = house.ask("PUT", "/v1/portfolio", {"allocations": [ENTRY]}, "admin").json
    assert (put["version"], put["skipped"]) == (1, [])
    assert house.ask("GET", "/v1/portfolio", holder="read").json["allocations"] == [ENTRY]
    assert house.ask("PUT", "/v1/portfolio", [], "admin").json["version"] == 2


def test_an_empty_portfolio_that_was_put_is_told_from_none_at_all(house: House) -> None:
    def told(method: str, path: str, body: Any = None) -> tuple[int, bool, list[Any]]:
        answer = house.ask(method, path, body, "admin").json
        stored = house.ask("GET", "/v1/portfolio", holder="read").json
        assert (stored["version"], stored["put"]) == (answer["version"], answer["put"])
        return answer["version"], answer["put"], answer["allocations"]

    assert told("POST", "/v1/onlyclose") == (1, False, []), "a state is no portfolio"
    assert told("PUT", "/v1/portfolio", {"allocations": None}) == (2, False, []), "nor is keeping none"
    assert told("PUT", "/v1/portfolio", []) == (3, True, [])
    assert told("POST", "/v1/onlyclose") == (4, True, [])
    assert told("PUT", "/v1/portfolio", {"allocations": None}) == (5, True, [])
    assert told("PUT", "/v1/portfolio", [ENTRY]) == (6, True, [ENTRY])
    assert told("PUT", "/v1/portfolio", {"allocations": None}) == (7, True, [ENTRY])
    kept = [portfolio.put for _, portfolio in Witness(house.folder).portfolios()]
    assert kept == [False, False, True, True, True, True, True]


def test_what_no_bot_of_ours_can_serve_is_kept_and_said(house: House) -> None:
    groups = {"positive_group": {"LGBMClassifier~PC": 1, "CatBoost~AG": 1}}
    put = house.ask("PUT", "/v1/portfolio", [{**ENTRY, **groups}], "admin").json
    assert put["allocations"][0]["positive_group"] == groups["positive_group"]
    assert "AG" in put["skipped"][0]


@pytest.mark.parametrize(
    "body",
    [{}, {"allocations": [{**ENTRY, "weight": "much"}]}, {"allocations": [], "stat": "ACTIVE"}, "x", 3],
)
def test_what_is_no_portfolio_is_422_and_changes_nothing(shared: House, body: Any) -> None:
    assert shared.ask("PUT", "/v1/portfolio", body, "admin").status == 422
    assert shared.ask("GET", "/v1/portfolio", holder="read").json["version"] == 0


def test_a_portfolio_put_on_condition_of_a_version_that_is_gone_is_refused(house: House) -> None:
    assert house.ask("PUT", "/v1/portfolio", {"allocations": [], "version": 0}, "admin").status == 200
    refused = house.ask("PUT", "/v1/portfolio", {"allocations": [], "version": 0}, "admin")
    assert (refused.status, refused.json["version"]) == (409, 1)


def test_only_close_reduces_and_a_rebalance_trades_again(house: House) -> None:
    assert house.ask("POST", "/v1/onlyclose", holder="admin").json["state"] == "REDUCING"
    assert house.ask("POST", "/v1/onlyclose", holder="admin").json["version"] == 1, "it changes nothing twice"
    assert house.ask("PUT", "/v1/portfolio", [ENTRY], "admin").json["state"] == "ACTIVE"


def test_a_halt_ends_only_by_name(house: House) -> None:
    house.ask("PUT", "/v1/portfolio", {"allocations": [], "state": "HALTED"}, "admin")
    assert house.ask("POST", "/v1/onlyclose", holder="admin").json["state"] == "HALTED"
    assert house.ask("PUT", "/v1/portfolio", [ENTRY], "admin").json["state"] == "HALTED"
    ended = house.ask("PUT", "/v1/portfolio", {"allocations": [], "state": "ACTIVE"}, "admin")
    assert ended.json["state"] == "ACTIVE"


BAD_QUERIES = [
    "/v1/bars", "/v1/bars?symbol=A", f"{BARS}&limit=0", f"{BARS}&limit=10001", f"{BARS}&limit=x",
    f"{BARS}&wait=61", f"{BARS}&wait=-1", f"{BARS}&wait=nan", f"{BARS}&after=yesterday", f"{BARS}&aftr=1",
    f"{BARS}&symbol=EURUSD", f"{BARS}&id=..", f"{BARS}&id=%00", "/v1/bars?symbol=%2e%2e%2f&timeframe=M1",
    "/v1/signals?symbol=A", "/v1/signals?after=-1", "/v1/signals?after=99999999999999999999",
    "/v1/signals?shadow=perhaps", "/v1/signals?id=%ff", "/v1/stream?kinds=bar,nonsense", "/v1/portfolio?a=1",
    "/v1/bots?x", "/v1/stream?after=null", f"{BARS}&after=2024-01-01T00:00:00",
]  # fmt: skip


@pytest.mark.parametrize("target", BAD_QUERIES)
def test_a_query_that_means_nothing_is_422(shared: House, target: str) -> None:
    answer = shared.ask("GET", target, holder="bot-trader")
    assert (answer.status, answer.json["code"]) == (422, "invalid")


def test_unknown_paths_and_methods_are_problems_too(shared: House) -> None:
    nowhere = shared.ask("GET", "/v2/bars")
    assert (nowhere.status, nowhere.json["code"]) == (404, "not_found")
    deleted = shared.ask("DELETE", "/v1/bars", holder="admin")
    assert (deleted.status, deleted.headers["allow"]) == (405, "GET, POST")


def test_health_says_what_is_missing(house: House) -> None:
    assert house.ask("GET", "/v1/health/live").json["status"] == "ok"
    missing = house.ask("GET", "/v1/health/ready")
    assert (missing.status, len(missing.json["reasons"])) == (503, 1)
    house.feed(0)
    assert house.ask("GET", "/v1/health/ready").status == 200
