"""A server is reached by the settings alone: its address, its protocol, its token, its certificate."""

from __future__ import annotations

import json
import os
import socket
import ssl
import subprocess
import sys
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from live_trader.core.bars import Ticker, epoch, moment
from live_trader.core.signals import Direction, Opinion, Signal
from live_trader.edge.client import connect, connect_admin, connect_feed
from live_trader.edge.settings import Classic, Farm, Secret, Server, ServerSettings, Settings
from live_trader.errors import BadAnswer, BadSettings, Interrupted, TraderError, Unauthorised, Unreachable

TLS = Path(__file__).parents[2] / "cases" / "tls"
TICKER = Ticker.parse("AUDUSD M1")
PORTFOLIO = b'{"version":1,"state":"ACTIVE","allocations":[]}'


def at(address: str, **more: object) -> Settings:
    server = Server(address=address, **({"timeout_s": 2.0} | more))
    return Settings(server=server, classic=Classic(poll_s=0.02, jitter_s=0.0))


def answering(routes: dict[str, tuple[int, bytes]], seen: list[str] | None = None):
    """A connection that answers by path, and notes what it was asked with which token."""

    def behave(wire: socket.socket, _: int) -> None:
        text = b""
        while more := wire.recv(65536):
            text += more
            if b"\r\n\r\n" not in text:
                continue
            head = text.decode().split("\r\n")
            path = head[0].split()[1].partition("?")[0]
            token = next((line[22:] for line in head if line.startswith("Authorization")), "")
            if seen is not None:
                seen.append(f"{path} {token}".strip())
            status, body = routes.get(f"{path} {token}", routes.get(path, (404, b"")))
            wire.sendall(b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n" % (status, len(body)) + body)
            text = b""

    return behave


def test_a_whole_trip_on_a_classic_server(classic):
    """Portfolio, history, news, a push and a result, over real sockets, with the protocol found out."""
    now = int(time.time())
    opened = now - now % 60
    for i in range(300, 0, -1):
        classic.close_bar(("AUDUSD", "M1"), opened - 60 * i, (1.1, 1.2, 1.0, 1.15, 7.0))
    classic.piece = 64
    with connect(at(classic.address)) as server:
        assert server.portfolio().allocations == ()
        assert server.protocol == "classic"
        bars = server.history(TICKER, 250)
        assert (len(bars), epoch(bars[-1].opened)) == (250, opened - 60)
        entry = {"positive_group": {"A~PC": 1}, "negative_group": None, "portfolio": "x", "weight": 1}
        classic.rebalance([entry | {"symbol": "AUDUSD", "timeframe": "M1"}])
        news = server.next(TICKER, bars[-1].opened - timedelta(minutes=1), 2)
        assert [each.ticker for each in news.portfolio.allocations] == [TICKER]
        opinions = {"A~PC": Opinion(0.5, 0.1, Direction.LONG)}
        signal = Signal("trader", TICKER, bars[-1].opened, Direction.LONG, opinions, "v")
        server.send([signal, signal])
        assert (list(classic.results.values()), classic.duplicates) == ([{"A~PC": 1}], 1)
        assert server.signals(TICKER, 1) == []


def test_a_classic_server_of_its_own_process():
    """The server of these tests also runs as a program with a market, for whoever needs one."""
    room = Path(__file__).parents[1] / "classic_server.py"
    program = [sys.executable, str(room), "--ticker", "AUDUSD S1", "--history", "100", "--piece", "30"]
    ticker = Ticker.parse("AUDUSD S1")
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True) as process:
        with connect(at(process.stdout.readline().strip())) as server:
            bars = server.history(ticker, 90)
            while len(bars) < 92:
                bars.extend(server.next(ticker, bars[-1].opened, 5).bars)
        process.terminate()
    opened = [epoch(bar.opened) for bar in bars]
    assert opened == list(range(opened[0], opened[0] + len(bars)))


@pytest.mark.parametrize(
    ("status", "body", "protocol"),
    [
        (200, b'{"status":"ok"}', "v1"),
        (200, b"{}", "v1"),
        (404, b'{"detail":"Not Found"}', "classic"),
        (404, b"<html>", "classic"),
        (200, b"<html>", "classic"),
        (200, b"[]", "classic"),
        (200, b"", "classic"),
        (400, b"", "classic"),
        (500, b"Traceback", "classic"),
    ],
)
def test_the_protocol_is_found_out(hostile, status, body, protocol):
    """Health told as a JSON object means v1; anything else that is an answer means classic."""
    server = hostile(answering({"/v1/health/live": (status, body)}))
    with connect(at(server.address)) as found:
        assert found.protocol == protocol


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_gateway_in_trouble_says_nothing_about_the_protocol(hostile, status):
    """While nobody can tell, the server is unreachable; later it is found out."""
    routes = {"/v1/health/live": (status, b"")}
    server = hostile(answering(routes))
    with connect(at(server.address)) as found:
        with pytest.raises(Unreachable):
            found.portfolio()
        routes["/v1/health/live"] = (200, b"{}")
        assert found.protocol == "v1"


