"""No name in any request leads out of the server's folder, whichever way and wherever it is put."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from live_trader.edge.server.dashboard import _VIEWS
from live_trader.edge.server.dashboard.sessions import Sessions
from live_trader.edge.server.operations import operations
from live_trader.edge.server.options import Limits
from live_trader.edge.shelf import Shelf
from tests.edge.server.house import House, bar, signal, started
from tests.edge.test_traversal import HOSTILE

PLANTED = "planted beside the server"
PLACES = ("symbol", "timeframe", "id", "version", "bundle", "name")
OPERATIONS = [each for each in operations(with_classic=True) if each.path != "/v1/stream"]
PAGES = [*_VIEWS, ("GET", "report"), ("GET", "me"), ("POST", "login"), ("POST", "logout")]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A server with a shelf, and something beside its folders that nobody may see or change."""
    place = tmp_path_factory.mktemp("place")
    for name in ("bars.json", "tokens.json", "report.html", "bundle.json"):
        (place / name).write_text(PLANTED)
    shelf = Shelf(place / "models", place / "work")
    found = started(place / "work" / "server", shelf=shelf, limits=Limits(failures_per_minute=10_000))
    yield found
    found.stop()


def names(folder: Path) -> set[str]:
    """Every path below, but for what SQLite keeps beside its store."""
    return {str(each) for each in folder.rglob("*") if not re.search(r"-(wal|shm|journal)$", each.name)}


def beyond(house: House) -> Path:
    return house.folder.parent.parent


def test_the_folders_are_not_told_by_paths_that_climb(house: House) -> None:
    """Neither plainly, nor encoded, nor as a look-alike; and nothing is below the pages but the pages."""
    roots = ("/", "/dashboard/", "/docs/assets/", "/docs/", "/v1/")
    climbs = (
        "../tokens.json",
        "%2e%2e%2ftokens.json",
        "..%5ctokens.json",
        "/etc/passwd",
        "%00",
        "tokens.json",
    )
    climbs += ("%ef%bc%8e%ef%bc%8e%ef%bc%8ftokens.json", "....//tokens.json", "%252e%252e/tokens.json")
    for target in (root + climb for root in roots for climb in climbs):
        answer = house.ask("GET", target)
        assert answer.status in (400, 401, 404), target
        assert PLANTED.encode() not in answer.body
        assert b"root:" not in answer.body


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: f"{each.method} {each.path}")
def test_no_operation_is_led_elsewhere(house: House, operation: Any) -> None:
    """Every hostile name, in the query and in the body, by somebody who may do everything."""
    before = names(beyond(house))
    for name in HOSTILE:
        asked = "&".join(f"{place}={quote(name, safe='')}" for place in ("symbol", "timeframe", "id"))
        told = [house.ask(operation.method, f"{operation.path}?{asked}", holder="admin")]
        if operation.method != "GET":
            told += [house.ask(operation.method, operation.path, each, "admin") for each in bodies(name)]
        for answer in told:
            assert answer.status < 500, (name, answer.body)
            assert PLANTED.encode() not in answer.body
    assert names(beyond(house)) == before


def bodies(name: str) -> Iterator[Any]:
    """What the operations that change something take, with this name where a name belongs."""
    for place in PLACES:
        yield signal(0, **{place: name})
    yield {"symbol": name, "timeframe": "M1", "bars": [bar(0)]}
    yield {"symbol": "AUDUSD", "timeframe": name, "bars": [bar(0)]}
    entry = {"negative_group": None, "positive_group": {name: 1}, "portfolio": name, "weight": 1}
    yield [{**entry, "symbol": name, "timeframe": "M1"}]
    yield {"exec_time": "2024-01-01 00:00:00", "symbol": name, "timeframe": "M1", "probas": {name: 1}}
    yield {"account": name, "after": 0, "upto": 0, "state": "ACTIVE"}


def test_no_page_is_led_elsewhere(house: House) -> None:
    """The pages of somebody who is logged in, with every hostile name in every place of their queries."""
    key = Sessions(house.folder, house.hands).invite(admin=True)
    entered = house.ask("POST", "/dashboard/login", {"key": key})
    session = {
        "cookie": entered.headers["set-cookie"].split(";")[0], "x-not-forged": entered.json["not_forged"],
    }  # fmt: skip
    before = names(beyond(house))
    tried = set()
    for method, page in PAGES:
        if page in ("logout", "login"):
            continue
        takes = taken(house, method, page, session)
        for place in takes.keys() & set(PLACES):
            for name in HOSTILE:
                answer = house.ask(method, address(page, takes | {place: name}), headers=session)
                assert answer.status < 500, (page, name, answer.body)
                assert PLANTED.encode() not in answer.body
                tried.add((page, place))
    assert {("chart", "id"), ("why", "id"), ("report", "version"), ("bundle", "symbol")} <= tried
    assert names(beyond(house)) == before


