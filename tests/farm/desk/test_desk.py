"""The desk: what it trades and what it ignores, how it starts again, and what it does when things differ."""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from rich.console import Console

from live_trader.core.events import StateSet
from live_trader.core.orders import Role
from live_trader.core.portfolio import TradingState
from live_trader.core.signals import Signal
from live_trader.edge import diary
from live_trader.edge.journal import parts
from live_trader.edge.terms import Terms
from live_trader.edge.wire.stream import BarTold
from live_trader.errors import BadData, BadSettings, Unreachable
from live_trader.farm.ledger import Ledger, pages
from live_trader.farm.monitor import Watch, curve, drawn, lasted, lines
from live_trader.lab.replay import replay
from tests.farm.desk.market import TICKERS, Account, facts, portfolio, settings


def test_signals_become_orders_with_a_real_stop_and_target(tmp_path: Path) -> None:
    account = Account(tmp_path)
    account.run(facts(2))
    roles = {order.role for order in account.working.values()}
    assert roles >= {Role.STOP, Role.TARGET}
    entry = next(iter(account.working.values()))
    assert entry.id.startswith("d")


def test_a_fact_heard_twice_changes_nothing(tmp_path: Path) -> None:
    told = facts(8)
    once = Account(tmp_path / "once").run(told)
    again = Account(tmp_path / "twice").run([each for fact in told for each in (fact, fact)])
    assert again.book == once.book


@pytest.mark.parametrize("how", ["late", "expired", "shadow", "stranger", "unknown"])
def test_what_is_late_expired_shadow_or_anothers_is_not_traded(tmp_path: Path, how: str) -> None:
    def spoilt(fact: Any) -> Any:
        if not isinstance(fact, Signal):
            return fact
        if how == "late":
            return replace(fact, late=True)
        if how == "shadow":
            return replace(fact, shadow=True)
        if how == "stranger":
            return replace(fact, bot="somebody")
        return fact

    account = Account(tmp_path)
    if how == "expired":
        account._when = lambda fact: fact_time(fact) + timedelta(seconds=61)
    if how == "unknown":
        account.portfolio = portfolio(1, tickers=TICKERS[:1])
    told = [(seq, spoilt(fact)) for seq, fact in facts(6)]
    desk = account.run(told)
    traded = {each.ticker for each in desk.book.positions.values()}
    if how == "unknown":
        assert traded <= {TICKERS[0]}
        assert any("no stake" in each for each in account.said)
    else:
        assert desk.book.serial == 0
        assert account.working == {}
    if how in ("late", "expired"):
        assert any("lateness of the signal" in each for each in account.said)


def fact_time(fact: Any) -> Any:
    ticker = fact.ticker
    opened = fact.bar.opened if isinstance(fact, BarTold) else fact.opened
    return opened + timedelta(seconds=ticker.timeframe.seconds)


def test_only_close_flattens_at_once_and_a_new_portfolio_trades_again(tmp_path: Path) -> None:
    told = [each for _, each in facts(12)]
    first = told[:20]
    account = Account(tmp_path)
    desk = account.run(enumerate(first, 1))
    assert any(each.held for each in desk.book.positions.values())
    reduced = account.run(enumerate([*first, portfolio(2, "REDUCING")], 1))
    assert reduced.book.state is TradingState.REDUCING
    assert account.holdings == {}
    assert reduced.book.positions == {}
    after = account.run(enumerate([*first, portfolio(2, "REDUCING"), portfolio(3), *told[20:]], 1))
    assert after.book.state is TradingState.ACTIVE
    assert after.book.serial > reduced.book.serial


def test_an_empty_portfolio_closes_everything_and_trades_nothing(tmp_path: Path) -> None:
    """Without one all that is served has equal shares; an empty one that was put wants nothing held."""
    told = [each for _, each in facts(12)]
    account = Account(tmp_path, portfolio=portfolio(0, tickers=(), put=False))
    desk = account.run(enumerate(told[:20], 1))
    assert len(desk.book.seats) == len(TICKERS)
    assert any(each.held for each in desk.book.positions.values())
    emptied = account.run(enumerate([*told[:20], portfolio(1, tickers=()), *told[20:]], 1))
    assert (emptied.book.seats, emptied.book.positions, account.holdings) == ({}, {}, {})
    assert emptied.book.serial == desk.book.serial


