"""The 28 classic features against formulas written again, in plain loops and exact fractions."""

from fractions import Fraction
from math import ceil, log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from live_trader.core.bars import Bar, Tape
from live_trader.core.indicators import Columns, find


def avgprice(bars):
    o, h, lo, c = prices(bars[-1])
    return ((o + h + lo + c) / 4 - c) / c


def medprice(bars):
    _, h, lo, c = prices(bars[-1])
    return ((h + lo) / 2 - c) / c


def typprice(bars):
    _, h, lo, c = prices(bars[-1])
    return ((h + lo + c) / 3 - c) / c


def wclprice(bars):
    _, h, lo, c = prices(bars[-1])
    return ((h + lo + 2 * c) / 4 - c) / c


def trange(bars):
    before, bar = bars[-2:]
    return max(bar.high - bar.low, abs(bar.high - before.close), abs(bar.low - before.close))


def bop(bars):
    o, h, lo, c = prices(bars[-1])
    return (c - o) / (h - lo) if h > lo else 0


def eom(bars, x):
    total = Fraction(0)
    for before, bar in steps(bars, x):
        if bar.volume > 0:
            moved = Fraction(bar.high) - Fraction(before.high) + Fraction(bar.low) - Fraction(before.low)
            total += moved * (Fraction(bar.high) - Fraction(bar.low)) / (2 * Fraction(bar.volume)) * 10**8
    return total / x


def above_its_band(bars, x, sign):
    closes = [Fraction(bar.close) for bar in bars[-x:]]
    mean = sum(closes) / x
    variance = sum((close - mean) ** 2 for close in closes) / x
    beyond = sign * (closes[-1] - mean) - closes[-1] / 10**9
    return 1 if beyond > 0 and beyond**2 > 4 * variance else 0


def bhi(bars, x):
    return above_its_band(bars, x, 1)


def bli(bars, x):
    return above_its_band(bars, x, -1)


def dchi(bars, x):
    return 1 if max(bar.high for bar in bars[-x - 1 : -1]) <= bars[-1].high else 0


def dcli(bars, x):
    return 1 if min(bar.low for bar in bars[-x - 1 : -1]) >= bars[-1].low else 0


def vip(bars, x):
    moved = sum(abs(Fraction(bar.high) - Fraction(before.low)) for before, bar in steps(bars, x))
    return ratio(moved, ranges(bars, x))


def vin(bars, x):
    moved = sum(abs(Fraction(bar.low) - Fraction(before.high)) for before, bar in steps(bars, x))
    return ratio(moved, ranges(bars, x))


def mfi(bars, x):
    inward = outward = Fraction(0)
    for before, bar in steps(bars, x):
        typical, previous = ((each.high + each.low + each.close) / 3 for each in (bar, before))
        flow = Fraction(typical) * Fraction(bar.volume)
        if typical > previous:
            inward += flow
        elif typical < previous:
            outward += flow
    return 100 * ratio(inward, inward + outward)


def stoch_k(bars, x):
    highest, lowest = max(bar.high for bar in bars[-x:]), min(bar.low for bar in bars[-x:])
    return 100 * (bars[-1].close - lowest) / (highest - lowest) if highest > lowest else 0


def midpoint(bars, x):
    closes = [bar.close for bar in bars[-x:]]
    return ((max(closes) + min(closes)) / 2 - closes[-1]) / closes[-1]


def midprice(bars, x):
    middle = (max(bar.high for bar in bars[-x:]) + min(bar.low for bar in bars[-x:])) / 2
    return (middle - bars[-1].close) / bars[-1].close


def aroondown(bars, x):
    since = min(range(x + 1), key=lambda back: (bars[-1 - back].low, back))
    return 100 * (x - since) / x


def aroonup(bars, x):
    since = min(range(x + 1), key=lambda back: (-bars[-1 - back].high, back))
    return 100 * (x - since) / x


def aroonosc(bars, x):
    return aroonup(bars, x) - aroondown(bars, x)


def mom(bars, x):
    return bars[-1].close - bars[-1 - x].close


def roc(bars, x):
    return 100 * (bars[-1].close / bars[-1 - x].close - 1)


def ind1(bars, x):
    return (bars[-1].close - bars[-1 - x].open) / bars[-1 - x].open


def ind4(bars, x):
    return log(bars[-1].close / bars[-1 - x].close)


