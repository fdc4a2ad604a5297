"""What is too much is refused, and who behaves does not notice."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress

import pytest

from live_trader.edge.server.options import Limits
from live_trader.edge.server.refusals import Failures
from tests.edge.server.house import House, bar, signal, until


def talk(house: House, sent: bytes, timeout: float = 10.0) -> bytes:
    """Say this on a new connection, and hear what comes until it is closed."""
    with closing(socket.create_connection(("127.0.0.1", house.port), timeout)) as peer:
        peer.sendall(sent)
        heard = b""
        try:
            while piece := peer.recv(65536):
                heard += piece
        except ConnectionResetError:
            pass
        return heard


def test_a_body_over_the_limit_is_413(build: Callable[..., House]) -> None:
    house = build(limits=Limits(body_bytes=10_000))
    exact = b"[" + b" " * 9_998 + b"]"
    assert house.ask("POST", "/v1/signals", exact, "bot-trader").status == 200
    answer = house.ask("POST", "/v1/signals", exact + b" ", "bot-trader")
    assert (answer.status, answer.json["code"]) == (413, "too_large")


def test_a_body_of_unknown_length_is_refused_as_soon_as_it_is_too_large(build: Callable[..., House]) -> None:
    house = build(limits=Limits(body_bytes=10_000))
    pieces = b"".join(b"2710\r\n" + b" " * 10_000 + b"\r\n" for _ in range(5))
    head = f"POST /v1/signals HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {house.tokens['bot-trader']}\r\n"
    heard = talk(house, head.encode() + b"transfer-encoding: chunked\r\nconnection: close\r\n\r\n" + pieces)
    assert heard.startswith(b"HTTP/1.1 413 ")


def test_a_body_without_end_is_cut_off(build: Callable[..., House]) -> None:
    house = build(limits=Limits(body_bytes=10_000))
    head = f"POST /v1/signals HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {house.tokens['bot-trader']}\r\n"
    with closing(socket.create_connection(("127.0.0.1", house.port), 5)) as peer:
        peer.sendall(head.encode() + b"content-length: 999999999\r\n\r\n")
        with pytest.raises(OSError, match=r"reset|pipe|aborted"):
            peer.sendall(b" " * 100_000_000)
    assert house.server.parts.metrics.counted("trader_refused_connections_total", "endless body") == 1


@pytest.mark.parametrize("flood", [b"x: y\r\n" * 5000, b"x: " + b"y" * 30_000])
def test_a_head_without_end_is_431(shared: House, flood: bytes) -> None:
    heard = talk(shared, b"GET /v1/health/live HTTP/1.1\r\nhost: x\r\n" + flood)
    assert heard.startswith(b"HTTP/1.1 431 ")
    assert b'"code":"too_long_a_head"' in heard


def test_an_address_without_end_is_431(shared: House) -> None:
    assert talk(shared, b"GET /" + b"a" * 30_000).startswith(b"HTTP/1.1 431 ")


@pytest.mark.parametrize(
    "noise", [b"\x16\x03\x01\x02\x00\x01\x00", b"hello\r\n\r\n", b"GET\r\n\r\n", b"\x00" * 99]
)
def test_what_is_not_http_is_400_and_closed(shared: House, noise: bytes) -> None:
    heard = talk(shared, noise)
    assert heard.startswith(b"HTTP/1.1 400 ")
    assert b'"code":"malformed"' in heard


@pytest.mark.parametrize("sent", [b"", b"GET /v1/health/live HTTP/1.1\r\nhost:"])
def test_a_request_that_never_becomes_whole_is_cut_off(build: Callable[..., House], sent: bytes) -> None:
    house = build(limits=Limits(request_s=0.5))
    began = time.monotonic()
    assert talk(house, sent) == b""
    assert 0.4 < time.monotonic() - began < 4


def test_a_poll_may_wait_longer_than_a_request_may_take_to_arrive(build: Callable[..., House]) -> None:
    house = build(limits=Limits(request_s=0.3))
    answer = house.ask("GET", "/v1/bars?symbol=A&timeframe=M1&wait=1.8", holder="read")
    assert answer.status == 200


def test_connections_over_the_limit_are_closed_and_told_and_counted(
    build: Callable[..., House], caplog: pytest.LogCaptureFixture
) -> None:
    house = build(limits=Limits(connections=5))
    idle = [socket.create_connection(("127.0.0.1", house.port), 5) for _ in range(5)]
    until(lambda: len(house.server.server_state.connections) == 5)
    assert talk(house, b"GET /v1/health/live HTTP/1.1\r\nhost: x\r\n\r\n") == b""
    assert talk(house, b"GET /v1/health/live HTTP/1.1\r\nhost: x\r\n\r\n") == b""
    assert house.server.parts.metrics.counted("trader_refused_connections_total", "too many") == 2
    told = [vars(each)["cause"] for each in caplog.records if "ends connections" in each.getMessage()]
    assert told == ["too many, from 127.0.0.1"]
    for each in idle:
        each.close()
    until(lambda: not house.server.server_state.connections)
    assert house.ask("GET", "/v1/health/live").status == 200


def test_who_asks_on_and_on_without_waiting_for_an_answer_is_cut_off(build: Callable[..., House]) -> None:
    house = build()
    waits = (
        "GET /v1/bars?symbol=AUDUSD&timeframe=M1&wait=20 HTTP/1.1\r\nhost: localhost\r\n"
        f"authorization: Bearer {house.tokens['read']}\r\n\r\n"
    ).encode()
    with socket.create_connection(("127.0.0.1", house.port), timeout=5) as wire:
        wire.sendall(waits * 10)
        wire.settimeout(0.2)
        with pytest.raises(TimeoutError):
            wire.recv(1)
        wire.settimeout(5)
        wire.sendall(waits * 500)
        house.feed(0)
        with suppress(ConnectionError):
            while wire.recv(65536):
                continue
    until(lambda: house.server.parts.metrics.counted("trader_refused_connections_total", "too many at once"))
    assert house.ask("GET", "/v1/health/live").status == 200


def test_waiting_polls_per_token_are_limited(build: Callable[..., House]) -> None:
    house = build(limits=Limits(polls_per_token=2))
    poll = ("GET", "/v1/bars?symbol=AUDUSD&timeframe=M1&wait=20")
    waiting = [house.later(*poll, holder="read") for _ in range(2)]
    refused = house.ask(*poll, holder="read")
    assert (refused.status, refused.json["code"]) == (429, "too_many_polls")
    assert refused.headers["retry-after"]
    assert house.later(*poll, holder="desk"), "another token has its own"
    house.feed(0)
    assert all(each().status == 200 for each in waiting)
    assert house.ask(*poll, holder="read").status == 200


def test_who_fails_too_often_is_slowed_down_and_who_is_known_is_not(build: Callable[..., House]) -> None:
    house = build(limits=Limits(failures_per_minute=3))
    wrong = {"authorization": "Bearer wrong"}
    assert [house.ask("GET", "/v1/bots", headers=wrong).status for _ in range(3)] == [401] * 3
    began = time.monotonic()
    refused = house.ask("GET", "/v1/bots", headers=wrong)
    assert (refused.status, refused.json["code"]) == (429, "too_many_failures")
    assert time.monotonic() - began > 0.4
    began = time.monotonic()
    assert house.ask("GET", "/v1/bots", holder="read").status == 200
    assert time.monotonic() - began < 0.4


def test_who_without_a_token_asks_for_nonsense_too_often_is_slowed_down_too(
    build: Callable[..., House],
) -> None:
    house = build(limits=Limits(failures_per_minute=1))
    nonsense = [
        ("GET", "/nowhere"),
        ("DELETE", "/v1/signals"),
        ("GET", "/getbars?symbol=..&timeframe=M1&id=x"),
    ]
    found = [house.ask(*nonsense[number % 3]).status for number in range(10)]
    assert 429 not in found
    refused = [house.ask(*each) for each in nonsense]
    assert {(each.status, each.json["code"]) for each in refused} == {(429, "too_many_failures")}
    assert house.ask("GET", "/nowhere", holder="read").status == 429, "nobody was asked for who it is"
    assert house.ask("GET", "/v1/bars?symbol=AUDUSD&timeframe=M1&limit=0", holder="read").status == 422
    assert house.ask("GET", "/v1/health/live").status == 200


def test_failures_are_counted_by_address_and_minute() -> None:
    failures = Failures(2)
    assert [failures.add("a", 0), failures.add("a", 1), failures.add("a", 2)] == [False, False, True]
    assert not failures.add("b", 3)
    assert not failures.add("a", 61)


def test_a_flood_of_refusals_does_not_wash_the_log_away(
    build: Callable[..., House], caplog: pytest.LogCaptureFixture
) -> None:
    """Sixty lines a minute of one address, a line that says so, and every one of them counted."""
    house = build(limits=Limits(failures_per_minute=10_000))
    for _ in range(80):
        assert house.ask("GET", "/v1/bots", headers={"authorization": "Bearer wrong"}).status == 401
    told = [each.getMessage() for each in caplog.records if each.levelno == logging.WARNING]
    assert told.count("refused a request") == 60
    assert told.count("telling no more refusals of an address in this minute") == 1
    assert house.server.parts.metrics.counted("trader_problems_total", "unauthorised") == 80


def test_a_refused_page_is_told_and_counted_like_every_other_request(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    """With its id, its cause and where it came from, and without the key."""
    answer = house.ask("POST", "/dashboard/login", {"key": "planted-secret"})
    assert answer.status == 401
    (record,) = [each for each in caplog.records if each.getMessage() == "refused a request"]
    told = vars(record)
    assert (told["request_id"], told["address"]) == (answer.json["request_id"], "127.0.0.1")
    assert "planted-secret" not in str(told)
    assert house.server.parts.metrics.counted("trader_problems_total", "unauthorised") == 1


def test_a_flood_of_failures_does_not_stop_a_bot(build: Callable[..., House]) -> None:
    house = build()
    over = threading.Event()

    def flood() -> None:
        request = b"GET /v1/bots HTTP/1.1\r\nhost: x\r\nauthorization: Bearer wrong\r\n\r\n"
        with closing(socket.create_connection(("127.0.0.1", house.port), 5)) as peer:
            while not over.is_set():
                peer.sendall(request)
                peer.recv(65536)

    crowd = [threading.Thread(target=flood) for _ in range(20)]
    for each in crowd:
        each.start()
    slowest = 0.0
    for minute in range(50):
        began = time.monotonic()
        assert house.ask("POST", "/v1/signals", signal(minute), "bot-trader").status == 201
        slowest = max(slowest, time.monotonic() - began)
    over.set()
    for each in crowd:
        each.join()
    assert slowest < 2.0


def test_no_token_is_in_any_log_or_answer(
    house: House, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    answers = [
        house.ask("GET", "/v1/bots", headers={"authorization": "Bearer planted-secret"}),
        house.ask("PUT", "/v1/portfolio", [], "read"),
        house.ask("POST", "/v1/signals", b"{", "bot-trader"),
        house.ask("GET", "/metrics", holder="admin"),
        house.ask("GET", "/openapi.json"),
    ]
    seen = b"".join(answer.body for answer in answers).decode() + caplog.text + capfd.readouterr().err
    seen += "".join(str(vars(record)) for record in caplog.records)
    assert not [word for word in (*house.tokens.values(), "planted-secret") if word in seen]


def test_security_headers_are_on_every_answer_and_cors_is_closed(shared: House) -> None:
    for target in ("/v1/health/live", "/docs", "/nowhere", "/v1/bots", "/", "/dashboard/me", "/getportfolio"):
        headers = shared.ask("GET", target, headers={"origin": "https://example.com"}).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert "access-control-allow-origin" not in headers
        assert "server" not in headers
        assert "x-request-id" in headers or target == "/docs"


@pytest.mark.parametrize(
    ("target", "status"), [("/v1/signals", 405), ("/result", 405), ("/dashboard/state", 401)]
)
def test_an_answer_to_a_preflight_allows_nothing(shared: House, target: str, status: int) -> None:
    headers = {"origin": "https://example.com", "access-control-request-method": "POST"}
    answer = shared.ask("OPTIONS", target, headers=headers)
    assert answer.status == status
    assert not [name for name in answer.headers if name.startswith("access-control")]


def test_a_mistake_of_ours_is_a_500_with_an_id_and_no_trace(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(*_: object) -> None:
        raise ZeroDivisionError("a detail nobody should see")

    monkeypatch.setattr(house.server.parts.store.bars, "add", broken)
    answer = house.ask("POST", "/v1/bars", {"symbol": "A", "timeframe": "M1", "bars": [bar(0)]}, "feed")
    assert (answer.status, answer.json["code"]) == (500, "failed")
    assert b"detail nobody" not in answer.body
    record = next(each for each in caplog.records if each.exc_info)
    assert vars(record)["request_id"] == answer.json["request_id"]
