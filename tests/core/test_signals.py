"""Two votes make one wish and many models one direction: every case there is."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from live_trader.core.bars import Ticker, Timeframe
from live_trader.core.signals import Coefficients, Direction, Opinion, Signal, blend, combine

LONG, SHORT, NEUTRAL = Direction.LONG, Direction.SHORT, Direction.NEUTRAL

WISHES = {(True, False): LONG, (False, True): SHORT, (True, True): NEUTRAL, (False, False): NEUTRAL}


@pytest.mark.parametrize(("votes", "wish"), WISHES.items())
def test_two_votes_make_one_wish(votes, wish):
    """Long alone is long, short alone is short, agreement either way is no opinion."""
    assert combine(*votes) is wish


def test_each_direction_has_its_sign():
    assert [direction.sign for direction in (LONG, SHORT, NEUTRAL)] == [1, -1, 0]


@pytest.mark.parametrize("direction", Direction)
def test_one_model_gives_its_own_direction(direction):
    """Whatever its weight; against it in the negative group; twice is a tie."""
    opposite = {LONG: SHORT, SHORT: LONG, NEUTRAL: NEUTRAL}[direction]
    for weight in (1, 0.5, 1e-12, 1e12):
        assert blend({"a": direction}, Coefficients({"a": weight}, {})) is direction
        assert blend({"a": direction}, Coefficients({}, {"a": weight})) is opposite
        assert blend({"a": direction}, Coefficients({"a": weight}, {"a": weight})) is NEUTRAL


TWO = {
    (LONG, LONG): (LONG, NEUTRAL),
    (LONG, SHORT): (NEUTRAL, LONG),
    (LONG, NEUTRAL): (LONG, LONG),
    (SHORT, LONG): (NEUTRAL, SHORT),
    (SHORT, SHORT): (SHORT, NEUTRAL),
    (SHORT, NEUTRAL): (SHORT, SHORT),
    (NEUTRAL, LONG): (LONG, SHORT),
    (NEUTRAL, SHORT): (SHORT, LONG),
    (NEUTRAL, NEUTRAL): (NEUTRAL, NEUTRAL),
}


@pytest.mark.parametrize(("directions", "wishes"), TWO.items())
def test_two_models_of_equal_weight(directions, wishes):
    """All nine pairs: both voting for, and the second voting against."""
    voted = dict(zip("ab", directions, strict=True))
    both, against = Coefficients({"a": 1, "b": 1}, {}), Coefficients({"a": 1}, {"b": 1})
    assert (blend(voted, both), blend(voted, against)) == wishes


def exact(voted: dict[str, Direction], coefficients: Coefficients) -> Direction:
    """The same in fractions, of weights as they are written."""
    sums = [
        sum(Fraction(str(weight)) * voted[name].sign for name, weight in group.items())
        for group in (coefficients.positive, coefficients.negative)
    ]
    votes = sums[0] - sums[1]
    return LONG if votes > 0 else SHORT if votes < 0 else NEUTRAL


def test_three_models_in_every_grouping():
    """27 directions, 4 places for each model, 3 weights for each: 46,656 cases."""
    weights = (0.1, 0.2, 0.3)
    for directions in product(Direction, repeat=3):
        voted = dict(zip("abc", directions, strict=True))
        for places in product(range(4), repeat=3):
            for each in product(weights, repeat=3):
                named = list(zip("abc", places, each, strict=True))
                coefficients = Coefficients(
                    {name: weight for name, place, weight in named if place & 1},
                    {name: weight for name, place, weight in named if place & 2},
                )
                assert blend(voted, coefficients) is exact(voted, coefficients)


@given(data=st.data())
def test_a_tie_of_decimal_weights_is_a_tie(data):
    """However many models and however the weights are written, to four places."""
    weights = st.integers(1, 30_000).map(lambda n: n / 10_000)
    groups = st.dictionaries(st.sampled_from("abcdefgh"), weights)
    coefficients = Coefficients(data.draw(groups), data.draw(groups))
    voted = {name: data.draw(st.sampled_from(Direction)) for name in coefficients.models}
    assert blend(voted, coefficients) is exact(voted, coefficients)


def test_no_models_want_nothing():
    assert blend({}, Coefficients({}, {})) is NEUTRAL


def test_a_model_that_is_named_but_silent_is_a_fault():
    """Absent is not neutral."""
    with pytest.raises(KeyError, match=r"b"):
        blend({"a": LONG}, Coefficients({"a": 1}, {"b": 1}))


def test_models_are_named_once_in_their_order():
    assert Coefficients({"b": 1, "a": 2}, {"c": 1, "a": 1}).models == ("b", "a", "c")


def test_a_signal_is_known_by_bot_ticker_and_bar():
    """And by being a shadow; what it says is not part of its key."""
    opened, ticker = datetime(2024, 3, 1, tzinfo=UTC), Ticker("AUDUSD", Timeframe.M1)
    one = Signal("id", ticker, opened, LONG, {"m": Opinion(0.4, 0.1, LONG)}, "v1")
    other = Signal("id", ticker, opened, SHORT, {}, "v2", late=True)
    assert one.key == other.key
    assert one != other
    assert one.key != replace(one, bot="another").key
    assert one.key != replace(one, opened=opened + timedelta(minutes=1)).key
    assert one.key != replace(one, ticker=Ticker("AUDUSD", Timeframe.H1)).key
    assert one.key != replace(one, shadow=True).key
