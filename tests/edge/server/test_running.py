"""Where the server may listen, with which certificate, and what it says when it may not."""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from live_trader.edge.server.options import ServerSettings
from live_trader.edge.server.running import Server, bound
from live_trader.edge.server.tokens import Registry, Scope
from live_trader.errors import BadSettings, TraderError
from tests.edge.server.house import Hands, House, until

CASES = Path(__file__).parents[2] / "cases" / "tls"


def test_a_port_that_is_taken_is_one_sentence(tmp_path: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        port = other.getsockname()[1]
        with pytest.raises(BadSettings, match=f"cannot listen on 127.0.0.1:{port}"):
            Server(ServerSettings(port=port), tmp_path, Hands(), lambda _: None)


@pytest.mark.parametrize("host", ["no such host", "203.0.113.7"])
def test_an_address_that_is_not_ours_is_one_sentence(tmp_path: Path, host: str) -> None:
    with pytest.raises(BadSettings, match="cannot listen"):
        bound(ServerSettings(host=host, port=0), Registry(tmp_path, Hands()))


def test_other_machines_are_served_only_with_tokens_that_cannot_be_guessed(tmp_path: Path) -> None:
    registry = Registry(tmp_path, Hands())
    registry.ensure(("trader",))
    bound(ServerSettings(host="0.0.0.0", port=0), registry).close()
    registry.make(Scope.ADMIN, name="mine", chosen="changeme")
    with pytest.raises(BadSettings, match=r"mine is too short.*tokens rotate mine"):
        bound(ServerSettings(host="0.0.0.0", port=0), registry)
    bound(ServerSettings(host="127.0.0.1", port=0), registry).close()
    registry.rotate("mine")
    bound(ServerSettings(host="0.0.0.0", port=0), registry).close()


def test_a_short_token_made_while_others_are_served_opens_nothing(build: Callable[..., House]) -> None:
    """The start refuses an address with one; a running server takes it for nobody's."""
    house = build(host="0.0.0.0")
    registry = Registry(house.folder, house.hands)
    house.tokens["short"] = registry.make(Scope.ADMIN, name="short", chosen="changeme")
    house.tokens["long"] = registry.make(Scope.ADMIN, name="long")
    assert house.ask("GET", "/v1/bots", holder="short").status == 401
    assert house.ask("GET", "/v1/bots", holder="long").status == 200


def test_ipv6_of_this_machine_is_this_machine(build: Callable[..., House]) -> None:
    house = build(host="::1")
    connection = http.client.HTTPConnection("::1", house.port, timeout=5)
    connection.request("GET", "/getportfolio", headers={"host": f"[::1]:{house.port}"})
    assert connection.getresponse().status == 200
    connection.close()


def test_with_a_certificate_it_speaks_tls_only(build: Callable[..., House]) -> None:
    house = build(tls_cert=str(CASES / "localhost.pem"), tls_key=str(CASES / "localhost.key"))
    trust = ssl.create_default_context(cafile=str(CASES / "localhost.pem"))
    trust.check_hostname = False
    connection = http.client.HTTPSConnection("127.0.0.1", house.port, timeout=5, context=trust)
    connection.request("GET", "/v1/health/live")
    answer = connection.getresponse()
    assert answer.status == 200
    assert answer.getheader("strict-transport-security")
    connection.close()
    with pytest.raises((http.client.HTTPException, OSError)):
        house.ask("GET", "/v1/health/live")


@pytest.mark.parametrize("key", ["", "missing.pem", __file__])
def test_a_certificate_that_cannot_be_used_is_one_sentence(tmp_path: Path, key: str) -> None:
    given = ServerSettings(port=0, tls_cert=str(tmp_path / "missing"), tls_key=key)
    with pytest.raises(BadSettings, match=r"certificate .* cannot be used.*tls_key"):
        Server(given, tmp_path / "server", Hands(), lambda _: None)
    again = Server(ServerSettings(port=0), tmp_path / "server", Hands(), lambda _: None)
    again._socket.close()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_chore_that_breaks_stops_the_server(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(house.server.parts.presence, "sweep", broken)
    until(lambda: not house.thread.is_alive(), 5)
    assert isinstance(house.server._broken, ZeroDivisionError)


def test_serving_again_from_the_same_folder_needs_the_first_to_stop(house: House) -> None:
    with pytest.raises(TraderError, match="Stop the server that has it"):
        Server(ServerSettings(port=0), house.folder, Hands(), lambda _: None)