def test_the_protocol_is_asked_for_once(hostile):
    """Found out once is known; told in the settings it is never asked."""
    seen: list[str] = []
    routes = {"/v1/health/live": (200, b"{}"), "/v1/portfolio": (200, PORTFOLIO)}
    server = hostile(answering(routes, seen))
    with connect(at(server.address)) as found:
        found.portfolio()
        found.portfolio()
    with connect(at(server.address, protocol="v1")) as found:
        found.portfolio()
    assert seen == ["/v1/health/live", *["/v1/portfolio"] * 3]


def test_nothing_is_asked_before_the_first_call():
    """A server that is not up yet is no reason not to start."""
    with connect(at("http://127.0.0.1:1/")) as server, pytest.raises(Unreachable):
        server.portfolio()


def test_a_wake_ends_a_wait_for_news(classic):
    """A stop request is seen at once, also between two questions to a classic server."""
    bell, rope = os.pipe()
    with connect(at(classic.address), wake=bell) as server:
        server.portfolio()
        timer = threading.Timer(0.1, os.write, (rope, b"!"))
        timer.start()
        begun = time.monotonic()
        with pytest.raises(Interrupted):
            server.next(TICKER, datetime.now(UTC), 20)
        assert time.monotonic() - begun < 0.4
        timer.join()
    os.close(bell)
    os.close(rope)


def embedded(tmp_path: Path, port: int) -> Settings:
    return Settings(
        farm=Farm(work_path=str(tmp_path), id="eleven"), server=Server(embedded=ServerSettings(port=port))
    )


def test_the_embedded_server_is_found_with_its_own_tokens(hostile, tmp_path):
    """Without an address it is the embedded server, each role with the token that server made for it."""
    seen: list[str] = []
    routes = {
        "/v1/portfolio": (200, PORTFOLIO),
        "/v1/bars": (200, b'{"symbol":"AUDUSD","timeframe":"M1","bars":[]}'),
    }
    server = hostile(answering(routes, seen))
    settings = embedded(tmp_path, int(server.address.split(":")[2][:-1]))
    with connect(settings) as bot, connect_feed(settings) as feed, connect_admin(settings) as admin:
        with pytest.raises(Unreachable, match=r"has not made its tokens yet"):
            bot.portfolio()
        (tmp_path / "server").mkdir()
        tokens = {"bot-eleven": "b", "feed": "f", "admin": "a"}
        (tmp_path / "server" / "own-tokens.json").write_text(json.dumps({"tokens": tokens}))
        bot.portfolio()
        assert feed.newest(TICKER) is None
        admin.portfolio()
    assert seen == ["/v1/portfolio b", "/v1/bars f", "/v1/portfolio a"]


def test_a_token_that_changed_in_its_file_is_shown_at_once(hostile, tmp_path):
    """Rotating a token costs a worker nothing; a token that stays wrong is for a person to mend."""
    file = tmp_path / "token"
    file.write_text("old\n")
    routes = {"/v1/portfolio old": (200, PORTFOLIO), "/v1/portfolio": (401, b"")}
    server = hostile(answering(routes))
    with connect(at(server.address, protocol="v1", token_file=str(file))) as bot:
        bot.portfolio()
        routes["/v1/portfolio new"] = routes.pop("/v1/portfolio old")
        with pytest.raises(Unauthorised, match=r"server\.token_file, or TRADER__SERVER__TOKEN"):
            bot.portfolio()
        file.write_text("new")
        bot.portfolio()


@pytest.mark.parametrize(
    ("content", "cause"),
    [(None, "cannot be read"), ('{"tokens":', "damaged"), ('{"tokens":{"feed":"x"}}', "none for bot-trader")],
)
def test_a_token_file_of_no_use_is_said(tmp_path, content, cause):
    """A missing or damaged token file, or one without this role, is a setting to mend."""
    file = tmp_path / "token"
    if content is not None:
        file.write_text(content)
    settings = at("http://127.0.0.1:1/", protocol="v1", token_file=str(file))
    with connect(settings) as bot, pytest.raises(BadSettings, match=cause):
        bot.portfolio()


@pytest.mark.parametrize("word", ["tok\r\nX: y", "t\u00f6ken", "a\x00b"])
def test_a_token_cannot_smuggle_headers(word):
    """A token with characters that cannot travel is refused without being shown."""
    settings = at("http://127.0.0.1:1/", protocol="v1", token=Secret(word))
    with connect(settings) as bot, pytest.raises(BadSettings, match="cannot travel") as caught:
        bot.portfolio()
    assert word not in str(caught.value)