def test_a_panic_stays_in_force_until_another_portfolio_is_put(tmp_path: Path) -> None:
    told = [each for _, each in facts(12)]
    account = Account(tmp_path, panic=True)
    desk = account.run(enumerate(told[:20], 1))
    assert (desk.book.positions, account.holdings, dict(account.working)) == ({}, {}, {})
    account.panic = False
    again = account.run(enumerate(told, 1))
    assert again.book.state is TradingState.HALTED
    assert again.book.serial == desk.book.serial
    freed = account.run(enumerate([*told, portfolio(2)], 1))
    assert freed.book.state is TradingState.ACTIVE


@pytest.mark.parametrize("wrong", [
    {}, {"paper.partial": 0.7}, {"paper.rejected": 0.4}, {"paper.unanswered": 0.4, "paper.delayed": 0.5},
])  # fmt: skip
def test_a_panic_at_any_moment_leaves_nothing(tmp_path: Path, wrong: dict[str, Any]) -> None:
    """Also where what is closed waits for the next bar already, or the broker does it in parts or says no."""
    told = facts(8)
    for cut in range(1, len(told)):
        account = Account(tmp_path / str(cut), panic=True, given=wrong)
        book = account.run(told[:cut]).book
        assert (book.positions, book.orders, account.holdings, dict(account.working)) == ({}, {}, {}, {})


def test_a_halt_of_its_own_is_told_before_the_portfolio_is_asked_for(tmp_path: Path) -> None:
    """A portfolio put before a panic, which the desk never heard, must not end it, not even for a moment."""
    told = [each for _, each in facts(12)]
    account = Account(tmp_path, panic=True)
    account.run(enumerate(told[:20], 1))
    account.panic = False

    def tell() -> None:
        account.portfolio = portfolio(3, "HALTED")  # as the server does when it hears of the halt

    account.tell = tell
    missed = [*told[:20], portfolio(2), *told[20:]]
    desk = account.run(enumerate(missed, 1))
    assert (desk.book.state, desk.book.version) == (TradingState.HALTED, 3)
    assert desk.book.serial == account.run([]).book.serial
    states = [each.event for _, each, _ in diary.since(tmp_path, -1) if isinstance(each.event, StateSet)]
    assert [(each.state, each.reason) for each in states] == [(TradingState.HALTED, "panic")]


def test_the_ledger_tells_a_halt_of_the_desks_own_and_no_other(tmp_path: Path) -> None:
    told = [each for _, each in facts(12)]
    account = Account(tmp_path / "followed")
    account.run(enumerate([*told[:20], portfolio(2, "HALTED")], 1))
    (page,) = pages(diary.since(account.folder, -1), -1)
    assert (page.state, page.halt) == ("HALTED", None)
    account = Account(tmp_path / "panicked", panic=True)
    account.run(enumerate(told[:20], 1))
    (page,) = pages(diary.since(account.folder, -1), -1)
    assert page.halt is not None
    assert (page.halt.reason, page.halt.version, page.halt.time) == ("panic", 1, account.clock.at)
    account.panic = False
    account.run(enumerate([*told[:20], portfolio(2)], 1))
    (page,) = pages(diary.since(account.folder, -1), -1)
    assert (page.state, page.halt) == ("ACTIVE", None), "it is over"


def test_other_settings_begin_a_new_part_and_the_account_goes_on(tmp_path: Path) -> None:
    told = facts(8)
    account = Account(tmp_path)
    first = account.run(told[:16])
    account.given = {"max_open_trades": 1, "on_neutral": "close"}
    second = account.run(told[16:])
    assert len(parts(tmp_path)) == 2
    assert second.book.limits.max_open_trades == 1
    assert second.book.cash <= first.book.cash + 1000
    assert {seat.stake.plan.on_neutral.value for seat in second.book.seats.values()} == {"close"}
    assert replay(tmp_path).same
    account.given = {"currency": "EUR", "rates": ["USD 0.9"]}
    with pytest.raises(BadSettings, match="kept in USD"):
        account.run([])


