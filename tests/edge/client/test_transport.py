"""The transport gives an answer or an error in time, whatever the other side does."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable

import pytest

from live_trader.edge.client.reply import MOST_BODY
from live_trader.errors import BadAnswer, Interrupted, Unreachable

HEAD = b"HTTP/1.1 200 OK\r\n"


def request_of(wire: socket.socket) -> bytes:
    """One whole request, or nothing at the end of the connection."""
    text = b""
    while b"\r\n\r\n" not in text:
        more = wire.recv(65536)
        if not more:
            return b""
        text += more
    head, _, body = text.partition(b"\r\n\r\n")
    length = next((int(line[15:]) for line in head.split(b"\r\n") if line.startswith(b"Content-Length:")), 0)
    while len(body) < length:
        body += wire.recv(65536)
    return head + b"\r\n\r\n" + body


def says(*pieces: bytes, pause: float = 0.0) -> Callable[[socket.socket, int], None]:
    """Answer the first request with these pieces, then end the connection."""

    def behave(wire: socket.socket, _: int) -> None:
        request_of(wire)
        for piece in pieces:
            wire.sendall(piece)
            time.sleep(pause)

    return behave


def body_of(text: bytes) -> bytes:
    return HEAD + b"Content-Length: %d\r\n\r\n" % len(text) + text


@pytest.mark.parametrize(
    ("pieces", "status", "body"),
    [
        ([body_of(b"[]")], 200, b"[]"),
        ([HEAD, b"Content-Length: 2\r\n", b"\r\n[", b"]"], 200, b"[]"),
        ([b"HTTP/1.0 200 OK\r\n\r\n", b"[", b"]"], 200, b"[]"),
        ([HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\n[\r\n", b"1\r\n]\r\n0\r\n\r\n"], 200, b"[]"),
        ([b"HTTP/1.1 100 Continue\r\n\r\n" + body_of(b"[]")], 200, b"[]"),
        ([b"HTTP/1.1 204 No Content\r\n\r\n"], 204, b""),
        ([b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"], 404, b""),
        ([body_of(b"[]") + b"HTTP/1.1 500 Surprise\r\n\r\n"], 200, b"[]"),
        ([body_of(b"[]") + b"\x00garbage"], 200, b"[]"),
    ],
)
def test_whole_answers_arrive(hostile, transport, pieces, status, body):
    """An answer is understood however it is cut, framed or followed."""
    answer = transport(hostile(says(*pieces, pause=0.01)).address)("GET", "getbars")
    assert (answer.status, bytes(answer.body)) == (status, body)


@pytest.mark.parametrize(
    ("pieces", "error", "cause"),
    [
        ([], Unreachable, "without an answer"),
        ([HEAD + b"Content-Length: 10\r\n\r\n[]"], Unreachable, "middle of its answer"),
        ([HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\n[]"], Unreachable, "middle of its answer"),
        ([b"220 smtp ready\r\n"], BadAnswer, "not HTTP"),
        ([b"\x16\x03\x01\x02\x00\x01\x00"], BadAnswer, "not HTTP"),
        ([HEAD + b"Content-Length: -1\r\n\r\n"], BadAnswer, "not HTTP"),
        ([HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n[]"], BadAnswer, "not HTTP"),
        ([HEAD + b"Content-Length: 1073741824\r\n\r\n"], BadAnswer, "1073741824 bytes"),
        ([HEAD + b"Content-Length: 99999999999999999999999\r\n\r\n"], BadAnswer, "not HTTP"),
        ([HEAD + b"Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n\x1f\x8b"], BadAnswer, "encoded as"),
        ([HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\nzz"], BadAnswer, "not HTTP"),
        ([HEAD + b"X: " + b"y" * 70_000], BadAnswer, "headers never end"),
        ([HEAD, *[b"X: y\r\n" * 2000] * 6], BadAnswer, "headers never end"),
        (
            [b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"],
            BadAnswer,
            "another protocol",
        ),
    ],
)
def test_broken_answers_say_what_is_wrong(hostile, transport, pieces, error, cause):
    """Whatever is not an answer is one error with its cause."""
    with pytest.raises(error, match=cause):
        transport(hostile(says(*pieces)).address)("GET", "getbars")


@pytest.mark.parametrize(
    "pieces",
    [
        [HEAD + b"Transfer-Encoding: chunked\r\n\r\n", *[b"10000\r\n" + b"x" * 65536 + b"\r\n"] * 20_000],
        [b"HTTP/1.0 200 OK\r\n\r\n", *[b"x" * 65536] * 20_000],
        [HEAD + b"Transfer-Encoding: chunked\r\n\r\n1;", *[b"x" * 65536] * 20_000],
        [HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\nTrailer: ", *[b"x" * 65536] * 20_000],
    ],
    ids=["chunks", "until the end", "chunk extension", "trailer"],
)
def test_endless_answers_are_cut_off(hostile, transport, pieces):
    """A body of 1 GB is refused as soon as it exceeds the limit, however it comes."""
    begun = time.monotonic()
    with pytest.raises(BadAnswer, match=rf"more than {MOST_BODY} bytes|never ends|not HTTP"):
        transport(hostile(says(*pieces)).address, timeout=20)("GET", "getbars")
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize(
    "behave",
    [
        lambda wire, _: time.sleep(5),
        lambda wire, _: (request_of(wire), time.sleep(5)),
        lambda wire, _: (request_of(wire), wire.sendall(HEAD), time.sleep(5)),
        lambda wire, _: says(*[bytes([letter]) for letter in body_of(b"[]" * 99)], pause=0.05)(wire, 0),
        lambda wire, _: (
            request_of(wire),
            wire.sendall(HEAD + b"Content-Length: 9\r\n\r\n[]"),
            time.sleep(5),
        ),
    ],
    ids=["deaf", "mute", "half an answer", "slow loris", "length too long"],
)
def test_nothing_outlasts_the_timeout(hostile, transport, behave):
    """A server that stalls, at whatever point, costs the timeout and no more."""
    begun = time.monotonic()
    with pytest.raises(Unreachable, match=r"did not answer within 0.3 s"):
        transport(hostile(behave).address, timeout=0.3)("GET", "getbars")
    assert 0.25 < time.monotonic() - begun < 0.8


def test_a_server_that_reads_nothing_costs_the_timeout(hostile, transport):
    """A body that the other side does not take in ends at the deadline, too."""
    with pytest.raises(Unreachable, match="did not answer"):
        transport(hostile(lambda wire, _: time.sleep(3)).address, timeout=0.3)(
            "POST", "result", b"x" * 8_000_000
        )


def test_nobody_there(transport):
    """A closed port is named at once, with what to do."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(Unreachable, match=r"Connection refused.*Start it, or mend server.address"):
        transport(f"http://127.0.0.1:{port}/")("GET", "getbars")


