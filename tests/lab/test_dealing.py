"""Dealing the fast way gives, bar by bar, the trades and the account of a plain loop."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from live_trader.core.bars import Tape, Ticker, Timeframe
from live_trader.core.signals import Coefficients, Direction, blend, combine
from live_trader.errors import BadSettings
from live_trader.lab.dealing import Terms, blended, deal, directions

AUDUSD = Ticker("AUDUSD", Timeframe.M1)


def walk(seed: int, count: int) -> Tape:
    """A random walk as a tape; each bar opens away from the close before it."""
    random = np.random.default_rng(seed)
    close = 100.0 * np.cumprod(1.0 + random.normal(0, 0.01, count))
    opened = close * (1.0 + random.normal(0, 0.005, count))
    high, low = np.maximum(opened, close) * 1.002, np.minimum(opened, close) * 0.998
    return Tape(AUDUSD, 60 * np.arange(count), opened, high, low, close, np.ones(count))


def plain(tape: Tape, signs: list[int], terms: Terms) -> tuple[list[tuple[float, ...]], list[float]]:
    """The loop anybody would write: (entered, exited, side, entry, exit, profit) rows, and the account."""
    trades: list[tuple[float, ...]] = []
    account: list[float] = []
    side, entry, since, banked, wanted = 0, 0.0, 0, 1.0, 0

    def leave(price: float, when: int) -> float:
        out = price * (1.0 - side * terms.spread / 2.0)
        profit = side * (out - entry) / entry - terms.fee * (1.0 + out / entry)
        trades.append((since, when, side, entry, out, profit))
        return profit

    for bar in range(len(tape)):
        if bar >= terms.delay:
            said = signs[bar - terms.delay]
            wanted = said if said or not terms.hold else wanted
        if wanted != side:
            if side:
                banked += leave(float(tape.open[bar]), int(tape.times[bar]))
            side, since = wanted, int(tape.times[bar])
            entry = float(tape.open[bar]) * (1.0 + side * terms.spread / 2.0)
        marked = side * (float(tape.close[bar]) - entry) / entry - terms.fee if side else 0.0
        account.append(banked + marked)
    if side:
        account[-1] = banked + leave(float(tape.close[-1]), int(tape.times[-1]) + 60)
    return trades, account


@given(
    st.lists(st.sampled_from([-1, 0, 0, 0, 1]), min_size=4, max_size=80),
    st.booleans(),
    st.integers(1, 3),
    st.integers(0, 1000),
)
def test_fast_dealing_equals_the_plain_loop(signs: list[int], hold: bool, delay: int, seed: int) -> None:
    tape, terms = walk(seed, len(signs)), Terms(0.002, 0.0005, delay, hold)
    run = deal(tape, np.array(signs, np.int8), terms)
    trades, account = plain(tape, signs, terms)
    ours = [
        (t.entered, t.exited, t.side.sign, pytest.approx(t.entry), pytest.approx(t.exit), t.profit)
        for t in run.trades
    ]
    assert [(*row[:5], pytest.approx(row[5])) for row in ours] == trades
    assert run.equity.values == pytest.approx(np.array(account))


def test_a_signal_is_dealt_at_the_next_open_and_reversed_at_another() -> None:
    tape = walk(1, 6)
    run = deal(tape, np.array([1, 0, -1, 0, 0, 0], np.int8), Terms(0.0, 0.0))
    first, second = run.trades
    assert (first.entered, first.exited, first.reason) == (60, 180, "reversed")
    assert (first.entry, first.exit) == (tape.open[1], tape.open[3])
    assert (second.entered, second.exited, second.exit, second.reason) == (180, 360, tape.close[5], "end")


def test_on_neutral_a_position_is_closed_when_told_so() -> None:
    run = deal(walk(1, 6), np.array([1, 0, 0, -1, 0, 0], np.int8), Terms(hold=False))
    assert [(t.side, t.entered, t.exited, t.reason) for t in run.trades] == [
        (Direction.LONG, 60, 120, "neutral"),
        (Direction.SHORT, 240, 300, "neutral"),
    ]


def test_costs_only_ever_take() -> None:
    tape, signs = walk(2, 200), np.random.default_rng(3).integers(-1, 2, 200).astype(np.int8)
    free, dear = deal(tape, signs, Terms().free), deal(tape, signs, Terms(0.001, 0.001))
    assert len(free.trades) == len(dear.trades) > 20
    assert np.all(dear.trades.profit < free.trades.profit)


def test_without_a_signal_nothing_happens() -> None:
    run = deal(walk(1, 50), np.zeros(50, np.int8), Terms())
    assert len(run.trades) == 0
    assert set(run.equity.values) == {1.0}


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=20), st.floats(0, 1))
def test_directions_are_those_of_the_signal_rule(pairs: list[tuple[float, float]], threshold: float) -> None:
    long, short = np.array(pairs).T
    ours = directions(long, short, threshold, 0.3)
    assert ours.tolist() == [combine(a > threshold, b > 0.3).sign for a, b in pairs]


def test_a_bar_without_probabilities_has_no_direction() -> None:
    assert directions(np.array([np.nan]), np.array([np.nan]), 0.3, 0.3).tolist() == [0]


signs_of_three = st.lists(st.tuples(*[st.sampled_from([-1, 0, 1])] * 3), min_size=1, max_size=30)


@given(signs_of_three, st.tuples(*[st.integers(0, 3)] * 3))
def test_blended_directions_are_those_of_the_portfolio_rule(
    rows: list[tuple[int, ...]], weights: tuple[int, ...]
) -> None:
    names = ("a", "b", "c")
    coefficients = Coefficients(dict(zip(names[:2], weights[:2], strict=True)), {"c": weights[2]})
    signs = {
        name: np.array(column, np.int8) for name, column in zip(names, zip(*rows, strict=True), strict=True)
    }
    of = {direction.sign: direction for direction in Direction}
    plain = [blend({n: of[s] for n, s in zip(names, row, strict=True)}, coefficients).sign for row in rows]
    assert blended(signs, coefficients).tolist() == plain


@pytest.mark.parametrize("wrong", [{"spread": -0.1}, {"fee": 1.0}, {"delay": 0}, {"spread": float("nan")}])
def test_terms_that_are_none_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(BadSettings, match="no terms to deal on"):
        Terms(**wrong)
