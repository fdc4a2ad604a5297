"""The venue: a market place as a value, for the paper broker and the past alike."""

from decimal import Decimal

from live_trader.core.bars import Bar, Ticker, moment
from live_trader.core.fills import FillAt, Market
from live_trader.core.instruments import Instrument
from live_trader.core.orders import Kind, Order, Role, Side, Status
from live_trader.core.venue import Venue

GOLD = Instrument(symbol="GOLD", currency="USD", tick=Decimal("0.1"), lot=Decimal(1), minimum=Decimal(1))
FREE = Market()


def order(role: Role, side: Side, kind: Kind, price: str | None = None, symbol: str = "GOLD") -> Order:
    return Order(
        id=f"d1-{role.value}",
        trade=1,
        slot="s",
        ticker=Ticker.parse(f"{symbol} M1"),
        side=side,
        kind=kind,
        role=role,
        quantity=Decimal(10),
        created=moment(0),
        price=None if price is None else Decimal(price),
        status=Status.SUBMITTED,
    )


ENTRY = order(Role.ENTRY, Side.BUY, Kind.MARKET)
STOP = order(Role.STOP, Side.SELL, Kind.STOP, "95")
TARGET = order(Role.TARGET, Side.SELL, Kind.LIMIT, "105")


def bar(low: float, high: float) -> Bar:
    return Bar(moment(60), 100.0, high, low, 100.0, 1.0)


def test_a_trade_goes_from_entry_to_target_and_its_stop_waits_until_it_is_cancelled() -> None:
    venue = Venue().submit((ENTRY, STOP, TARGET))
    venue, dealt = venue.pass_bar("GOLD", bar(99, 101), GOLD, FREE)
    assert [each.order for each in dealt] == ["d1-entry"]
    assert venue.held == {1: Decimal(10)}
    venue, dealt = venue.pass_bar("GOLD", bar(99, 106), GOLD, FREE)
    assert [each.order for each in dealt] == ["d1-target"]
    assert venue.held == {}
    assert list(venue.orders) == ["d1-stop"]
    assert venue.pass_bar("GOLD", bar(90, 106), GOLD, FREE)[1] == []
    assert venue.cancel("d1-stop").orders == {}


def test_an_order_sent_twice_is_the_same_order() -> None:
    venue = Venue().submit((ENTRY,)).submit((ENTRY,))
    venue, dealt = venue.pass_bar("GOLD", bar(99, 101), GOLD, FREE)
    assert len(dealt) == 1


def test_a_bar_touches_its_own_symbol_only() -> None:
    venue = Venue().submit((ENTRY,))
    assert venue.pass_bar("SILVER", bar(99, 101), GOLD, FREE) == (venue, [])


def test_a_market_that_deals_at_the_close_does_it_at_once() -> None:
    market = Market(fill_at=FillAt.CLOSE)
    venue = Venue().submit((ENTRY, STOP))
    assert venue.settle("GOLD", 100.0, GOLD, FREE, moment(120)) == (venue, [])
    venue, dealt = venue.settle("GOLD", 100.0, GOLD, market, moment(120))
    assert [(each.order, each.when) for each in dealt] == [("d1-entry", moment(120))]
    assert list(venue.orders) == ["d1-stop"]
