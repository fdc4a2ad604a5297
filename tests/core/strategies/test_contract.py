"""One contract for every strategy, the experts among them: register one, and these tests are its own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from live_trader.core.bars import Tape, Ticker, Timeframe, Window
from live_trader.core.features import Recipe, Step, table
from live_trader.core.signals import Coefficients
from live_trader.core.strategies.experts import Expert, Experts, Judge
from live_trader.core.strategies.registry import STRATEGIES, make

H1 = Timeframe.H1
SMALL: dict[str, dict[str, Any]] = {
    "sma_cross": {"fast": 2, "slow": 4},
    "filtered_cross": {"fast": 2, "slow": 4, "higher": "H4", "trend": 2},
    "ma_rsi": {"short": 2, "long": 8, "oversold": 40, "overbought": 60, "hold": 6},
    "donchian": {"length": 4, "hold": 6},
    "reversal": {"length": 4, "hold": 6},
    "support_resistance": {"length": 8, "hold": 6, "near": 0.25},
    "open_range": {"opens": 120, "minutes": 120, "lasts": 600},
    "volatility": {"part": 0.25},
    "trend_day": {"days": 2, "wide": 0.5},
}
NAMED = pytest.mark.parametrize("name", list(STRATEGIES))
ALL = pytest.mark.parametrize("name", [*STRATEGIES, "experts"])


class Leans:
    """A model that is sure on one side of a figure of its row."""

    def __init__(self, figure: float, sign: int) -> None:
        self._figure, self._sign = figure, sign

    def probability(self, row: Any) -> float:
        return 0.9 if row[0] * self._sign > self._figure * self._sign else 0.1


class Asked:
    """Two experts; over a whole tape they are asked about the table of its features, as training is."""

    def __init__(self) -> None:
        self._recipes = Recipe((Step("roc", (5,)), Step("bop"))), Recipe((Step("mom", (3,)),))
        long = Expert(self._recipes[0], {"m": Judge(Leans(0.5, 1), 0.3)})
        short = Expert(self._recipes[1], {"m": Judge(Leans(-0.5, -1), 0.3)})
        self._experts = Experts(long, short, Coefficients({"m": 1}, {}))
        self.memory, self.decide = self._experts.memory, self._experts.decide
        self.prepare = self._experts.prepare

    def wishes(self, tape: Tape) -> Any:
        rows = zip(*(table(recipe, tape) for recipe in self._recipes), strict=True)
        window = Window.ending(tape, 1, 1)
        signs = [self._experts.judge(window, (long, short)).direction.sign for long, short in rows]
        return np.array(signs, dtype=np.int8)


def small(name: str) -> Any:
    return Asked() if name == "experts" else make(STRATEGIES[name], H1, SMALL.get(name, {}))


def drawn(seed: int, length: int, gaps: float = 0.1, grid: float = 8.0) -> Tape:
    """A random walk of hours on a grid of exact binary fractions, with gaps, week-ends and still bars."""
    random = np.random.default_rng(seed)
    steps = np.where(random.random(length) < gaps, random.integers(1, 60, length), 1)
    times = 3600 * (400_000 + int(random.integers(0, 1000)) + np.cumsum(steps))
    close = 1000 + np.cumsum(random.integers(-12, 13, length) * (random.random(length) < 0.8)) / grid
    open_ = np.concatenate(([1000.0], close[:-1])) + random.integers(-2, 3, length) / grid
    reach = random.integers(0, 9, (2, length)) / grid * (random.random(length) < 0.9)
    high, low = np.maximum(open_, close) + reach[0], np.minimum(open_, close) - reach[1]
    volume = random.integers(0, 3, length).astype(np.float64)
    return Tape(Ticker("X", H1), times, open_, high, low, close, volume)


tapes = st.builds(drawn, st.integers(0, 2**32 - 1), st.just(320), st.sampled_from([0.0, 0.02, 0.3]))


@ALL
@given(tape=tapes)
@settings(max_examples=8, deadline=None)
def test_the_wish_of_a_window_is_the_wish_of_the_tape_at_its_last_bar(name: str, tape: Tape) -> None:
    strategy = small(name)
    wishes = strategy.wishes(tape)
    window = Window.ending(tape, strategy.memory, strategy.memory)
    for at in range(strategy.memory, len(tape)):
        assert strategy.decide(window).direction.sign == wishes[at - 1], at
        window = window.push(tape.bar(at))
        strategy.prepare(window)


@ALL
@given(tape=tapes, cut=st.integers(1, 319))
@settings(max_examples=10, deadline=None)
def test_cutting_the_future_off_changes_nothing(name: str, tape: Tape, cut: int) -> None:
    strategy = small(name)
    assert np.array_equal(strategy.wishes(tape.cut(0, cut)), strategy.wishes(tape)[:cut])


@ALL
@given(tape=tapes, start=st.integers(1, 150))
@settings(max_examples=10, deadline=None)
def test_a_wish_remembers_no_further_back_than_it_says(name: str, tape: Tape, start: int) -> None:
    strategy = small(name)
    later = strategy.wishes(tape.cut(start, len(tape)))
    settled = strategy.memory - 1
    assert np.array_equal(later[settled:], strategy.wishes(tape)[start + settled :])


@ALL
def test_a_tape_is_only_read(name: str) -> None:
    tape = drawn(1, 320)
    for column in (tape.times, tape.open, tape.high, tape.low, tape.close, tape.volume):
        column.setflags(write=False)
    strategy = small(name)
    first = strategy.wishes(tape)
    assert first.dtype == np.int8
    assert len(first) == len(tape)
    assert np.array_equal(first, strategy.wishes(tape))


@ALL
def test_every_strategy_wishes_both_sides_now_and_then(name: str) -> None:
    strategy = small(name)
    wishes = strategy.wishes(drawn(3, 4000))[strategy.memory :]
    assert set(np.unique(wishes)) >= {-1, 1}


@NAMED
@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=8, deadline=None)
def test_a_market_upside_down_is_wished_for_upside_down(name: str, seed: int) -> None:
    tape, strategy = drawn(seed, 320), small(name)
    over = Tape(
        tape.ticker,
        tape.times,
        2000 - tape.open,
        2000 - tape.low,
        2000 - tape.high,
        2000 - tape.close,
        tape.volume,
    )
    settled = slice(strategy.memory - 1, None)
    assert np.array_equal(strategy.wishes(over)[settled], -strategy.wishes(tape)[settled])


@NAMED
@pytest.mark.parametrize("timeframe", [Timeframe.M1, Timeframe.M15, Timeframe.D1])
def test_a_strategy_is_made_for_any_timeframe_with_its_own_figures(name: str, timeframe: Timeframe) -> None:
    settings_ = {"higher": "D1"} if name == "filtered_cross" else {}
    strategy = make(STRATEGIES[name], timeframe, settings_)
    assert strategy.memory >= 2
    assert (type(strategy).__doc__ or "").endswith(("\n    ", "."))