def test_an_order_the_book_does_not_know_is_cancelled_and_other_holdings_halt(tmp_path: Path) -> None:
    account = Account(tmp_path)
    account.run(facts(3))
    assert account.working
    with closing(sqlite3.connect(tmp_path / "paper.db")) as file, file:
        body = file.execute("SELECT body FROM orders WHERE NOT over").fetchone()[0].decode()
        stray = body.replace('"id":"d', '"id":"x')
        file.execute("INSERT INTO orders VALUES ('x1', 99, 1, 0, 0, ?)", (stray.encode(),))
        file.execute("INSERT OR REPLACE INTO holdings VALUES ('EURUSD', '123456')")
    desk = account.run([])
    assert desk.book.state is TradingState.HALTED
    assert any("does not know" in each for each in account.said)
    assert any("EURUSD: 123456 at the broker" in each for each in account.said)
    halt = list(pages(diary.since(tmp_path, -1), -1))[-1].halt
    assert halt is not None
    assert halt.reason.startswith("holdings differ: EURUSD: 123456 at the broker")
    assert not [name for name in account.working if name.startswith("x")]


def test_an_order_the_broker_lost_is_asked_for_and_dropped(tmp_path: Path) -> None:
    account = Account(tmp_path)
    account.run(facts(3))
    with closing(sqlite3.connect(tmp_path / "paper.db")) as file, file:
        file.execute("DELETE FROM orders WHERE id = (SELECT id FROM orders WHERE NOT over LIMIT 1)")
    desk = account.run([])
    assert desk.book.orders.keys() == account.working.keys()


def test_a_torn_journal_is_cut_and_said_and_the_lost_fact_is_heard_again(tmp_path: Path) -> None:
    told = facts(8)
    calm = Account(tmp_path / "calm").run(told)
    account = Account(tmp_path / "torn")
    account.run(told)
    path = parts(account.folder)[-1]
    path.write_bytes(path.read_bytes()[:-7])
    desk = account.run(told)
    assert any("torn record" in each for each in account.said)
    assert desk.book == calm.book


def test_a_journal_that_this_program_would_not_have_written_is_refused(tmp_path: Path) -> None:
    account = Account(tmp_path)
    account.run(facts(6))
    from live_trader.edge.journal import Journal, records

    path = parts(tmp_path)[0]
    texts = [text for _, text in records(path)]
    for each in tmp_path.glob("journal-*"):
        each.unlink()
    with Journal(tmp_path) as journal:
        journal.begin(texts[0])
        for text in texts[1:]:
            journal.append(text.replace(b'"rule":"risk per trade"', b'"rule":"whim"'))
    if any(b"risk per trade" in text for text in texts):
        assert not replay(tmp_path).same
        with pytest.raises(BadData, match="other commands"):
            account.run([])


def test_the_ledger_tells_every_order_fill_and_trade_whatever_the_size_of_its_pages(tmp_path: Path) -> None:
    account = Account(tmp_path)
    desk = account.run(facts(30))
    found = list(pages(diary.since(tmp_path, -1), -1))
    orders = {each.id: each for page in found for each in page.orders}
    fills = [each for page in found for each in page.fills]
    filled = [line.event.fill.id for line in account.statement if hasattr(line.event, "fill")]
    assert [each.id for each in fills] == filled
    assert found[-1].upto == desk.number
    living = {name for name, each in orders.items() if each.status in ("working", "submitted")}
    assert living == desk.book.orders.keys()
    held = {each.trade for each in desk.book.positions.values() if each.held}
    assert {each.trade for each in found[-1].positions} == held
    middle = found[0].upto // 2
    assert list(pages(diary.since(tmp_path, middle), middle))[-1].upto == desk.number