def test_an_unknown_name(transport):
    """A name that cannot be looked up is an error in time."""
    with pytest.raises(Unreachable, match=r"nowhere\.invalid"):
        transport("http://nowhere.invalid:81/", timeout=5)("GET", "getbars")


def test_one_connection_serves_many_requests(hostile, transport):
    """A connection that the server keeps is used again."""

    def behave(wire: socket.socket, _: int) -> None:
        while request_of(wire):
            wire.sendall(body_of(b"[]"))

    server = hostile(behave)
    ask = transport(server.address)
    for _ in range(5):
        ask("GET", "getbars")
    assert server.connections == 1


@pytest.mark.parametrize("ending", ["FIN", "RST"])
def test_a_connection_closed_between_requests_is_replaced(hostile, transport, ending):
    """Keep-alive that the server did not keep costs no error, whether it says goodbye or not."""

    def behave(wire: socket.socket, _: int) -> None:
        request_of(wire)
        wire.sendall(body_of(b"[]"))
        if ending == "RST":
            wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")

    server = hostile(behave)
    ask = transport(server.address)
    for _ in range(5):
        assert ask("GET", "getbars").status == 200
        time.sleep(0.02)
    assert server.connections == 5


def test_a_kept_connection_that_dies_on_the_request_is_asked_once_more(hostile, transport):
    """The server closes when it sees the second request: a new connection carries it."""

    def behave(wire: socket.socket, number: int) -> None:
        while request_of(wire):
            wire.sendall(body_of(b"%d" % number))
            if number == 1:
                request_of(wire)
                return

    ask = transport(hostile(behave).address)
    assert [bytes(ask("GET", "getbars").body) for _ in range(3)] == [b"1", b"2", b"2"]


def test_what_arrives_between_requests_is_no_answer(hostile, transport):
    """An answer nobody asked for is not taken for the answer to the next request."""

    def behave(wire: socket.socket, number: int) -> None:
        while request_of(wire):
            wire.sendall(body_of(b"%d" % number))
            if number == 1:
                time.sleep(0.05)
                wire.sendall(b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n")

    ask = transport(hostile(behave).address)
    assert bytes(ask("GET", "getbars").body) == b"1"
    time.sleep(0.15)
    assert bytes(ask("GET", "getbars").body) == b"2"


def test_a_late_answer_is_never_taken_for_the_next_one(hostile, transport):
    """After a timeout the connection is given up, so that no answer can come one request too late."""

    def behave(wire: socket.socket, number: int) -> None:
        while request_of(wire):
            time.sleep(0.4 if number == 1 else 0)
            wire.sendall(body_of(b"%d" % number))

    ask = transport(hostile(behave).address, timeout=0.2)
    with pytest.raises(Unreachable):
        ask("GET", "getbars")
    time.sleep(0.3)
    assert bytes(ask("GET", "getbars").body) == b"2"


def test_a_wake_breaks_off_a_wait(hostile, transport):
    """A stop request ends a long poll within milliseconds, but not a request that must not be broken off."""
    bell, rope = os.pipe()
    ask = transport(
        hostile(lambda wire, _: (request_of(wire), time.sleep(3))).address, timeout=0.5, wake=bell
    )
    timer = threading.Timer(0.1, os.write, (rope, b"!"))
    timer.start()
    begun = time.monotonic()
    with pytest.raises(Interrupted):
        ask("GET", "v1/bars", extra=20, breakable=True)
    assert time.monotonic() - begun < 0.3
    with pytest.raises(Unreachable):
        ask("POST", "v1/signals", b"{}")
    timer.join()
    os.close(bell)
    os.close(rope)


def test_what_is_sent(hostile, transport):
    """A request names the host, shows the token, asks for no encoding and states its length."""
    seen: list[bytes] = []

    def behave(wire: socket.socket, _: int) -> None:
        seen.append(request_of(wire))
        wire.sendall(body_of(b"{}"))

    server = hostile(behave)
    transport(server.address + "a/prefix", token="word")("POST", "result", b'{"a":1}')
    head, _, body = seen[0].partition(b"\r\n\r\n")
    line, *headers = head.decode().split("\r\n")
    assert line == "POST /a/prefix/result HTTP/1.1"
    assert headers[0] == "Host: " + server.address.split("/")[2]
    assert {"Authorization: Bearer word", "Accept-Encoding: identity", "Content-Length: 7"} < set(headers)
    assert body == b'{"a":1}'
