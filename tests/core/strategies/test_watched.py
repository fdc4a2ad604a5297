"""Experts under watch: held while their features have moved too far, and the same whoever asks, and when."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from live_trader.core.bars import Tape, Ticker, Timeframe, Window
from live_trader.core.bots import Bot, decide, signals
from live_trader.core.drift import Tolerance, Usual, period
from live_trader.core.features import Features, Recipe, table
from live_trader.core.signals import Coefficients, Direction, Signal
from live_trader.core.strategies.experts import Expert, Experts, Judge
from live_trader.core.strategies.watched import Watched
from live_trader.errors import BadData

RECIPE = Recipe.of([["bop", []], ["roc", [10]], ["natr", [14]]])
TOLERANCE = Tolerance(0.25, 220)


@dataclass
class Says:
    """A model that tells how far the market went."""

    sign: int

    def probability(self, row: np.ndarray) -> float:
        return float(1 / (1 + np.exp(-self.sign * row[1])))


def calm_then_wild(market, seed: int, ticker: Ticker, gaps: float) -> tuple[Tape, Usual]:
    """A market whose swings become thirty times as large and then as small again; what it was before."""
    parts = [market(each, seed=seed + at, gaps=gaps, swing=swing, ticker=ticker, tick=None)
             for at, (each, swing) in enumerate(((1300, 1e-4), (500, 3e-3), (700, 1e-4)))]  # fmt: skip
    columns = [np.concatenate([getattr(each, name) for each in parts])
               for name in ("open", "high", "low", "close", "volume")]  # fmt: skip
    steps = np.concatenate(
        [np.diff(each.times, prepend=each.times[0] - ticker.timeframe.seconds) for each in parts]
    )
    times = parts[0].times[0] + np.cumsum(steps)
    tape = Tape(ticker, times.astype(np.int64), *columns)
    return tape, Usual("long", RECIPE, table(RECIPE, tape)[600:1300:11])


def watched(usual: Usual, ticker: Ticker) -> Watched:
    expert = Expert(RECIPE, {"m": Judge(Says(1), 0.5)})
    against = Expert(RECIPE, {"m": Judge(Says(-1), 0.5)})
    made = Experts(expert, against, Coefficients({"m": 1.0}, {}))
    return Watched(made, [usual], TOLERANCE, ticker)


def told(strategy: Watched, tape: Tape, start: int, stop: int) -> list[Signal]:
    """What a bot says that begins at one bar and ends before another, prepared as a worker prepares."""
    bot, window = Bot("b", tape.ticker, strategy, "v"), Window.ending(tape, strategy.memory, start)
    said = []
    for at in range(start, stop):
        window = window.push(tape.bar(at))
        said.append(decide(bot, window))
        strategy.prepare(window)
    return said


@given(
    seed=st.integers(0, 1000),
    gaps=st.sampled_from([0.0, 0.02]),
    timeframe=st.sampled_from([Timeframe.S1, Timeframe.M1, Timeframe.H4]),
    data=st.data(),
)
@settings(max_examples=6, deadline=None)
def test_live_a_restart_and_the_past_hold_the_same_bars(market, seed, gaps, timeframe, data):
    """Live with every preparation, begun anew at any bar, and asked about any one window alone."""
    ticker = Ticker("AUDUSD", timeframe)
    tape, usual = calm_then_wild(market, seed, ticker, gaps)
    strategy = watched(usual, ticker)
    start, stop = strategy.memory, strategy.memory + 900
    live = told(strategy, tape, start, stop)
    assert {bool(each.held) for each in live} == {True, False}
    restarted = data.draw(st.integers(start, stop - 20))
    assert told(watched(usual, ticker), tape, restarted, restarted + 20) == live[restarted - start :][:20]
    fresh = watched(usual, ticker)
    past = list(
        signals(
            Bot("b", ticker, fresh, "v"),
            Window.ending(tape, fresh.memory, start),
            tape.cut(start, stop).bars(),
        )
    )
    assert past == live
    strange = watched(usual, ticker)
    for at in data.draw(st.lists(st.integers(start, stop - 1), min_size=1, max_size=4)):
        assert (
            decide(Bot("b", ticker, strange, "v"), Window.ending(tape, strange.memory, at + 1))
            == live[at - start]
        )


def test_what_is_held_wants_nothing_says_why_and_keeps_its_opinions(market):
    """In the wild part it is held at the beginning of a period and let go of at the beginning of one."""
    ticker = Ticker("AUDUSD", Timeframe.M1)
    tape, usual = calm_then_wild(market, 3, ticker, 0.0)
    strategy = watched(usual, ticker)
    live = told(strategy, tape, strategy.memory, len(tape) - 1)
    bare = watched(usual, ticker)._strategy
    held = [each for each in live if each.held]
    assert 200 < len(held) < 1000
    for each, at in zip(live, range(strategy.memory, len(tape)), strict=False):
        plain = bare.decide(Window.ending(tape, bare.memory, at + 1))
        assert each.opinions == plain.opinions
        assert each.direction is (Direction.NEUTRAL if each.held else plain.direction)
    assert any(bare.decide(Window.ending(tape, bare.memory, at + 1)).direction is not Direction.NEUTRAL
               for at in range(1500, 1540))  # fmt: skip
    assert held[0].held.startswith(
        "drift: 2 of 3 features moved by more than 0.25 (PSI) in the 220 bars before "
    )
    turns = [each.opened for before, each in pairwise(live) if before.held != each.held]
    assert turns
    assert all(int(each.timestamp()) % period(Timeframe.M1) == 0 for each in turns)


def test_a_window_too_short_to_tell_is_refused(market):
    ticker = Ticker("AUDUSD", Timeframe.M1)
    tape, usual = calm_then_wild(market, 3, ticker, 0.0)
    strategy = watched(usual, ticker)
    assert strategy.memory > Features(RECIPE).memory
    with pytest.raises(BadData, match="too short"):
        strategy.decide(Window.ending(tape, 250, 900))