def test_a_long_journal_goes_on_in_parts_and_nothing_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = facts(12)
    calm = Account(tmp_path / "calm").run(told)
    monkeypatch.setattr("live_trader.farm.hand._PART", 20)
    account = Account(tmp_path / "parts")
    account.run(told[:25])
    desk = account.run(told)
    assert len(parts(account.folder)) > 4
    assert desk.book == calm.book
    assert replay(account.folder).same
    whole, pieces = (
        [each for page in pages(diary.since(folder, -1), -1) for each in page.trades]
        for folder in (tmp_path / "calm", account.folder)
    )
    assert whole == pieces
    assert len(list(diary.since(account.folder, desk.number - 3))) == 3


@given(
    seed=st.integers(0, 10_000),
    shares=st.tuples(*[st.floats(0, 0.6)] * 4),
    cuts=st.lists(st.integers(1, 50), max_size=3),
)
@hypothesis_settings(max_examples=12, deadline=None)
def test_whatever_goes_wrong_book_and_broker_hold_the_same_and_the_money_adds_up(
    tmp_path_factory: pytest.TempPathFactory, seed: int, shares: tuple[float, ...], cuts: list[int]
) -> None:
    names = ("paper.partial", "paper.rejected", "paper.unanswered", "paper.delayed")
    wrong = {"paper.seed": seed, "fee_rate": 0.0001, **dict(zip(names, shares, strict=True))}
    account, told = Account(tmp_path_factory.mktemp("wrong"), given=wrong), facts(14)
    for cut in sorted(cuts):
        account.run(told[:cut])
    book = account.run(told).book
    for symbol in book.instruments:
        assert account.holdings.get(symbol, 0) == book.net(symbol)
    assert book.orders.keys() == account.working.keys()
    trades = [each for page in pages(diary.since(account.folder, -1), -1) for each in page.trades]
    open_fees = sum((each.fees for each in book.positions.values()), Decimal(0))
    assert book.cash == Decimal(100_000) + sum((each.profit for each in trades), Decimal(0)) - open_fees
    assert not any("holdings differ" in each for each in account.said)


def test_a_follower_tells_every_entry_once_while_the_journal_grows_into_new_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("live_trader.farm.hand._PART", 30)
    account, told = Account(tmp_path), facts(12)
    follower, found = diary.Follower(tmp_path, 5), []
    for end in range(4, len(told), 7):
        account.run(told[:end])
        found += [entry.number for _, entry, _ in follower.turned()]
    assert found == [entry.number for _, entry, _ in diary.since(tmp_path, 5)]
    assert len(parts(tmp_path)) > 2


class Shaky:
    """A server that keeps ledgers, and fails on every other post."""

    def __init__(self) -> None:
        self.kept: list[Any] = []
        self.posts = 0

    def upto(self) -> int | None:
        return self.kept[-1].upto if self.kept else None

    def post(self, text: Any) -> None:
        self.posts += 1
        if self.posts % 2:
            raise Unreachable("it is not there")
        self.kept.append(text)


def test_a_ledger_tells_everything_once_over_a_server_that_comes_and_goes(tmp_path: Path) -> None:
    account, told, server = Account(tmp_path), facts(12), Shaky()
    ledger = Ledger(tmp_path, server)
    for end in range(4, len(told), 9):
        number = account.run(told[:end]).number
        while server.upto() != number:
            with suppress(Unreachable):
                ledger.bring(number)
    whole = next(pages(diary.since(tmp_path, -1), -1))
    assert [each for text in server.kept for each in text.fills] == list(whole.fills)
    assert [each for text in server.kept for each in text.trades] == list(whole.trades)


def test_a_ledger_is_told_again_to_a_server_that_has_another_store(tmp_path: Path) -> None:
    account, told, server = Account(tmp_path), facts(12), Shaky()
    ledger = Ledger(tmp_path, server)

    def bring(number: int) -> None:
        while server.upto() != number:
            with suppress(Unreachable):
                ledger.bring(number)

    bring(account.run(told[:20]).number)
    server.kept.clear()
    ledger.forget()  # as whenever the connection was lost
    bring(account.run(told).number)
    whole = next(pages(diary.since(tmp_path, -1), -1))
    assert [each for text in server.kept for each in text.fills] == list(whole.fills)