def address(page: str, query: dict[str, str]) -> str:
    return f"/dashboard/{page}?" + "&".join(f"{each}={quote(text, safe='')}" for each, text in query.items())


def taken(house: House, method: str, page: str, session: dict[str, str]) -> dict[str, str]:
    """The query that this page takes, found by asking: what it does not know it refuses."""
    some = {"symbol": "AUDUSD", "timeframe": "M1", "id": "trader", "version": "one", "time": "0"}
    places = (("symbol", "timeframe", "id", "time"), ("symbol", "timeframe", "id"))
    for chosen in (*places, ("symbol", "timeframe", "version"), ("symbol", "timeframe")):
        query = {each: some[each] for each in chosen}
        told = house.ask(method, address(page, query), headers=session)
        if b"unknown field" not in told.body and b"missing required field" not in told.body:
            return query
    return {}


WHO = ("nobody", "forger", "read", "bot-trader", "feed", "desk", "admin", "reader", "owner")
"""Nobody, a made-up cookie, the API tokens, and the two kinds of session."""


@pytest.fixture(scope="module")
def sessions(house: House) -> dict[str, dict[str, str]]:
    """The headers of each of them, with what a change must carry for those who have one."""
    found: dict[str, dict[str, str]] = {"nobody": {}, "forger": {"cookie": "trader_session=made-up"}}
    found |= {each: {"authorization": f"Bearer {house.tokens[each]}"} for each in WHO[2:7]}
    for who, admin in (("reader", False), ("owner", True)):
        key = Sessions(house.folder, house.hands).invite(admin=admin)
        entered = house.ask("POST", "/dashboard/login", {"key": key})
        cookie = entered.headers["set-cookie"].split(";")[0]
        found[who] = {"cookie": cookie, "x-not-forged": entered.json["not_forged"]}
    return found


@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize(
    ("method", "page"), [each for each in PAGES if each[1] not in ("login", "logout")], ids=" ".join
)
def test_every_page_lets_in_whom_it_should(
    house: House, sessions: dict[str, dict[str, str]], method: str, page: str, who: str
) -> None:
    """Sessions only: no API token opens a page, whatever its scope, and whosever bot is asked about."""
    for bot in ("trader", "other"):
        target = f"/dashboard/{page}?symbol=AUDUSD&timeframe=M1&id={bot}"
        answer = house.ask(method, target, {} if method == "POST" else None, headers=sessions[who])
        if who in ("reader", "owner"):
            assert answer.status not in (401, 403) or (who, method) == ("reader", "POST")
        else:
            assert answer.status == 401, answer.body


@pytest.mark.parametrize(("method", "page"), [each for each in _VIEWS if each[0] != "GET"], ids=" ".join)
def test_every_change_needs_the_proof_and_the_right(
    house: House, sessions: dict[str, dict[str, str]], method: str, page: str
) -> None:
    """The cookie alone, which another site could make a browser send, changes nothing; nor does a reader."""
    version = house.server.parts.store.portfolios.now.version
    wish = {"state": "HALTED", "version": version}
    forged = {"cookie": sessions["owner"]["cookie"]}
    others = {**forged, "x-not-forged": sessions["reader"]["x-not-forged"]}
    for headers, code in ((forged, "cross_site"), (others, "cross_site"), (sessions["reader"], "forbidden")):
        answer = house.ask(method, f"/dashboard/{page}", wish, headers=headers)
        assert (answer.status, answer.json["code"]) == (403, code)
    assert house.server.parts.store.portfolios.now.version == version


def test_a_session_opens_no_operation_and_nobody_reads_tokens(
    house: House, sessions: dict[str, dict[str, str]]
) -> None:
    """The cookie of the pages is no API token, and no route tells a token or its digest to anybody."""
    for operation in OPERATIONS:
        if operation.right is not None and not operation.local:
            answer = house.ask(operation.method, operation.path, b"", headers=sessions["owner"])
            assert answer.status == 401, operation.path
    kept = json.loads((house.folder / "tokens.json").read_text())["tokens"]
    secret = [*house.tokens.values(), *(each["digest"] for each in kept)]
    for who in WHO:
        for path in [*(each.path for each in OPERATIONS), *(f"/dashboard/{page}" for _, page in PAGES)]:
            if path == "/dashboard/stream":
                continue
            body = house.ask("GET", path, headers=sessions[who]).body.decode()
            assert not [word for word in secret if word in body], path
