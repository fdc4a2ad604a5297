"""The account's tables: what the desk posts is kept once, read by anybody, and never impossible."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import msgspec
import pytest

from live_trader.edge.exports import export
from live_trader.edge.server.options import Retention
from live_trader.edge.server.store import Store
from live_trader.edge.wire.trading import LedgerText
from tests.edge.server.house import House, text
from tests.edge.server.test_store import with_store


def order(**more: Any) -> dict[str, Any]:
    return {
        "id": "d1-entry", "trade": 1, "slot": "trader@AUDUSD@M1", "symbol": "AUDUSD", "timeframe": "M1",
        "side": "buy", "kind": "market", "role": "entry", "quantity": "10", "price": None,
        "status": "filled", "filled": "10", "reason": "entry", "created": text(0), **more,
    }  # fmt: skip


def fill(**more: Any) -> dict[str, Any]:
    return {
        "id": "d1-entry.1", "order": "d1-entry", "quantity": "10", "price": "1.5", "fee": "0.1",
        "time": text(1), **more,
    }  # fmt: skip


def trade(**more: Any) -> dict[str, Any]:
    return {
        "id": 1, "slot": "trader@AUDUSD@M1", "symbol": "AUDUSD", "timeframe": "M1", "direction": "long",
        "quantity": "10", "entry": "1.5", "exit": "1.6", "stop": "1.4", "target": None, "opened": text(1),
        "closed": text(2), "reason": "target", "fees": "0.2", "profit": "0.8", "risked": "1", **more,
    }  # fmt: skip


def position(**more: Any) -> dict[str, Any]:
    return {
        "trade": 2, "slot": "trader@AUDUSD@M1", "symbol": "AUDUSD", "timeframe": "M1", "quantity": "-5",
        "entry": "1.5", "stop": None, "target": None, "opened": text(3), **more,
    }  # fmt: skip


def equity(**more: Any) -> dict[str, Any]:
    return {"number": 7, "time": text(2), "equity": "1000.8", "cash": "1000.8", "peak": "1000.8", **more}


def ledger(**more: Any) -> dict[str, Any]:
    return {
        "account": "d", "after": 0, "upto": 9, "state": "ACTIVE", "orders": [order()], "fills": [fill()],
        "trades": [trade()], "positions": [position()], "equity": [equity()], **more,
    }  # fmt: skip


def tables(house: House) -> dict[str, Any]:
    names = ("orders", "fills", "trades", "positions", "equity")
    return {name: house.ask("GET", f"/v1/{name}", holder="read").json[name] for name in names}


def test_a_ledger_is_kept_once_and_read_by_anybody(house: House) -> None:
    assert house.ask("GET", "/v1/positions", holder="read").status == 404
    for _ in range(2):
        assert house.ask("POST", "/v1/trading", ledger(), "desk").json == {"upto": 9}
    found = tables(house)
    assert {name: len(rows) for name, rows in found.items()} == dict.fromkeys(found, 1)
    for name, sent in (("orders", order()), ("fills", fill()), ("trades", trade())):
        assert {key: value for key, value in found[name][0].items() if key != "seq"} == sent
    held = house.ask("GET", "/v1/positions", holder="read").json
    assert (held["upto"], held["state"], held["positions"][0]["quantity"]) == (9, "ACTIVE", "-5")


def test_orders_fills_and_trades_are_those_of_one_strategy_or_symbol_where_that_is_asked(
    house: House,
) -> None:
    other = {"slot": "other@EURUSD@M1", "symbol": "EURUSD"}
    same = {"slot": "other@AUDUSD@M1"}
    sent = ledger(
        orders=[
            order(),
            order(id="d2-entry", trade=2, **other),
            order(id="d3-entry", trade=3, **same),
        ],
        fills=[fill(), fill(id="d2-entry.1", order="d2-entry"), fill(id="d3-entry.1", order="d3-entry")],
        trades=[trade(), trade(id=2, **other), trade(id=3, **same)],
    )
    assert house.ask("POST", "/v1/trading", sent, "desk").status == 200

    def found(name: str, query: str) -> list[str]:
        rows = house.ask("GET", f"/v1/{name}?{query}", holder="read").json[name]
        return [str(each["id"]).partition("-")[0].removeprefix("d") for each in rows]

    for name in ("orders", "fills", "trades"):
        assert found(name, "") == ["1", "2", "3"]
        assert found(name, "slot=other@AUDUSD@M1") == ["3"]
        assert found(name, "symbol=AUDUSD") == ["1", "3"]
        assert found(name, "slot=other@EURUSD@M1&symbol=AUDUSD") == []
        assert found(name, "limit=1&symbol=EURUSD") == ["2"]


def test_the_stream_tells_orders_and_fills_after_what_caused_them(house: House) -> None:
    from tests.edge.server.test_stream import listening

    with listening(house, "/v1/stream?kinds=order,fill") as listener:
        house.ask("POST", "/v1/trading", ledger(), "desk")
        told = [listener.next() for _ in range(2)]
    assert [(kind, data["id"]) for _, kind, data in told] == [("order", "d1-entry"), ("fill", "d1-entry.1")]


def test_an_order_goes_on_until_it_is_over_and_a_newer_ledger_says_what_is_held(house: House) -> None:
    first = ledger(orders=[order(status="working", filled="0")], fills=[], trades=[], equity=[])
    house.ask("POST", "/v1/trading", first, "desk")
    house.ask("POST", "/v1/trading", ledger(after=9, upto=12, positions=[]), "desk")
    assert house.ask("POST", "/v1/trading", first, "desk").status == 422
    found = tables(house)
    assert found["orders"][0]["status"] == "filled"
    assert found["positions"] == []


def halt(**more: Any) -> dict[str, Any]:
    return {"time": "2024-01-02T00:00:05Z", "reason": "panic", "version": 0, **more}


def state(house: House) -> tuple[int, str]:
    found = house.ask("GET", "/v1/portfolio", holder="read").json
    return found["version"], found["state"]


def test_a_halt_of_the_desk_halts_the_portfolio_until_a_person_acts(house: House) -> None:
    entry = {
        "symbol": "AUDUSD",
        "timeframe": "M1",
        "weight": 1.0,
        "portfolio": "",
        "positive_group": {"A~PC": 1},
    }
    house.ask("PUT", "/v1/portfolio", [entry], "admin")
    before = house.ask("GET", "/v1/portfolio", holder="read").json
    house.ask("POST", "/v1/trading", ledger(state="HALTED"), "desk")
    assert state(house) == (1, "ACTIVE"), "a desk that only follows halts nobody"
    house.ask("POST", "/v1/trading", ledger(after=9, upto=10, state="HALTED", halt=halt(version=1)), "desk")
    after = house.ask("GET", "/v1/portfolio", holder="read").json
    assert (after["version"], after["state"], after["allocations"]) == (2, "HALTED", before["allocations"])
    house.ask("POST", "/v1/trading", ledger(after=10, upto=11, state="HALTED", halt=halt(version=1)), "desk")
    assert state(house) == (2, "HALTED"), "halted is halted"
    house.hands.go(10)
    house.ask("PUT", "/v1/portfolio", {"allocations": None, "state": "ACTIVE"}, "admin")
    for upto in (11, 12):
        sent = ledger(after=10, upto=upto, state="HALTED", halt=halt(version=1))
        house.ask("POST", "/v1/trading", sent, "desk")
    assert state(house) == (3, "ACTIVE"), "what a person put after the halt stands"
    house.ask("POST", "/v1/trading", ledger(after=12, upto=13, state="ACTIVE"), "desk")
    assert state(house) == (3, "ACTIVE")


def test_a_portfolio_put_before_the_halt_does_not_end_it_though_the_desk_never_heard_it(house: House) -> None:
    house.ask("PUT", "/v1/portfolio", {"allocations": None, "state": "REDUCING"}, "admin")
    house.ask("POST", "/v1/trading", ledger(state="HALTED", halt=halt(version=0)), "desk")
    assert state(house) == (2, "HALTED")


def test_a_desk_cannot_lift_a_halt(house: House) -> None:
    house.ask("PUT", "/v1/portfolio", {"allocations": None, "state": "HALTED"}, "admin")
    house.ask("POST", "/v1/trading", ledger(state="ACTIVE"), "desk")
    assert state(house) == (1, "HALTED")
    assert house.ask("PUT", "/v1/portfolio", {"allocations": None, "state": "ACTIVE"}, "desk").status == 403


def test_a_ledger_that_cannot_be_halts_nobody(house: House) -> None:
    wrong = ledger(orders=[order(quantity="0", filled="0")], state="HALTED", halt=halt())
    assert house.ask("POST", "/v1/trading", wrong, "desk").status == 422
    assert state(house) == (0, "ACTIVE")


IMPOSSIBLE = [
    {"orders": [order(quantity="0", filled="0")]},
    {"orders": [order(price="1.5")]},
    {"orders": [order(kind="stop")]},
    {"orders": [order(filled="11")]},
    {"orders": [order(filled="9")]},
    {"orders": [order(status="working")]},
    {"orders": [order(status="new", filled="0")]},
    {"fills": [fill(order="d9-entry")]},
    {"fills": [fill(quantity="0")]},
    {"fills": [fill(price="-1")]},
    {"fills": [fill(fee="-1")]},
    {"fills": [fill(), fill(id="d1-entry.2", quantity="1")]},
    {"trades": [trade(closed=text(0))]},
    {"trades": [trade(quantity="0")]},
    {"trades": [trade(exit="0")]},
    {"trades": [trade(reason="")]},
    {"positions": [position(quantity="0")]},
    {"positions": [position(entry="0")]},
    {"equity": [equity(peak="999")]},
]


@pytest.fixture(scope="module")
def keeping(shared: House) -> House:
    """A server that keeps another trade already."""
    sent = ledger(
        orders=[order(id="d2-entry", trade=2)], fills=[], trades=[], equity=[], positions=[], upto=1
    )
    assert shared.ask("POST", "/v1/trading", sent, "desk").status == 200
    return shared


@pytest.mark.parametrize("wrong", IMPOSSIBLE, ids=str)
def test_a_ledger_with_an_impossible_row_is_refused_whole(keeping: House, wrong: dict[str, Any]) -> None:
    before = tables(keeping)
    reply = keeping.ask("POST", "/v1/trading", ledger(**wrong), "desk")
    assert (reply.status, reply.json["code"]) == (422, "invalid")
    assert tables(keeping) == before


def test_what_is_over_or_was_sent_cannot_become_another(house: House) -> None:
    house.ask("POST", "/v1/trading", ledger(), "desk")
    for wrong in (
        order(status="cancelled", filled="9"),
        order(side="sell"),
        order(quantity="20", filled="20"),
    ):
        assert house.ask("POST", "/v1/trading", ledger(orders=[wrong]), "desk").status == 422
    assert house.ask("POST", "/v1/trading", ledger(account="e"), "desk").status == 409
    assert tables(house)["orders"][0]["status"] == "filled"


def test_what_is_over_is_forgotten_with_its_fills_and_what_is_open_stays(tmp_path: Path) -> None:
    old = text(-10)
    told = ledger(
        orders=[
            order(created=old),
            order(id="d2-entry", trade=2, created=old),
            order(id="d3-entry", trade=3, created=text(5)),
            order(id="d4-entry", trade=4, created=old, status="working", filled="0"),
        ],
        fills=[fill(id=f"{name}.1", order=name, time=old) for name in ("d1-entry", "d2-entry", "d3-entry")],
        trades=[trade(opened=old, closed=old), trade(id=3)],
        equity=[equity(number=number, time=old) for number in (7, 8)],
    )

    async def work(store: Store) -> None:
        await store.trading.put(msgspec.convert(told, LedgerText, strict=False))
        await store.forget(Retention())
        assert len(await store.trading.orders(0, 9)) == 4
        for _ in range(2):
            await store.forget(Retention(trading_days=1))
            kept = store.trading
            assert [each.id for each in await kept.orders(0, 9)] == ["d2-entry", "d3-entry", "d4-entry"]
            assert [each.id for each in await kept.fills(0, 9)] == ["d2-entry.1", "d3-entry.1"]
            assert [each.id for each in await kept.trades(0, 9)] == [3]
            assert [each.number for each in await kept.equity(0, 9)] == [8]
            held = await kept.holdings()
            assert held is not None
            assert len(held.positions) == 1

    with_store(work, tmp_path)


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_the_tables_can_be_taken_away(house: House, tmp_path: Path, form: Any) -> None:
    house.ask("POST", "/v1/trading", ledger(), "desk")
    assert export(house.folder, tmp_path / "out", form) == dict.fromkeys(
        ("orders", "fills", "trades", "positions", "equity"), 1
    )
    if form == "csv":
        with (tmp_path / "out" / "trades.csv").open() as file:
            (row,) = csv.DictReader(file)
        assert (row["profit"], row["symbol"], row["opened"]) == ("0.8", "AUDUSD", "2024-01-01T00:01:00+00:00")
    else:
        import pyarrow.parquet

        table = pyarrow.parquet.read_table(tmp_path / "out" / "trades.parquet")
        assert table.column("profit").to_pylist() == ["0.8"]
        assert str(table.schema.field("opened").type) == "timestamp[us, tz=UTC]"
