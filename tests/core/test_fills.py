"""The market model: what a bar does to waiting orders."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from live_trader.core.bars import Bar, Ticker, moment
from live_trader.core.fills import FillAt, Market, fills, settle
from live_trader.core.instruments import Instrument
from live_trader.core.orders import Fill, Kind, Order, Role, Side, Status
from live_trader.errors import BadSettings

GOLD = Instrument(
    symbol="GOLD",
    currency="USD",
    tick=Decimal("0.1"),
    lot=Decimal(1),
    minimum=Decimal(1),
    multiplier=Decimal(2),
)
FREE = Market()
LONG, SHORT = 1, -1


def bar(open_: float, high: float, low: float, close: float) -> Bar:
    return Bar(moment(60), open_, high, low, close, 1.0)


def order(role: Role, side: Side, kind: Kind, price: str | None = None, **more: Any) -> Order:
    return Order(
        id=f"d1-{role.value}",
        trade=1,
        slot="s",
        ticker=Ticker.parse("GOLD M1"),
        side=side,
        kind=kind,
        role=role,
        quantity=Decimal(10),
        created=moment(60),
        price=None if price is None else Decimal(price),
        status=Status.WORKING,
        **more,
    )


def trade(sign: int, stop: str = "95", target: str = "105") -> list[Order]:
    """An entry at the market with its stop and its target."""
    if sign == SHORT:
        stop, target = target, stop
    enter, leave = Side.of(sign), Side.of(-sign)
    return [
        order(Role.TARGET, leave, Kind.LIMIT, target),
        order(Role.STOP, leave, Kind.STOP, stop),
        order(Role.ENTRY, enter, Kind.MARKET),
    ]


def done(found: list[Fill]) -> list[tuple[str, str]]:
    return [(each.order.removeprefix("d1-"), str(each.price)) for each in found]


HELD = {1: Decimal(10)}


@pytest.mark.parametrize(
    ("what", "sign", "seen", "expected"),
    [
        ("neither lies in the bar", LONG, (100, 104, 96, 100), []),
        ("the stop lies in the bar", LONG, (100, 104, 95, 100), [("stop", "95.0")]),
        ("the target lies in the bar", LONG, (100, 105, 96, 100), [("target", "105.0")]),
        ("both lie in the bar: the stop first", LONG, (100, 106, 94, 100), [("stop", "95.0")]),
        ("the open is through the stop: the open", LONG, (94, 96, 93, 95), [("stop", "94.0")]),
        ("the open is past the target: the open", LONG, (106, 107, 94, 95), [("target", "106.0")]),
        ("the stop of a short lies above", SHORT, (100, 105, 96, 100), [("stop", "105.0")]),
        ("the target of a short lies below", SHORT, (100, 104, 95, 100), [("target", "95.0")]),
        ("both in the bar of a short: the stop first", SHORT, (100, 106, 94, 100), [("stop", "105.0")]),
        ("the open is through the stop of a short", SHORT, (106, 107, 105, 106), [("stop", "106.0")]),
    ],
)
def test_a_stop_or_a_target_of_a_held_trade(
    what: str, sign: int, seen: tuple[float, ...], expected: list[tuple[str, str]]
) -> None:
    assert done(fills(bar(*seen), trade(sign)[:2], HELD, GOLD, FREE)) == expected, what


def test_a_market_order_is_done_at_the_open_and_its_stop_may_be_hit_in_the_same_bar() -> None:
    found = fills(bar(100, 101, 94, 95), trade(LONG), {}, GOLD, FREE)
    assert done(found) == [("entry", "100.0"), ("stop", "95.0")]


def test_a_stop_or_target_waits_for_its_entry() -> None:
    assert fills(bar(100, 110, 90, 100), trade(LONG)[:2], {}, GOLD, FREE) == []


def test_an_exit_at_the_open_leaves_nothing_for_the_stop_the_market_gapped_through() -> None:
    leaving = order(Role.EXIT, Side.SELL, Kind.MARKET)
    found = fills(bar(94, 96, 93, 95), [*trade(LONG)[:2], leaving], HELD, GOLD, FREE)
    assert done(found) == [("exit", "94.0")]


def test_an_entry_made_inside_the_bar_may_be_stopped_there_but_its_target_waits() -> None:
    entry = order(Role.ENTRY, Side.BUY, Kind.STOP, "102")
    assert done(fills(bar(100, 106, 99, 105), [entry, *trade(LONG)[:2]], {}, GOLD, FREE)) == [
        ("entry", "102.0")
    ]
    assert done(fills(bar(100, 106, 94, 105), [entry, *trade(LONG)[:2]], {}, GOLD, FREE)) == [
        ("entry", "102.0"),
        ("stop", "95.0"),
    ]


@pytest.mark.parametrize(
    ("side", "kind", "price", "seen", "expected"),
    [
        (Side.BUY, Kind.LIMIT, "98", (100, 101, 98, 99), "98.0"),
        (Side.BUY, Kind.LIMIT, "98", (97, 101, 96, 99), "97.0"),
        (Side.BUY, Kind.LIMIT, "98", (100, 101, 98.1, 99), None),
        (Side.SELL, Kind.LIMIT, "102", (100, 102, 98, 99), "102.0"),
        (Side.BUY, Kind.STOP, "102", (100, 103, 99, 99), "102.0"),
        (Side.BUY, Kind.STOP, "102", (104, 105, 103, 104), "104.0"),
        (Side.SELL, Kind.STOP, "98", (100, 103, 97, 99), "98.0"),
        (Side.SELL, Kind.STOP, "98", (100, 103, 98.1, 99), None),
    ],
)
def test_an_entry_with_a_price_waits_for_it(
    side: Side, kind: Kind, price: str, seen: tuple[float, ...], expected: str | None
) -> None:
    found = fills(bar(*seen), [order(Role.ENTRY, side, kind, price)], {}, GOLD, FREE)
    assert [str(each.price) for each in found] == ([expected] if expected else [])


def test_slippage_worsens_market_and_stop_orders_and_spares_targets() -> None:
    market = Market(slippage=0.01)
    assert done(fills(bar(100, 101, 94, 95), trade(LONG), {}, GOLD, market)) == [
        ("entry", "101.0"),
        ("stop", "94.0"),
    ]
    assert done(fills(bar(100, 106, 99, 105), trade(LONG)[:2], HELD, GOLD, market)) == [("target", "105.0")]
    assert done(fills(bar(100, 101, 99, 100), trade(SHORT)[2:], {}, GOLD, market)) == [("entry", "99.0")]


def test_buys_look_at_the_ask_and_sells_at_the_bid() -> None:
    bid, ask = bar(100, 104, 96, 100), bar(101, 105, 97, 101)
    assert done(fills(bid, trade(LONG)[2:], {}, GOLD, FREE, ask)) == [("entry", "101.0")]
    assert fills(bid, trade(LONG)[:2], HELD, GOLD, FREE, ask) == []
    assert done(fills(bid, trade(SHORT)[:2], HELD, GOLD, FREE, ask)) == [("stop", "105.0")]


def test_a_fee_is_a_share_of_the_value_with_a_floor_and_a_fixed_part() -> None:
    market = Market(fee_rate=Decimal("0.001"), fee_minimum=Decimal(3), fee_fixed=Decimal("0.5"))
    assert market.fee(GOLD, Decimal(10), Decimal(100)) == Decimal("3.5")
    assert market.fee(GOLD, Decimal(10), Decimal(1000)) == Decimal("20.5")


def test_orders_done_at_the_close_are_done_at_once_and_nothing_is_done_at_the_open() -> None:
    market = Market(fill_at=FillAt.CLOSE, slippage=0.01)
    found = settle(100.0, trade(LONG), {}, GOLD, market, moment(120))
    assert done(found) == [("entry", "101.0")]
    assert found[0].when == moment(120)
    assert done(settle(100.0, trade(LONG), {}, GOLD, market, moment(120), 102.0)) == [("entry", "103.0")]
    assert fills(bar(100, 101, 99, 100), trade(LONG), {}, GOLD, market) == []


@pytest.mark.parametrize(
    "setting",
    [{"slippage": -0.1}, {"slippage": 1.0}, {"fee_rate": Decimal(-1)}, {"fee_fixed": Decimal("NaN")}],
)
def test_a_market_that_cannot_be_is_refused(setting: dict[str, Any]) -> None:
    with pytest.raises(BadSettings, match=next(iter(setting))):
        Market(**setting)


@st.composite
def seen(draw: st.DrawFn) -> Bar:
    prices = sorted(draw(st.lists(st.integers(900, 1100), min_size=4, max_size=4)))
    inner = draw(st.permutations(prices[1:3]))
    return bar(inner[0] / 10, prices[3] / 10, prices[0] / 10, inner[1] / 10)


@given(seen(), st.sampled_from([LONG, SHORT]), st.integers(0, 10), st.booleans())
def test_whatever_the_bar_no_trade_is_closed_beyond_what_it_holds_and_no_price_lies_outside(
    each: Bar, sign: int, held: int, leaving: bool
) -> None:
    orders = trade(sign)[: 2 if held else 3]
    if leaving:
        orders.append(order(Role.EXIT, Side.of(-sign), Kind.MARKET))
    found = fills(each, orders, {1: Decimal(held)}, GOLD, FREE)
    entered = held + sum(fill.quantity for fill in found if fill.order == "d1-entry")
    closed = sum(fill.quantity for fill in found if fill.order != "d1-entry")
    assert closed <= entered
    assert all(each.low <= float(fill.price) <= each.high for fill in found)
    assert len({fill.order for fill in found}) == len(found)
