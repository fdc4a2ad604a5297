"""The paper broker: it deals as the market model does, remembers everything, and errs only when asked to."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from live_trader.core.bars import Bar, Ticker, moment
from live_trader.core.events import Accepted, Cancelled, Filled, Rejected
from live_trader.core.fills import FillAt, Market
from live_trader.core.instruments import Instrument
from live_trader.core.orders import Kind, Order, Role, Side, Status
from live_trader.core.venue import Venue
from live_trader.edge.brokers.mischief import Mischief
from live_trader.edge.brokers.paper import Paper
from live_trader.errors import Unknown

TICKER = Ticker.parse("EURUSD M1")
EURUSD = Instrument(symbol="EURUSD", currency="USD", tick=Decimal("0.01"), lot=Decimal(1), minimum=Decimal(1))
START = 1_760_000_040
MARKET = Market(slippage=0.001, fee_rate=Decimal("0.001"))
Make = Callable[..., Paper]


def bar(index: int, low: float = 99.0, high: float = 101.0, open: float = 100.0) -> Bar:
    return Bar(moment(START + 60 * index), open, high, low, open, 10.0)


def order(
    trade: int, role: Role, kind: Kind, side: Side, price: str | None = None, quantity: int = 10
) -> Order:
    return Order(
        id=f"d{trade}-{role.value}",
        trade=trade,
        slot="trader@EURUSD@M1",
        ticker=TICKER,
        side=side,
        kind=kind,
        role=role,
        quantity=Decimal(quantity),
        created=moment(START),
        price=None if price is None else Decimal(price),
        status=Status.SUBMITTED,
    )


def bracket(trade: int = 1, stop: str = "98", target: str = "103") -> tuple[Order, ...]:
    return (
        order(trade, Role.ENTRY, Kind.MARKET, Side.BUY),
        order(trade, Role.STOP, Kind.STOP, Side.SELL, stop),
        order(trade, Role.TARGET, Kind.LIMIT, Side.SELL, target),
    )


@pytest.fixture
def paper(tmp_path: Path) -> Make:
    def make(market: Market = MARKET, **mischief: Any) -> Paper:
        return Paper(tmp_path, lambda _: EURUSD, market, Mischief(**mischief))

    return make


def statement(broker: Paper, after: int = 0) -> list[Any]:
    found = []
    while line := broker.answer(after):
        after = line.number
        found.append(line.event)
    return found


def test_it_deals_exactly_as_the_venue_of_the_back_test(paper: Make) -> None:
    broker, venue = paper(), Venue().submit(bracket())
    broker.submit(bracket())
    expected = []
    for each in (bar(0), bar(1, low=97.0), bar(2)):
        broker.see("EURUSD", each)
        venue, dealt = venue.pass_bar("EURUSD", each, EURUSD, MARKET)
        expected += dealt
    assert [each.fill for each in statement(broker) if isinstance(each, Filled)] == expected
    assert len(expected) == 2
    assert broker.working().keys() == venue.orders.keys()
    assert broker.holdings() == {}


def test_the_same_order_and_the_same_bar_twice_are_once(paper: Make) -> None:
    broker = paper()
    for _ in range(2):
        broker.submit(bracket())
        broker.see("EURUSD", bar(0))
        broker.see("EURUSD", bar(0))
    fills = [each for each in statement(broker) if isinstance(each, Filled)]
    assert len(fills) == 1
    assert broker.holdings() == {"EURUSD": Decimal(10)}
    assert [type(each) for each in statement(broker)] == [Accepted, Accepted, Accepted, Filled]


def test_closed_and_opened_again_it_goes_on_where_it_was(paper: Make) -> None:
    first = paper()
    first.submit(bracket())
    first.see("EURUSD", bar(0))
    before = (statement(first), dict(first.working()), dict(first.holdings()))
    first.close()
    second = paper()
    assert (statement(second), dict(second.working()), dict(second.holdings())) == before
    second.see("EURUSD", bar(1, high=104.0))
    assert second.holdings() == {}
    assert isinstance(statement(second)[-1], Filled)


def test_a_cancelled_order_works_no_more_and_one_that_is_over_stays_so(paper: Make) -> None:
    broker = paper()
    broker.submit(bracket())
    broker.cancel("d1-target")
    broker.cancel("d1-target")
    broker.see("EURUSD", bar(0))
    broker.cancel("d1-entry")
    assert [each.order for each in statement(broker) if isinstance(each, Cancelled)] == ["d1-target"]
    assert broker.holdings() == {"EURUSD": Decimal(10)}


def test_market_orders_are_done_at_once_when_it_is_told_to_settle(paper: Make) -> None:
    broker = paper(Market(fill_at=FillAt.CLOSE))
    broker.submit(bracket())
    broker.settle({"EURUSD": 100.5}, moment(START))
    (fill,) = [each.fill for each in statement(broker) if isinstance(each, Filled)]
    assert (fill.price, fill.when) == (Decimal("100.5"), moment(START))


def test_rejections_delays_and_lost_answers_come_on_demand(paper: Make) -> None:
    broker = paper(rejected=1.0)
    broker.submit(bracket())
    assert {type(each) for each in statement(broker)} == {Rejected}
    assert broker.working() == {}


def test_a_delayed_order_is_worked_only_after_its_bars(paper: Make) -> None:
    broker = paper(delayed=1.0, delay_bars=2)
    broker.submit(bracket()[:1])
    for index in range(2):
        broker.see("EURUSD", bar(index))
        assert broker.holdings() == {}
    broker.close()
    broker = paper(delayed=1.0, delay_bars=2)
    broker.see("EURUSD", bar(2))
    assert broker.holdings() == {"EURUSD": Decimal(10)}


def test_an_answer_that_never_came_is_told_when_asked_for(paper: Make) -> None:
    broker = paper(unanswered=1.0)
    with pytest.raises(Unknown):
        broker.submit(bracket())
    assert statement(broker) == []
    for each in bracket():
        broker.inquire(each.id, moment(START))
    told = {each.order: type(each) for each in statement(broker)}
    assert told.keys() == {each.id for each in bracket()}
    assert {name for name, kind in told.items() if kind is Accepted} == broker.working().keys()
    with pytest.raises(Unknown):
        broker.submit(bracket())
    assert len(statement(broker)) == 3


@settings(max_examples=15)
@given(seed=st.integers(0, 1000), share=st.floats(0, 0.9))
def test_fills_in_parts_add_up_and_repeat_for_the_same_seed(
    tmp_path_factory: pytest.TempPathFactory, seed: int, share: float
) -> None:
    runs = []
    for _ in range(2):
        folder = tmp_path_factory.mktemp("paper")
        broker = Paper(folder, lambda _: EURUSD, MARKET, Mischief(seed=seed, partial=share))
        broker.submit(bracket(stop="50", target="150"))
        for index in range(40):
            broker.see("EURUSD", bar(index))
        fills = [each.fill for each in statement(broker) if isinstance(each, Filled)]
        assert sum(each.quantity for each in fills) == Decimal(10)
        assert len({each.id for each in fills}) == len(fills)
        runs.append(fills)
        broker.close()
    assert runs[0] == runs[1]


def test_a_stop_never_closes_more_than_a_part_filled_entry_holds(paper: Make) -> None:
    broker = paper(partial=1.0, seed=4)
    broker.submit(bracket())
    for index in range(12):
        broker.see("EURUSD", bar(index, low=90.0, high=110.0))
        assert broker.holdings().get("EURUSD", Decimal(0)) >= 0