def ind6(bars, x):
    halves = np.array_split([bar.close for bar in bars[-x:]], 2)
    energy = [sum(Fraction(close) ** 2 for close in half) for half in halves]
    return energy[1] / sum(energy)


def ind7(bars, x):
    closes = [Fraction(bar.close) for bar in bars[-x:]]
    gathered = Fraction(0)
    for count, close in enumerate(closes, 1):
        gathered += close
        if gathered >= sum(closes) * (Fraction(1, 2) - Fraction(1, 10**9)):
            return count / x
    raise AssertionError


def ind8(bars, x):
    if x <= 4:
        return 0
    c = [Fraction(bar.close) for bar in bars[-x:]]
    terms = [c[i + 4] ** 2 * c[i + 2] - c[i + 2] * c[i] ** 2 for i in range(x - 4)]
    return sum(terms) / len(terms)


def stochf_k(bars, fastk, fastd):
    return stoch_k(bars, fastk)


def prices(bar: Bar) -> tuple[float, float, float, float]:
    return bar.open, bar.high, bar.low, bar.close


def steps(bars, x):
    """The last x bars, each with the one before it."""
    return list(zip(bars[-x - 1 : -1], bars[-x:], strict=True))


def ranges(bars, x) -> Fraction:
    return sum(
        max(Fraction(bar.high), Fraction(before.close)) - min(Fraction(bar.low), Fraction(before.close))
        for before, bar in steps(bars, x)
    )


def ratio(part, whole):
    return part / whole if whole else Fraction(0)


PLAIN = [avgprice, medprice, typprice, wclprice, trange, bop]
SPAN = [eom, bhi, bli, dchi, dcli, vip, vin, mfi, stoch_k, midpoint, midprice, aroondown, aroonup, aroonosc]
SPAN += [mom, roc, ind1, ind4, ind6, ind7, ind8]
CASES = [(formula, ()) for formula in PLAIN]
CASES += [(formula, (x,)) for formula in SPAN for x in (2, 3, 5, 14, 52)]
CASES += [(stochf_k, lengths) for lengths in ((1, 1), (5, 3), (14, 3), (3, 28))]
MARKETS = {
    "a currency": {"price": 1.1, "swing": 1e-4, "flat": 0.1},
    "an idle one, tick by tick": {"price": 1.1, "swing": 1e-5, "flat": 0.8, "silent": 0.9},
    "a coin": {"price": 4e4, "swing": 3e-3, "silent": 0.05},
    "a tiny coin": {"price": 1e-6, "swing": 1e-2},
}


@pytest.mark.parametrize("of", MARKETS.values(), ids=MARKETS)
@pytest.mark.parametrize(
    ("formula", "lengths"), CASES, ids=lambda value: getattr(value, "__name__", str(value))
)
def test_it_equals_the_plain_formula(formula, lengths, of, market):
    """At 40 places of four kinds of market, to a billionth of the largest value."""
    tape: Tape = market(400, seed=7, **of)
    (made,) = find(formula.__name__).batch(Columns.of(tape), *lengths)
    bars = list(tape.bars())
    places = range(80, 400, 8)
    wanted = np.array([float(formula(bars[: place + 1], *lengths)) for place in places])
    assert np.abs(made[places] - wanted).max() <= 1e-9 * np.abs(wanted).max(initial=0.0)


@given(price=st.floats(1e-6, 1e6), tick=st.floats(1e-6, 0.1))
def test_a_close_exactly_on_its_band_is_not_beyond_it(price, tick):
    """One close of five away from the rest lies on two deviations precisely; rounding must not decide."""
    for moved, side in ((price * (1 + tick), bhi), (price * (1 - tick), bli)):
        closes = np.array([price] * 7 + [moved])
        (made,) = find(side.__name__).batch(Columns(closes, closes, closes, closes, closes), 5)
        assert made[-1] == 0.0


@given(price=st.floats(1e-6, 1e6), length=st.integers(2, 300))
def test_a_still_market_gathers_half_of_its_sum_half_way(price, length):
    """Of n equal closes, n / 2 rounded up hold half, whatever rounding does to their sums."""
    closes = np.full(length + 50, price)
    (made,) = find("ind7").batch(Columns(closes, closes, closes, closes, closes), length)
    assert set(made[length - 1 :]) == {ceil(length / 2) / length}
