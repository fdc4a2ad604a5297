"""Instruments: the grid of ticks, whole lots, and what cannot be traded at all."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from live_trader.core.instruments import Instrument, cents
from live_trader.errors import BadSettings

FACTS = {
    "symbol": "EURUSD",
    "currency": "USD",
    "tick": Decimal("0.00001"),
    "lot": Decimal(1000),
    "minimum": Decimal(1000),
}
EURUSD = Instrument(**FACTS)


@given(st.integers(1, 10**7))
def test_a_price_written_on_the_grid_comes_back_to_the_last_digit(ticks: int) -> None:
    price = EURUSD.tick * ticks
    assert EURUSD.price(float(price)) == price


@given(st.floats(1e-4, 1e5), st.sampled_from(["0.05", "0.25", "1", "0.00001", "0.001"]))
def test_a_price_is_the_nearest_one_on_the_grid(value: float, tick: str) -> None:
    instrument = Instrument(**{**FACTS, "tick": Decimal(tick)})
    price = instrument.price(value)
    assert price % instrument.tick == 0
    assert abs(price - Decimal(value)) <= instrument.tick * Decimal("0.500001")


@given(st.decimals(0, 10**9, places=3))
def test_whole_lots_are_the_most_that_fit(quantity: Decimal) -> None:
    whole = EURUSD.whole(quantity)
    assert whole % EURUSD.lot == 0
    assert whole <= quantity < whole + EURUSD.lot


@pytest.mark.parametrize("name", ["tick", "lot", "minimum", "multiplier"])
@pytest.mark.parametrize("value", ["0", "-1", "NaN", "Infinity"])
def test_an_instrument_without_a_usable_figure_is_refused_by_its_name(name: str, value: str) -> None:
    with pytest.raises(BadSettings, match=name):
        Instrument(**{**FACTS, name: Decimal(value)})


def test_a_maximum_below_the_minimum_is_refused() -> None:
    with pytest.raises(BadSettings, match="maximum"):
        Instrument(**FACTS, maximum=Decimal(999))


def test_a_pair_adds_to_the_exposure_of_both_its_currencies() -> None:
    assert EURUSD.currencies == ("USD",)
    assert Instrument(**FACTS, base="EUR").currencies == ("EUR", "USD")


def test_bookings_are_rounded_half_even_at_the_eighth_place() -> None:
    assert cents(Decimal("1.000000005")) == Decimal("1.00000000")
    assert cents(Decimal("1.000000015")) == Decimal("1.00000002")
