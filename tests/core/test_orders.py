"""Orders: the table of their life, and what a fill does to them."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from live_trader.core.bars import Ticker, moment
from live_trader.core.orders import Fill, Kind, Order, Role, Side, Status
from live_trader.errors import IllegalStep

ENDS = {Status.FILLED, Status.CANCELLED, Status.REJECTED}


def order(status: Status = Status.SUBMITTED, quantity: int = 10) -> Order:
    return Order(
        id="d1-entry",
        trade=1,
        slot="sma@EURUSD@M1",
        ticker=Ticker.parse("EURUSD M1"),
        side=Side.BUY,
        kind=Kind.MARKET,
        role=Role.ENTRY,
        quantity=Decimal(quantity),
        created=moment(0),
        status=status,
    )


def fill(quantity: int, number: int = 1) -> Fill:
    return Fill(f"d1-entry.{number}", "d1-entry", Decimal(quantity), Decimal(1), Decimal(0), moment(60))


@given(st.sampled_from(Status), st.sampled_from(Status))
def test_a_step_is_taken_or_is_an_error_and_asking_first_tells_which(start: Status, end: Status) -> None:
    if order(start).may(end):
        assert order(start).step(end).status is end
    else:
        with pytest.raises(IllegalStep, match=start.value):
            order(start).step(end)


@given(st.lists(st.sampled_from(Status), max_size=20))
def test_no_life_goes_on_after_its_end(steps: list[Status]) -> None:
    each = order(Status.NEW)
    for status in steps:
        if each.status in ENDS:
            assert not each.may(status)
        elif each.may(status):
            each = each.step(status)


def test_every_status_but_the_first_can_be_reached() -> None:
    reached, new = {Status.NEW}, {Status.NEW}
    while new:
        new = {to for at in new for to in Status if order(at).may(to)} - reached
        reached |= new
    assert reached == set(Status)


@given(st.lists(st.integers(1, 5), min_size=1, max_size=6))
def test_fills_add_up_and_the_last_one_ends_the_order(parts: list[int]) -> None:
    each = order(quantity=sum(parts))
    for number, part in enumerate(parts):
        assert each.remaining == sum(parts[number:])
        each = each.take(fill(part, number))
    assert each.status is Status.FILLED
    assert each.fills == tuple(f"d1-entry.{number}" for number in range(len(parts)))


@pytest.mark.parametrize("status", [Status.SUBMITTED, Status.UNKNOWN])
def test_a_part_done_proves_that_the_order_works(status: Status) -> None:
    assert order(status).take(fill(4)).status is Status.WORKING


def test_a_part_done_does_not_stop_a_cancellation() -> None:
    assert order(Status.CANCELLING).take(fill(4)).status is Status.CANCELLING