def test_the_monitor_shows_the_book_while_nobody_runs(tmp_path: Path) -> None:
    desk = Account(tmp_path).run(facts(4))
    watch = Watch(tmp_path)
    found = watch.look()
    assert (found["running"], found["state"]) == (False, "ACTIVE")
    assert found["equity"] == str(desk.book.equity)
    assert len(found["positions"]) == len(desk.book.positions)
    assert {each["id"] for each in found["orders"]} == desk.book.orders.keys()
    assert "EURUSD M1" in lines(found)
    assert watch.look() == found


def test_a_person_watches_equity_positions_and_what_ended_last(tmp_path: Path) -> None:
    account = Account(tmp_path)
    desk = account.run(facts(30))
    found = Watch(tmp_path).look()
    ended = [each for page in pages(diary.since(tmp_path, -1), -1) for each in page.trades]
    assert [each["trade"] for each in found["last_trades"]] == [each.id for each in reversed(ended[-5:])]
    assert Decimal(found["last_equity"][-1]) == desk.book.equity
    shown = seen(found)
    for each in (*found["positions"], *found["last_trades"]):
        assert each["ticker"] in shown
    assert "LAST TRADES" in shown
    assert "no desk is running" in shown
    assert set(curve(found["last_equity"])) >= set("▁█")
    account.panic = True
    account.run(facts(30))
    halted = seen(Watch(tmp_path).look())
    assert "HALTED" in halted
    assert "nothing is held" in halted


def seen(found: dict[str, Any]) -> str:
    console = Console(width=120, file=StringIO())
    console.print(drawn(found, datetime(2025, 10, 9, 12, tzinfo=UTC)))
    file = console.file
    assert isinstance(file, StringIO)
    return file.getvalue()


@pytest.mark.parametrize(
    ("values", "row"),
    [([], ""), (["1"], ""), (["1", "1"], "▁▁"), (["1", "3", "2"], "▁█▅"), (["0"] * 200 + ["1"], None)],
)
def test_equity_is_a_row_of_blocks(values: list[str], row: str | None) -> None:
    drawn_row = curve(values)
    assert len(drawn_row) <= 90
    assert drawn_row == row or (row is None and drawn_row.endswith("▁█"))


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00:00"), (3661, "1:01:01"), (90061, "1 d 1:01:01"), (-5, "0:00:00")]
)
def test_a_span_is_told_as_a_clock_shows_it(seconds: int, text: str) -> None:
    assert lasted(timedelta(seconds=seconds)) == text


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"instruments": ["GOLD tick=0.01"]}, "has no lot"),
        ({"instruments": ["GOLD tick=0.01 lot=0"]}, "lot above zero"),
        ({"instruments": ["GOLD tick=x lot=1"]}, "cannot be read"),
        ({"instruments": ["GOLD tick=0.01 lot=1 colour=red"]}, "has no 'colour'"),
        ({"rates": ["CHF -1"]}, "is not a rate"),
        ({"rates": ["CHF"]}, "is not a rate"),
        ({"hours": "08:00-99:99"}, "desk.hours"),
        ({"hours": "always"}, "hours in UTC"),
        ({"capital": 0.0}, "above 0"),
        ({"capital": -5.0}, "above 0"),
        ({"mode": "dry"}, "one of paper, live"),
        ({"stop_atr": 0.0}, "above 0"),
    ],
)
def test_settings_that_cannot_be_are_refused_by_name(given: dict[str, Any], sentence: str) -> None:
    with pytest.raises(BadSettings, match=sentence):
        Terms.of(settings(**given))


def test_live_trading_is_refused_while_there_is_no_broker_for_it(tmp_path: Path) -> None:
    from live_trader.farm.dealing import broker_of

    with pytest.raises(BadSettings, match="no broker for live trading"):
        broker_of(settings(mode="live"), Terms.of(settings(mode="live")))
