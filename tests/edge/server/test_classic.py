"""The classic routes, as old clients use them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.edge.server.house import House, text
from tests.edge.server.test_v1 import ENTRY

TAIL = "symbol=AUDUSD&timeframe=M1&id=11"


def result(minute: int, value: Any = 1, model: str = "LGBMClassifier~PC", **more: Any) -> dict[str, Any]:
    time = text(minute).replace("T", " ").rstrip("Z")
    return {"exec_time": time, "symbol": "AUDUSD", "timeframe": "M1", "probas": {model: value}, **more}


def drained(house: House, tail: str = TAIL) -> Any:
    body = house.ask("GET", f"/getbars?{tail}").body
    return json.loads(body.split(b"\n")[0])


def stored(house: House) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = house.ask("GET", "/v1/signals", holder="read").json["signals"]
    return found


def test_a_buffer_is_armed_with_the_last_bars_and_drained_once(house: House) -> None:
    house.feed(*range(5))
    assert house.ask("GET", f"/fillbars?count=2&{TAIL}").status == 200
    first, second = drained(house)
    assert first == {
        "Time": "2024-01-01 00:03:00", "Open": 1.25, "High": 2.0, "Low": 1.0, "Close": 1.5, "Volume": 7.0
    }  # fmt: skip
    assert second["Time"] == "2024-01-01 00:04:00"
    assert drained(house) == []
    house.feed(5)
    assert [each["Time"] for each in drained(house)] == ["2024-01-01 00:05:00"]


def test_buffers_of_different_ids_do_not_disturb_each_other(house: House) -> None:
    house.feed(*range(3))
    house.ask("GET", f"/fillbars?count=9&{TAIL}")
    house.ask("GET", "/fillbars?count=1&symbol=AUDUSD&timeframe=M1&id=rebalance")
    assert len(drained(house, "symbol=AUDUSD&timeframe=M1&id=rebalance")) == 1
    assert len(drained(house)) == 3


def test_a_buffer_armed_before_there_are_bars_gets_them_all(house: House) -> None:
    house.ask("GET", f"/fillbars?count=5&{TAIL}")
    assert drained(house) == []
    house.feed(0, 1)
    assert len(drained(house)) == 2


def test_a_long_history_comes_in_pieces(house: House) -> None:
    for first in range(0, 6000, 1500):
        house.hands.go(1500 * 60)
        house.feed(*range(first, first + 1500))
    house.ask("GET", f"/fillbars?count=5500&{TAIL}")
    pieces = [len(drained(house)) for _ in range(3)]
    assert pieces == [5000, 500, 0]


def test_a_buffer_outlives_the_server(build: Callable[..., House]) -> None:
    house = build()
    house.feed(0, 1)
    house.ask("GET", f"/fillbars?count=1&{TAIL}")
    house.stop()
    again = build(house.folder)
    again.feed(2)
    assert [each["Time"][-8:] for each in drained(again)] == ["00:01:00", "00:02:00"]


def test_a_rebalance_is_pushed_once_into_every_buffer(house: House) -> None:
    house.feed(0)
    house.ask("GET", f"/fillbars?count=1&{TAIL}")
    assert house.ask("POST", "/rebalance", [ENTRY]).status == 200
    assert drained(house) == [ENTRY]
    assert len(drained(house)) == 1
    assert drained(house) == []
    assert house.ask("GET", "/getportfolio").json == [ENTRY]


@pytest.mark.parametrize("twice", [False, True])
def test_a_result_becomes_the_signal_of_the_classic_bot(house: House, twice: bool) -> None:
    body = json.dumps(result(0, -1))
    assert house.ask("POST", "/result", json.dumps(body).encode() if twice else body.encode()).status == 200
    (signal,) = stored(house)
    assert (signal["id"], signal["signal"], signal["models"]) == ("classic", -1, {"LGBMClassifier~PC": -1})
    assert signal["probabilities"] == {}
    assert signal["late"] is True, "its bar closed a day ago"


def test_a_result_in_time_is_not_late(house: House) -> None:
    minute = 24 * 60 - 1
    house.ask("POST", "/result", result(minute))
    assert stored(house)[0]["late"] is False


def test_a_result_twice_changes_nothing_and_another_is_refused(house: House) -> None:
    assert house.ask("POST", "/result", result(0)).body == b"stored\n"
    assert house.ask("POST", "/result", result(0)).body == b"known\n"
    assert house.ask("POST", "/result", result(0, -1)).status == 409
    assert len(stored(house)) == 1


def test_the_old_separator_in_a_models_name_is_understood(house: House) -> None:
    house.ask("POST", "/result", result(0, model="LGBMClassifier\u203ePC"))
    assert stored(house)[0]["models"] == {"LGBMClassifier~PC": 1}


def test_several_models_are_blended_as_the_portfolio_says(house: House) -> None:
    groups = {"positive_group": {"A~PC": 1, "B~PC": 1}, "negative_group": {"C~PC": 3}}
    house.ask("POST", "/rebalance", [{**ENTRY, **groups}])
    house.ask("POST", "/result", result(0, probas={"A~PC": 1, "B~PC": 0.5, "C~PC": 1}))
    house.ask("POST", "/result", result(1, probas={"A~PC": 1, "B~PC": 1, "C~PC": 0.5}))
    assert [each["signal"] for each in stored(house)] == [-1, 1]


@pytest.mark.parametrize(("zero_is_short", "status"), [(True, 200), (False, 422)])
def test_0_means_short_where_that_is_set(
    build: Callable[..., House], zero_is_short: bool, status: int
) -> None:
    house = build(classic_zero_is_short=zero_is_short)
    assert house.ask("POST", "/result", result(0, 0)).status == status
    assert [each["signal"] for each in stored(house)] == ([-1] if zero_is_short else [])


def test_only_close_reduces(house: House) -> None:
    assert house.ask("GET", "/onlyclose").body == b"REDUCING\n"
    assert house.ask("GET", "/v1/portfolio", holder="read").json["state"] == "REDUCING"


def test_the_classic_bot_is_known_to_live_by_its_polls(house: House) -> None:
    house.feed(0)
    drained(house)
    house.ask("POST", "/result", result(0))
    (bot,) = house.ask("GET", "/v1/bots", holder="read").json["bots"]
    assert (bot["id"], bot["state"], bot["last_signal"]) == ("classic", "FRESH", 1)


BAD = [
    ("GET", "/fillbars?count=2&symbol=AUDUSD&timeframe=M1", None),
    ("GET", f"/fillbars?count=-1&{TAIL}", None),
    ("GET", f"/fillbars?count=many&{TAIL}", None),
    ("GET", "/getbars?symbol=../x&timeframe=M1&id=11", None),
    ("GET", "/getbars?symbol=AUDUSD&timeframe=M1&id=../11", None),
    ("GET", "/getbars?symbol=AUDUSD&timeframe=M7&id=11", None),
    ("POST", "/result", b""),
    ("POST", "/result", b'"not JSON"'),
    ("POST", "/result", b'"\\"three deep\\""'),
    ("POST", "/result", {**result(0), "probas": {}}),
    ("POST", "/result", result(0, 2)),
    ("POST", "/result", result(0, None)),
    ("POST", "/result", result(0, exec_time="soon")),
    ("POST", "/rebalance", {"symbol": "AUDUSD"}),
    ("POST", "/rebalance", [{**ENTRY, "weight": "NaN"}]),
]


@pytest.mark.parametrize(("method", "target", "body"), BAD, ids=range(len(BAD)))
def test_what_means_nothing_is_422(shared: House, method: str, target: str, body: Any) -> None:
    assert shared.ask(method, target, body).status == 422


def test_what_old_clients_send_besides_is_ignored(shared: House) -> None:
    assert shared.ask("GET", f"/getbars?{TAIL}&version=3").status == 200


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"origin": "https://example.com"}, "cross_site"),
        ({"sec-fetch-site": "cross-site"}, "cross_site"),
        ({"host": "rebound.example.com"}, "forbidden"),
        ({"host": "127.0.0.1.example.com:8181"}, "forbidden"),
    ],
)
def test_a_web_page_cannot_reach_the_routes_without_tokens(
    shared: House, headers: dict[str, str], code: str
) -> None:
    for target in ("/onlyclose", "/getportfolio"):
        answer = shared.ask("GET", target, headers=headers)
        assert (answer.status, answer.json["code"]) == (403, code)


@pytest.mark.parametrize("host", ["localhost", "localhost:8181", "127.0.0.1", "[::1]:8181"])
def test_every_name_of_this_machine_will_do(shared: House, host: str) -> None:
    assert shared.ask("GET", "/getportfolio", headers={"host": host}).status == 200


def test_the_classic_routes_can_be_turned_off(build: Callable[..., House]) -> None:
    assert build(classic="off").ask("GET", "/getportfolio").status == 404
