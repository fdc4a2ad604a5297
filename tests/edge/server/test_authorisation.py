"""Who may do what: every operation times every holder, and a bot's own id times another's."""

from __future__ import annotations

from typing import Any

import pytest

from live_trader.edge.server.operations import operations
from live_trader.edge.server.tokens import Scope
from tests.edge.server.house import House, signal, text

HOLDERS = ("nobody", "a stranger", "read", "bot-trader", "feed", "desk", "admin")
ALLOWED = {
    None: set(HOLDERS),
    Scope.READ: {"read", "bot-trader", "feed", "desk", "admin"},
    Scope.BOT: {"bot-trader", "admin"},
    Scope.FEED: {"feed", "admin"},
    Scope.DESK: {"desk", "admin"},
    Scope.ADMIN: {"admin"},
}
EXPECTED = {
    "/v1/health/live": None,
    "/v1/health/ready": None,
    "/metrics": Scope.READ,
    "/v1/portfolio": Scope.READ,
    "PUT /v1/portfolio": Scope.ADMIN,
    "POST /v1/onlyclose": Scope.ADMIN,
    "/v1/bars": Scope.READ,
    "POST /v1/bars": Scope.FEED,
    "/v1/signals": Scope.READ,
    "POST /v1/signals": Scope.BOT,
    "/v1/bots": Scope.READ,
    "/v1/stream": Scope.READ,
    "POST /v1/trading": Scope.DESK,
    "/v1/positions": Scope.READ,
    "/v1/orders": Scope.READ,
    "/v1/fills": Scope.READ,
    "/v1/trades": Scope.READ,
    "/v1/equity": Scope.READ,
}
"""What the contract grants, written down again, so that a slip in the table of operations is seen."""

V1 = [each for each in operations(with_classic=False) if each.path != "/v1/stream"]


def test_the_table_of_operations_is_the_contract() -> None:
    table = {
        each.path if each.method == "GET" else f"{each.method} {each.path}": each.right
        for each in operations(with_classic=False)
    }
    assert table == EXPECTED


@pytest.fixture(scope="module")
def patient(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A server that lets one fail as often as this matrix does."""
    from live_trader.edge.server.options import Limits
    from tests.edge.server.house import started

    house = started(tmp_path_factory.mktemp("server"), limits=Limits(failures_per_minute=10_000))
    yield house
    house.stop()


@pytest.mark.parametrize("operation", V1, ids=lambda each: f"{each.method} {each.path}")
@pytest.mark.parametrize("holder", HOLDERS)
def test_every_operation_lets_in_whom_it_should(patient: House, operation: Any, holder: str) -> None:
    headers = {"authorization": "Bearer a-stranger's"} if holder == "a stranger" else {}
    known = None if holder in ("nobody", "a stranger") else holder
    status = patient.ask(operation.method, operation.path, b"", known, headers).status
    if holder in ALLOWED[operation.right]:
        assert status not in (401, 403)
    elif operation.local and holder == "nobody":
        assert status == 200, "this machine may read it without a token"
    else:
        assert status == (401 if known is None else 403)


@pytest.mark.parametrize(
    ("holder", "bot", "status"),
    [
        ("bot-trader", "trader", 201),
        ("bot-trader", "other", 403),
        ("feed", "trader", 403),
        ("admin", "other", 201),
    ],
)
def test_a_bot_writes_its_own_signals_only(patient: House, holder: str, bot: str, status: int) -> None:
    minute = 1 + ("bot-trader", "admin").index(holder) if status == 201 else 1
    assert patient.ask("POST", "/v1/signals", signal(minute, id=bot), holder).status == status


def test_one_foreign_signal_in_a_list_refuses_the_list(patient: House) -> None:
    bodies = [signal(50), signal(51, id="other")]
    assert patient.ask("POST", "/v1/signals", bodies, "bot-trader").status == 403
    after = patient.ask("GET", "/v1/signals?limit=9", holder="read").json["signals"]
    assert all(each["bar_time"] != text(50) for each in after)


def test_a_bot_does_not_poll_in_anothers_name(patient: House) -> None:
    target = "/v1/bars?symbol=AUDUSD&timeframe=M1&id="
    assert patient.ask("GET", f"{target}other", holder="bot-trader").status == 403
    assert patient.ask("GET", f"{target}trader", holder="bot-trader").status == 200
    assert patient.ask("GET", f"{target}other", holder="read").status == 200, "reading is open to readers"
    bots = patient.ask("GET", "/v1/bots", holder="read").json["bots"]
    assert "other" not in {each["id"] for each in bots if each["last_bar"] is None}, "but is no sign of life"


@pytest.mark.parametrize(
    "header", ["Basic dXNlcjpwYXNz", "Bearer", "Bearer ", "bearer \xff", "Digest x", "x" * 4000]
)
def test_what_is_no_token_is_401_with_a_challenge(patient: House, header: str) -> None:
    answer = patient.ask("GET", "/v1/bots", headers={"authorization": header})
    assert answer.status == 401
    assert answer.headers["www-authenticate"] == "Bearer"


def test_figures_are_not_told_to_a_page_whose_name_was_led_to_this_machine(patient: House) -> None:
    """A browser here asks from here, but names the host that its page came from."""
    for host, status in (("localhost:1", 200), ("127.0.0.1", 200), ("evil.example", 401), ("", 401)):
        assert patient.ask("GET", "/metrics", headers={"host": host}).status == status, host
    assert patient.ask("GET", "/metrics", holder="read", headers={"host": "evil.example"}).status == 200


def test_a_token_in_the_query_is_no_token(patient: House) -> None:
    assert patient.ask("GET", f"/v1/bots?token={patient.tokens['read']}").status == 401


def test_the_stream_needs_a_token(patient: House) -> None:
    assert patient.ask("GET", "/v1/stream").status == 401