@pytest.fixture
def secured(hostile):
    """A server under TLS with a certificate for localhost that nobody but us trusts."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(TLS / "localhost.pem", TLS / "localhost.key")

    def behave(wire: socket.socket, number: int) -> None:
        with context.wrap_socket(wire, server_side=True) as under:
            answering({"/v1/portfolio": (200, PORTFOLIO)})(under, number)

    return hostile(behave).address.replace("http:", "https:")


def test_tls_with_a_certificate_of_ones_own(secured):
    """A trusted certificate for this name is accepted, and the connection kept."""
    address = secured.replace("127.0.0.1", "localhost")
    with connect(at(address, protocol="v1", ca_file=str(TLS / "localhost.pem"))) as server:
        assert [server.portfolio().version for _ in range(3)] == [1, 1, 1]


@pytest.mark.parametrize(
    ("host", "ca_file"),
    [("localhost", ""), ("127.0.0.1", "localhost.pem")],
    ids=["untrusted", "another name"],
)
def test_tls_with_a_certificate_that_does_not_fit(secured, host, ca_file):
    """A certificate nobody trusts, or for another name, is never talked to."""
    address = secured.replace("127.0.0.1", host)
    settings = at(address, protocol="v1", ca_file=str(TLS / ca_file) if ca_file else "")
    with connect(settings) as server, pytest.raises(Unreachable, match="certificate"):
        server.portfolio()


def test_the_embedded_certificate_is_trusted_by_its_file(secured, tmp_path):
    """The farm's own server is known by its very certificate, whatever name it is reached by."""
    port = int(secured.split(":")[2][:-1])
    options = ServerSettings(host="127.0.0.1", port=port, tls_cert=str(TLS / "localhost.pem"))
    settings = Settings(
        farm=Farm(work_path=str(tmp_path)), server=Server(embedded=options, token=Secret("x"))
    )
    with connect(settings) as server:
        assert server.portfolio().version == 1


def test_a_certificate_file_of_no_use_is_said(tmp_path):
    """A missing or damaged CA file is a setting to mend."""
    with (
        pytest.raises(BadSettings, match="ca_file"),
        connect(at("https://localhost/", ca_file=str(tmp_path / "no"))),
    ):
        pass


@pytest.mark.parametrize(
    "behave", [lambda wire, _: time.sleep(3), lambda wire, _: wire.sendall(b"HTTP/1.1 400 No\r\n\r\n")]
)
def test_a_server_that_speaks_no_tls_is_unreachable_in_time(hostile, behave):
    """A handshake that stalls or is no handshake costs the timeout at most."""
    address = hostile(behave).address.replace("http:", "https:")
    begun = time.monotonic()
    with connect(at(address, protocol="v1", timeout_s=0.3)) as server, pytest.raises(Unreachable):
        server.portfolio()
    assert time.monotonic() - begun < 1


def test_a_plain_client_on_a_tls_port_says_so(secured):
    """http in place of https ends in an error, not in silence."""
    plain = secured.replace("https:", "http:")
    with connect(at(plain, protocol="v1")) as server, pytest.raises((Unreachable, BadAnswer)):
        server.portfolio()


def test_an_embedded_server_on_any_port_cannot_be_found(tmp_path):
    """Port 0 is for tests that are told the port; a farm needs a number."""
    with pytest.raises(BadSettings, match="port is 0"), connect(embedded(tmp_path, 0)):
        pass


def test_the_owner_of_a_classic_server(classic):
    """Only-close, the portfolio as it is spelled, and another one in its place."""
    odd = [
        {"portfolio": "x", "symbol": "EURCHF", "timeframe": "H1", "weight": 1, "positive_group": {"T~AG": 1}}
    ]
    classic.rebalance(odd)
    with connect_admin(at(classic.address)) as admin:
        assert admin.protocol == "classic"
        assert json.loads(admin.entries()) == odd
        admin.only_close()
        assert classic.only_close == 1
        admin.put(json.dumps([]).encode())
        assert classic.portfolio == []


def test_every_call_raises_errors_of_the_house(hostile):
    """Whatever comes, no call of either client raises anything else."""
    texts = [
        b"",
        b"{}",
        b"[]",
        b"null",
        b'{"signals":[{}]}',
        b"\xff\xfe",
        b'[{"High":1}]',
        b'{"bars":1}',
        b"1e999",
    ]
    for text in texts:
        everything = dict.fromkeys(("/getportfolio", "/fillbars", "/getbars", "/result"), (200, text))
        everything |= dict.fromkeys(("/v1/portfolio", "/v1/bars", "/v1/signals"), (200, text))
        server = hostile(answering(everything))
        for protocol in ("v1", "classic"):
            with connect(at(server.address, protocol=protocol, timeout_s=0.2)) as bot:
                calls = [
                    bot.portfolio,
                    lambda bot=bot: bot.history(TICKER, 5),
                    lambda bot=bot: bot.after(TICKER, moment(0), 5),
                    lambda bot=bot: bot.next(TICKER, moment(0), 0.05),
                    lambda bot=bot: bot.signals(TICKER, 1),
                ]
                for call in calls:
                    with suppress(TraderError):
                        call()
