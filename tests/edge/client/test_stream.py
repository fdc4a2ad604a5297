"""The stream's listener: every fact once and in order, resumed after any, or a plain word why not."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from live_trader.edge.client.stream import Stream, Told
from live_trader.edge.client.waits import Waits
from live_trader.edge.clock import Clock
from live_trader.edge.settings import Address, Secret
from live_trader.errors import BadAnswer, Refused, Unauthorised, Unreachable
from tests.edge.server.house import House, started


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = started(tmp_path / "server")
    yield made
    if made.thread.is_alive():
        made.stop()


def stream(port: int, token: str = "") -> Stream:
    address = Address(False, "127.0.0.1", port, "/")
    return Stream(address, timeout=5.0, waits=Waits(), clock=Clock(), token=lambda: Secret(token))


def heard(listener: Stream, count: int) -> list[Told]:
    found: list[Told] = []
    for _ in range(50):
        found += [each for each in listener.heard(0.2) if each.kind]
        if len(found) >= count:
            break
    return found


def test_it_greets_with_its_place_and_tells_every_fact_once_from_any_place_on(house: House) -> None:
    house.feed(1, 2, 3)
    token = house.tokens["desk"]
    with closing(stream(house.port, token)) as listener:
        listener.open("bar,signal", None)
        (greeting,) = listener.heard(1.0)
        assert (greeting.kind, greeting.seq) == ("", 3)
        house.feed(4, 5)
        assert [each.seq for each in heard(listener, 2)] == [4, 5]
        for after in range(6):
            listener.open("bar", after)
            assert [each.seq for each in heard(listener, 5 - after)] == list(range(after + 1, 6))


def test_a_server_that_goes_is_unreachable_and_one_without_our_token_says_so(house: House) -> None:
    with closing(stream(house.port, house.tokens["desk"])) as listener:
        listener.open("bar", None)
        house.stop()
        with pytest.raises(Unreachable, match="hung up"):
            listened(listener)
        with pytest.raises(Unreachable):
            listener.open("bar", None)


def test_a_wrong_token_and_a_wrong_question_are_refused(house: House) -> None:
    with closing(stream(house.port, "wrong")) as listener, pytest.raises(Unauthorised):
        listener.open("bar", None)
    with closing(stream(house.port, house.tokens["desk"])) as listener, pytest.raises(Refused):
        listener.open("weather", None)


@pytest.fixture
def hostile() -> Iterator[Callable[[bytes], int]]:
    """Servers that answer anybody with these bytes."""
    doors: list[socket.socket] = []

    def make(answer: bytes) -> int:
        door = socket.create_server(("127.0.0.1", 0))
        doors.append(door)

        def serve() -> None:
            connection, _ = door.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(answer)
                connection.recv(1)

        threading.Thread(target=serve, daemon=True).start()
        return int(door.getsockname()[1])

    yield make
    for door in doors:
        door.close()


HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (b"SSH-2.0-OpenSSH\r\n", "not HTTP"),
        (HEAD + b"b\r\nid: seven\n\n\r\n", "counts"),
        (HEAD + b"zz\r\n", "not HTTP"),
    ],
)
def test_what_is_no_stream_is_a_bad_answer(
    hostile: Callable[[bytes], int], answer: bytes, sentence: str
) -> None:
    with closing(stream(hostile(answer))) as listener, pytest.raises(BadAnswer, match=sentence):
        opened(listener)


def opened(listener: Stream) -> None:
    listener.open("bar", None)
    listened(listener)


def listened(listener: Stream) -> None:
    for _ in range(20):
        list(listener.heard(0.2))
