"""The book: wishes become brackets, brackets become trades, and a broker is answered by rule."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from live_trader.core.bars import Ticker, moment
from live_trader.core.book import Book
from live_trader.core.events import (
    Accepted,
    CancelFailed,
    Cancelled,
    FlattenAsked,
    Inquire,
    PortfolioSet,
    RatesSet,
    Rejected,
    Stake,
    StateSet,
    StrategyFailed,
    Submit,
    Unanswered,
)
from live_trader.core.orders import Kind, Role, Status
from live_trader.core.portfolio import TradingState
from live_trader.core.risk import Limits
from live_trader.core.signals import Direction
from live_trader.core.sizing import OnFailure, OnNeutral, OnOpposite, Plan, Sides
from live_trader.errors import BadSettings

LONG, SHORT, NEUTRAL = Direction.LONG, Direction.SHORT, Direction.NEUTRAL
JPY = Ticker.parse("USDJPY M1")
Desk = Callable[..., Any]


def entered(hand: Any, **more: Any) -> Any:
    """The desk after a long entry of 10,000 at 1.000, its stop and target working."""
    hand.signal(1, LONG)
    hand.fill("d1-entry", "1.000", 2, **more)
    return hand


def test_a_wish_becomes_an_entry_with_its_stop_and_its_target(desk: Desk) -> None:
    hand = desk()
    (command,) = hand.signal(1, LONG)
    assert isinstance(command, Submit)
    assert command.approval.quantity == 8333
    assert command.approval.rule == "risk per trade"
    entry, stop, target = command.orders
    assert [each.id for each in command.orders] == ["d1-entry", "d1-stop", "d1-target"]
    assert (entry.kind, stop.kind, target.kind) == (Kind.MARKET, Kind.STOP, Kind.LIMIT)
    assert (stop.price, target.price) == (Decimal("0.970"), Decimal("1.036"))
    assert (stop.entry, entry.stop, entry.target) == ("d1-entry", "d1-stop", "d1-target")
    assert {each.quantity for each in command.orders} == {Decimal(8333)}


def test_the_same_wish_again_changes_nothing(desk: Desk) -> None:
    hand = entered(desk())
    hand.bar(2, 1.0)
    assert hand.signal(2, LONG) == ()
    assert hand.book.net("EURUSD") == 8333


@pytest.mark.parametrize(
    ("order", "price", "reason", "sibling", "profit"),
    [
        ("d1-stop", "0.970", "stop", "d1-target", "-249.99"),
        ("d1-target", "1.036", "target", "d1-stop", "299.988"),
    ],
)
def test_a_filled_stop_cancels_the_target_and_the_other_way_round(
    desk: Desk, order: str, price: str, reason: str, sibling: str, profit: str
) -> None:
    hand = entered(desk(), fee="1.5")
    hand.fill(order, price, 3, fee="2.5")
    (trade,) = hand.trades()
    assert (trade.reason, trade.profit, trade.fees) == (reason, Decimal(profit) - 4, Decimal(4))
    assert hand.cancels() == [sibling]
    assert hand.book.cash == 100_000 + trade.profit
    hand.feed(Cancelled(sibling, moment(240)))
    assert not hand.book.orders
    assert not hand.book.positions


def test_both_at_once_do_not_close_twice_what_the_second_opened_is_closed_at_once(desk: Desk) -> None:
    hand = entered(desk())
    hand.fill("d1-stop", "0.970", 3)
    hand.fill("d1-target", "1.036", 3)
    assert hand.refusals()[-1].rule == "quantity held"
    undo = hand.sent()[-1]
    assert (undo.role, undo.side.value, undo.quantity) == (Role.EXIT, "buy", Decimal(8333))
    hand.fill(undo.id, "1.030", 4)
    assert hand.book.net("EURUSD") == 0
    assert [each.reason for each in hand.trades()] == ["stop", "excess"]
    assert hand.book.cash == 100_000 + sum(each.profit for each in hand.trades())


def test_an_opposite_wish_closes_and_reverses(desk: Desk) -> None:
    hand = entered(desk())
    hand.bar(2, 1.01)
    leave, enter = hand.signal(2, SHORT)
    assert [each.id for each in (*leave.orders, *enter.orders)] == [
        "d1-exit1",
        "d2-entry",
        "d2-stop",
        "d2-target",
    ]
    hand.fill("d1-exit1", "1.010", 3)
    hand.fill("d2-entry", "1.010", 3)
    assert hand.trades()[0].reason == "opposite"
    assert hand.book.net("EURUSD") < 0


def test_an_opposite_wish_only_closes_by_setting(desk: Desk) -> None:
    hand = entered(desk(on_opposite=OnOpposite.CLOSE))
    hand.bar(2, 1.01)
    hand.signal(2, SHORT)
    assert hand.sent()[-1].id == "d1-exit1"
    hand.fill("d1-exit1", "1.010", 3)
    hand.bar(3, 1.01)
    assert hand.signal(3, SHORT) == (), "the wish is spent"


def test_a_side_that_is_not_allowed_only_closes(desk: Desk) -> None:
    hand = entered(desk(sides=Sides.LONG))
    hand.bar(2, 1.01)
    hand.signal(2, SHORT)
    assert [each.id for each in hand.sent()[3:]] == ["d1-exit1"]


@pytest.mark.parametrize(("on_neutral", "closes"), [(OnNeutral.HOLD, 0), (OnNeutral.CLOSE, 1)])
def test_a_neutral_wish_holds_or_closes_by_setting(desk: Desk, on_neutral: OnNeutral, closes: int) -> None:
    hand = entered(desk(on_neutral=on_neutral))
    hand.bar(2, 1.01)
    assert len(hand.signal(2, NEUTRAL)) == closes


def test_what_was_stopped_out_is_not_entered_again_while_the_wish_lasts(desk: Desk) -> None:
    hand = entered(desk())
    hand.fill("d1-stop", "0.970", 2)
    hand.bar(2, 0.97)
    assert hand.signal(2, LONG) == ()
    hand.bar(3, 0.97)
    hand.signal(3, NEUTRAL)
    hand.bar(4, 0.97)
    assert len(hand.signal(4, LONG)) == 1


def test_two_strategies_hold_one_symbol_both_ways_and_the_account_is_net(desk: Desk) -> None:
    hand = entered(desk())
    hand.signal(1, SHORT, bot="b")
    hand.fill("d2-entry", "1.000", 2)
    assert [each.held for each in hand.book.positions_of(symbol="EURUSD")] == [8333, -5000]
    assert [each.held for each in hand.book.positions_of(slot="b@EURUSD@M1")] == [-5000]
    assert [each.id for each in hand.book.orders_of(slot="b@EURUSD@M1")] == ["d2-stop", "d2-target"]
    assert len(list(hand.book.orders_of(symbol="USDJPY"))) == 0
    assert hand.book.net("EURUSD") == 3333
    assert hand.book.leverage == Decimal("0.13333")


def test_profit_in_another_currency_is_booked_at_its_rate(desk: Desk) -> None:
    hand = desk()
    hand.signal(1, LONG, ticker=JPY)
    (entry, *_) = hand.sent()
    assert entry.quantity == 3333, "half a per cent of a fifth of the equity, 3 yen away, at 0.01 each"
    hand.fill("d1-entry", "100.0", 2, fee="100")
    hand.feed(RatesSet({"JPY": Decimal("0.02")}, moment(120)))
    hand.fill("d1-target", "103.6", 3)
    assert hand.trades()[0].profit == 3333 * Decimal("3.6") * Decimal("0.02") - 1


@pytest.mark.parametrize(
    ("what", "feed", "rule"),
    [
        ("of an order never sent", lambda hand: hand.fill("d9-entry", "1", 3), "known orders"),
        ("of another account", lambda hand: hand.fill("x1-entry", "1", 3), "known orders"),
        ("of a finished order", lambda hand: hand.fill("d1-entry", "1", 3, number=2), "finished orders"),
        ("told twice", lambda hand: [hand.fill("d1-stop", "1", 3, "5") for _ in range(2)], "fill twice"),
        ("larger than the order", lambda hand: hand.fill("d1-stop", "1", 3, "8334"), "size of the order"),
        ("of nothing", lambda hand: hand.fill("d1-stop", "1", 3, "0"), "fill above zero"),
        ("for nothing", lambda hand: hand.fill("d1-stop", "0", 3), "fill above zero"),
        ("before its entry", lambda hand: hand.fill("d1-stop", "1", 1), "order of fills"),
    ],
)  # fmt: skip
def test_an_impossible_fill_is_refused_by_name(desk: Desk, what: str, feed: Any, rule: str) -> None:
    hand = entered(desk())
    feed(hand)
    assert [each.rule for each in hand.refusals()] == [rule], what
    assert hand.book.net("EURUSD") in (8333, 8328)


def test_a_stop_cannot_be_filled_before_its_entry_is(desk: Desk) -> None:
    hand = desk()
    hand.signal(1, LONG)
    before = hand.book
    hand.fill("d1-stop", "0.970", 2)
    assert hand.refusals()[-1].rule == "order of fills"
    assert hand.book == before


def test_an_entry_in_parts_is_one_position_and_closing_it_early_cancels_the_rest(desk: Desk) -> None:
    hand = desk()
    hand.signal(1, LONG)
    hand.fill("d1-entry", "1.000", 2, "3000")
    hand.bar(2, 1.0)
    hand.signal(2, NEUTRAL)
    hand.feed(FlattenAsked("person", moment(180)))
    assert hand.cancels() == ["d1-entry"]
    assert hand.sent()[-1].quantity == 3000
    hand.fill("d1-entry", "1.010", 3, "1000", number=2)
    hand.feed(Cancelled("d1-entry", moment(181)))
    hand.fill("d1-exit1", "1.000", 3)
    assert hand.sent()[-1].id == "d1-exit2", "what came in late is closed too"
    hand.fill("d1-exit2", "1.000", 3)
    (trade,) = hand.trades()
    assert (trade.quantity, trade.entry, trade.profit) == (4000, Decimal("1.0025"), Decimal(-10))


def test_an_entry_that_is_rejected_leaves_nothing_behind(desk: Desk) -> None:
    hand = desk()
    hand.signal(1, LONG)
    hand.feed(Accepted("d1-entry", moment(120)))
    hand.feed(Rejected("d1-entry", "no margin", moment(121)))
    assert hand.refusals()[-1].figure == "no margin"
    assert set(hand.cancels()) == {"d1-stop", "d1-target"}
    assert not hand.book.positions
    assert not hand.trades()
    hand.bar(2, 1.0)
    assert hand.signal(2, LONG) == (), "yes and then no is not asked again for the same wish"


@pytest.mark.parametrize("event", [Rejected("d1-stop", "no", moment(180)), Cancelled("d1-stop", moment(180))])
def test_a_position_that_loses_its_stop_is_closed(desk: Desk, event: Any) -> None:
    hand = entered(desk())
    hand.feed(event)
    assert hand.sent()[-1].id == "d1-exit1"
    hand.fill("d1-exit1", "1.000", 3)
    assert hand.trades()[0].reason == "unprotected"


def test_a_position_that_loses_its_target_is_kept(desk: Desk) -> None:
    hand = entered(desk())
    hand.feed(Rejected("d1-target", "no", moment(180)))
    assert hand.book.net("EURUSD") == 8333
    assert len(hand.sent()) == 3


def test_an_exit_that_is_rejected_is_sent_again_with_the_next_bar_and_no_sooner(desk: Desk) -> None:
    hand = entered(desk())
    hand.feed(FlattenAsked("person", moment(120)))
    assert hand.feed(Rejected("d1-exit1", "closed market", moment(121)))[1:] == ()
    hand.bar(2, 1.0)
    assert hand.sent()[-1].id == "d1-exit2"
    assert hand.bar(3, 1.0) == ()


def test_a_cancellation_that_failed_is_asked_for_again_once_the_trade_is_over(desk: Desk) -> None:
    hand = entered(desk())
    hand.fill("d1-stop", "0.970", 3)
    hand.feed(CancelFailed("d1-target", "busy", moment(181)))
    assert hand.book.orders["d1-target"].status is Status.WORKING
    hand.bar(3, 1.0)
    assert hand.cancels() == ["d1-target", "d1-target"]


def test_an_order_without_an_answer_is_asked_about_and_its_slot_waits(desk: Desk) -> None:
    hand = desk()
    hand.signal(1, LONG)
    assert hand.feed(Unanswered("d1-entry", moment(121))) == (Inquire("d1-entry"),)
    assert hand.book.orders["d1-entry"].status is Status.UNKNOWN
    hand.bar(2, 1.0)
    hand.signal(2, SHORT)
    assert [each.rule for each in hand.refusals()] == ["unanswered orders"]
    assert not hand.cancels()


@pytest.mark.parametrize(
    ("unwanted", "answer", "follows"),
    [
        ("left meanwhile", Accepted("d1-entry", moment(180)), "cancel"),
        ("forbidden meanwhile", Accepted("d1-entry", moment(180)), "cancel"),
        ("left meanwhile", Rejected("d1-entry", "never arrived", moment(180)), "cancel its stop and target"),
        ("left meanwhile", None, "close"),
        ("wanted still", Accepted("d1-entry", moment(180)), "nothing"),
    ],
)
def test_an_answer_that_came_after_all_is_followed_by_what_was_meant_meanwhile(
    desk: Desk, unwanted: str, answer: Any, follows: str
) -> None:
    hand = desk()
    hand.signal(1, LONG)
    hand.feed(Unanswered("d1-entry", moment(121)))
    if unwanted == "left meanwhile":
        hand.feed(FlattenAsked("person", moment(122)))
    if unwanted == "forbidden meanwhile":
        hand.feed(StateSet(TradingState.REDUCING, moment(122)))
    assert not hand.cancels()
    if answer is None:
        hand.fill("d1-entry", "1.000", 3)
    else:
        hand.feed(answer)
    expected = {"cancel": ["d1-entry"], "cancel its stop and target": ["d1-stop", "d1-target"]}
    assert hand.cancels() == expected.get(follows, [])
    assert (hand.sent()[-1].id == "d1-exit1") is (follows == "close")


@pytest.mark.parametrize("state", [TradingState.REDUCING, TradingState.HALTED])
def test_only_an_active_desk_enters_and_leaving_that_state_cancels_entries(
    desk: Desk, state: TradingState
) -> None:
    hand = desk()
    hand.signal(1, LONG)
    hand.feed(StateSet(state, moment(120)))
    assert hand.cancels() == ["d1-entry"]
    hand.feed(Cancelled("d1-entry", moment(121)))
    hand.bar(1, 1.0, JPY)
    hand.signal(1, LONG, bot="b")
    assert hand.refusals()[-1].rule == "trading state"
    assert len(hand.sent()) == 3


def test_a_reducing_desk_follows_wishes_to_leave_a_halted_one_only_orders(desk: Desk) -> None:
    reducing, halted = entered(desk()), entered(desk())
    for hand, state in ((reducing, TradingState.REDUCING), (halted, TradingState.HALTED)):
        hand.feed(StateSet(state, moment(120)))
        hand.bar(2, 1.0)
        hand.signal(2, SHORT)
    assert reducing.sent()[-1].id == "d1-exit1"
    assert len(reducing.sent()) == 4
    assert len(halted.sent()) == 3
    halted.feed(FlattenAsked("panic", moment(180)))
    assert halted.sent()[-1].id == "d1-exit1"


@pytest.mark.parametrize(
    ("what", "feed", "rule"),
    [
        ("late", lambda hand: hand.signal(1, LONG, late=True), "lateness of the signal"),
        ("of nobody", lambda hand: hand.signal(1, LONG, bot="z"), "portfolio"),
        ("ahead of its bar", lambda hand: hand.signal(2, LONG), "bar of the signal"),
        ("behind its bar", lambda hand: (hand.bar(2, 1.0), hand.signal(1, LONG)), "bar of the signal"),
        ("told twice", lambda hand: (hand.signal(1, LONG), hand.signal(1, SHORT)), "order of signals"),
        ("out of order", lambda hand: (hand.signal(1, LONG), hand.signal(0, SHORT)), "order of signals"),
    ],
)
def test_a_signal_that_may_not_be_traded_is_refused_by_name(
    desk: Desk, what: str, feed: Any, rule: str
) -> None:
    hand = desk()
    feed(hand)
    assert [each.rule for each in hand.refusals()] == [rule], what


@pytest.mark.parametrize(
    ("minute", "symbol", "rule"),
    [(1, "EURUSD", "order of bars"), (0, "EURUSD", "order of bars"), (5, "GBPUSD", "instruments")],
)
def test_a_bar_that_is_repeated_older_or_foreign_is_refused(
    desk: Desk, minute: int, symbol: str, rule: str
) -> None:
    hand = desk()
    before = hand.book
    hand.bar(minute, 1.5, Ticker.parse(f"{symbol} M1"))
    assert hand.refusals()[-1].rule == rule
    assert hand.book == before


@pytest.mark.parametrize(
    ("on_failure", "orders", "said"), [(OnFailure.CLOSE, 4, "failure"), (OnFailure.KEEP, 3, "")]
)
def test_a_strategy_that_fails_is_halted_and_its_position_handled_by_rule(
    desk: Desk, on_failure: OnFailure, orders: int, said: str
) -> None:
    hand = entered(desk(on_failure=on_failure))
    hand.feed(StrategyFailed("a@EURUSD@M1", "ZeroDivisionError", moment(180)))
    assert len(hand.sent()) == orders
    assert hand.book.positions[1].leaving == said
    hand.bar(3, 1.0)
    hand.signal(3, SHORT)
    assert hand.refusals()[-1].figure == "ZeroDivisionError"
    hand.signal(3, SHORT, bot="b")
    assert hand.sent()[-1].slot == "b@EURUSD@M1", "the others run"


def test_a_portfolio_that_drops_a_strategy_closes_what_it_held(desk: Desk) -> None:
    hand = entered(desk())
    stakes = tuple(each.stake for name, each in hand.book.seats.items() if name != "a@EURUSD@M1")
    hand.feed(PortfolioSet(2, stakes, moment(180)))
    assert hand.book.positions[1].leaving == "portfolio"
    hand.fill("d1-exit1", "1.000", 3)
    assert hand.book.version == 2
    assert not hand.book.positions


@pytest.mark.parametrize(
    ("stakes", "rule"),
    [
        ((("a", "EURUSD M1", "0.6"), ("b", "EURUSD M1", "0.5")), "sum of weights"),
        ((("a", "EURUSD M1", "0"),), "weights"),
        ((("a", "EURUSD M1", "-0.1"),), "weights"),
        ((("a", "GBPUSD M1", "0.5"),), "instruments"),
        ((("a", "EURUSD M1", "0.2"), ("a", "EURUSD M1", "0.2")), "slots"),
    ],
)
def test_a_portfolio_that_cannot_be_is_refused_whole(desk: Desk, stakes: Any, rule: str) -> None:
    hand = desk()
    before = hand.book
    made = tuple(Stake(bot, Ticker.parse(name), Decimal(weight), Plan()) for bot, name, weight in stakes)
    hand.feed(PortfolioSet(2, made, moment(180)))
    assert hand.refusals()[-1].rule == rule
    assert hand.book == before


def test_thirds_written_as_floats_sum_to_one(desk: Desk) -> None:
    hand = desk()
    names = ("EURUSD M1", "EURUSD M5", "USDJPY M1")
    third = Decimal(repr(1 / 3 + 1e-9))
    hand.feed(PortfolioSet(2, tuple(Stake("a", Ticker.parse(n), third, Plan()) for n in names), moment(180)))
    assert hand.book.version == 2


def test_an_exchange_rate_of_nothing_is_refused(desk: Desk) -> None:
    hand = desk()
    hand.feed(RatesSet({"JPY": Decimal(0)}, moment(60)))
    hand.feed(RatesSet({"USD": Decimal(2)}, moment(60)))
    assert [each.rule for each in hand.refusals()] == ["exchange rates"] * 2
    assert hand.book.rates == {"JPY": Decimal("0.01"), "USD": Decimal(1)}


@pytest.mark.parametrize("cash", ["0", "-1", "NaN"])
def test_an_account_without_money_is_not_opened(cash: str) -> None:
    with pytest.raises(BadSettings, match="begins with"):
        Book.opened("d", "USD", Decimal(cash), {}, Limits())


def test_the_peak_is_marked_at_closes_and_past_the_drawdown_nothing_is_entered(desk: Desk) -> None:
    hand = entered(
        desk(Limits(max_daily_loss=None), stop_atr=None, target_ratio=None, max_position=Decimal(2))
    )
    assert hand.book.net("EURUSD") == 100_000
    hand.bar(2, 1.2)
    assert hand.book.peak == hand.book.equity == 120_000
    hand.bar(3, 1.01)
    assert hand.book.drawdown == 1 - Decimal(101_000) / Decimal(120_000)
    hand.signal(3, SHORT, bot="b")
    assert hand.refusals()[-1].rule == "drawdown"


def test_the_daily_loss_counts_from_the_last_mark_of_the_day_before(desk: Desk) -> None:
    hand = entered(desk(stop_atr=None, target_ratio=None, max_position=Decimal(2)))
    hand.bar(2, 0.98)
    hand.bar(3, 0.96)
    hand.signal(3, SHORT, bot="b")
    assert hand.refusals()[-1].rule == "daily loss"
    hand.bar(1440, 0.96)
    hand.signal(1440, LONG, bot="b")
    assert hand.sent()[-1].slot == "b@EURUSD@M1"
