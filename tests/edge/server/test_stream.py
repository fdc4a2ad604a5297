"""The stream: everything in the order of its seq, and nothing lost between two connections."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from live_trader.edge.server.options import Limits
from tests.edge.server.house import House, signal, until


class Listener:
    """One connection to the stream, read event by event."""

    def __init__(self, house: House, target: str = "/v1/stream", resume: int | None = None) -> None:
        headers = {"authorization": f"Bearer {house.tokens['read']}"}
        if resume is not None:
            headers["last-event-id"] = str(resume)
        self._connection = http.client.HTTPConnection("127.0.0.1", house.port, timeout=10)
        self._connection.request("GET", target, headers=headers)
        self.answer = self._connection.getresponse()
        assert self.answer.status == 200
        greeting = self._block()
        assert greeting.keys() == {"retry", "id"}
        assert greeting["retry"] == "2000"

    def next(self) -> tuple[int, str, Any]:
        """The next event: its id, its kind, its data."""
        block = self._block()
        return int(block["id"]), block["event"], json.loads(block["data"])

    def _block(self) -> dict[str, str]:
        told = {}
        while line := self.answer.readline().decode().rstrip("\n"):
            name, _, value = line.partition(": ")
            if name:
                told[name] = value
        return told

    def close(self) -> None:
        self._connection.close()
        self.answer.close()


@contextmanager
def listening(*args: Any, **kwargs: Any) -> Iterator[Listener]:
    listener = Listener(*args, **kwargs)
    try:
        yield listener
    finally:
        listener.close()


def some_life(house: House) -> None:
    """One fact of every kind the tests below look for."""
    house.feed(0, 1)
    house.ask("POST", "/v1/signals", signal(0), "bot-trader")
    house.ask("POST", "/v1/signals", signal(0, -1, shadow=True), "bot-trader")
    house.feed(1, close=1.75)
    house.ask("POST", "/v1/onlyclose", holder="admin")


def test_every_fact_is_told_once_in_order(house: House) -> None:
    some_life(house)
    with listening(house, "/v1/stream?after=0") as listener:
        events = [listener.next() for _ in range(7)]
    told = [(kind, data.get("close"), data.get("revised")) for _, kind, data in events if kind != "bot"]
    assert told == [
        ("bar", 1.5, False), ("bar", 1.5, False), ("signal", None, None), ("shadow", None, None),
        ("bar", 1.75, True), ("portfolio", None, None),
    ]  # fmt: skip
    seqs = [seq for seq, _, _ in events]
    assert seqs == sorted(set(seqs))
    assert all(data["seq"] == seq for seq, _, data in events)


def test_a_listener_that_comes_back_hears_exactly_what_it_missed(house: House) -> None:
    with listening(house) as listener:
        house.feed(0)
        seq, kind, _ = listener.next()
        assert kind == "bar"
    house.feed(1, 2)
    house.ask("POST", "/v1/signals", signal(0), "bot-trader")
    with listening(house, "/v1/stream?kinds=bar,signal", resume=seq) as listener:
        missed = [listener.next()[1] for _ in range(3)]
        assert missed == ["bar", "bar", "signal"]
        house.feed(3)
        assert listener.next()[2]["time"] == "2024-01-01T00:03:00Z"


def test_a_new_listener_hears_only_what_comes(house: House) -> None:
    some_life(house)
    with listening(house, "/v1/stream?kinds=bar") as listener:
        house.feed(7)
        assert listener.next()[2]["time"] == "2024-01-01T00:07:00Z"


def test_a_seq_of_another_store_is_answered_with_everything(house: House) -> None:
    house.feed(0)
    with listening(house, resume=10_000) as listener:
        assert listener.next()[1] == "bar"


@pytest.mark.parametrize("resume", ["x", "-1", "9" * 40, "\u0663"])
def test_a_strange_last_event_id_is_422(shared: House, resume: str) -> None:
    headers = {"last-event-id": resume.encode().decode("latin-1")}
    assert shared.ask("GET", "/v1/stream", holder="read", headers=headers).status == 422


def test_a_bots_change_of_condition_is_told(house: House) -> None:
    house.feed(0)
    house.ask("POST", "/v1/signals", signal(0), "bot-trader")
    with listening(house, "/v1/stream?after=0&kinds=bot") as listener:
        assert listener.next()[2]["state"] == "FRESH"
        house.hands.go(71)
        assert listener.next()[2]["state"] == "STALE"
        house.hands.go(71)
        assert listener.next()[2]["state"] == "ABSENT"


def test_a_stream_ends_when_the_server_stops(build: Callable[..., House]) -> None:
    house = build()
    with listening(house) as listener:
        house.stop()
        assert listener.answer.read() == b""


def test_streams_per_token_are_limited_and_given_back(build: Callable[..., House]) -> None:
    house = build(limits=Limits(streams_per_token=2))
    with listening(house), listening(house):
        refused = house.ask("GET", "/v1/stream", holder="read")
        assert (refused.status, refused.json["code"]) == (429, "too_many_streams")
    until(lambda: not +house.server.parts.streams)
    with listening(house):
        pass
