"""Honest makers of features pass the check, and each way of being dishonest has its own sentence."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from live_trader.core.bars import Floats, Tape, Ticker, Timeframe
from live_trader.core.features import STRIDE, Recipe, Step, table
from live_trader.core.indicators import REGISTRY
from live_trader.edge.feeds.simulated import Market
from live_trader.errors import BadData
from live_trader.lab.leaks import copies, features

EURUSD = Ticker("EURUSD", Timeframe.M5)


@pytest.fixture(scope="module")
def tape() -> Tape:
    return Tape.of(EURUSD, list(Market(EURUSD, 5).history(1_760_000_400, 8000)))


@pytest.mark.parametrize("name", REGISTRY)
def test_no_indicator_of_the_registry_raises_an_alarm(name: str, tape: Tape) -> None:
    indicator = REGISTRY[name]
    lengths = tuple(length.default for length in indicator.lengths)
    outputs = indicator.outputs if len(indicator.outputs) > 1 else ("",)
    recipe = Recipe(tuple(Step(name, lengths, output) for output in outputs))
    memory = recipe.memory + STRIDE
    newest = tape.cut(len(tape) - memory - 600, len(tape))
    assert features(partial(table, recipe), newest, recipe.columns, memory, cuts=12) == []


def hour(tape: Tape) -> Floats:
    return (tape.times // 3600 % 24).astype(float)[:, None]


def test_the_hour_of_the_day_is_an_honest_feature(tape: Tape) -> None:
    assert features(hour, tape.cut(0, 900), ("hour",), 1) == []


def test_a_constant_column_is_useless_but_no_leak(tape: Tape) -> None:
    assert features(lambda bars: np.ones((len(bars), 1)), tape.cut(0, 900), ("one",), 1) == []


def test_a_leak_is_told_once_with_its_column_and_the_bar_that_shows_it(tape: Tape) -> None:
    def make(bars: Tape) -> Floats:
        follows = np.append(bars.close[1:], np.nan)
        return np.column_stack((bars.close - bars.open, follows))

    (leak,) = features(make, tape.cut(0, 900), ("body", "next"), 1)
    assert str(leak).startswith("feature of next changes at bar ")
    assert "when the bars from" in str(leak)


def test_a_maker_that_answers_for_other_bars_than_it_was_given_is_found(tape: Tape) -> None:
    short = tape.cut(0, 900)
    known = np.column_stack([short.close])
    (leak,) = features(lambda _: known, short, ("close",), 10)
    assert str(leak) == "features answer for 900 bars when given 5"
    (leak,) = features(lambda _: known[:7], short, ("close",), 10)
    assert str(leak) == "features have the shape (7, 1) for 900 bars"


def test_too_few_bars_to_tell_are_an_error_that_says_how_many_are_needed(tape: Tape) -> None:
    with pytest.raises(BadData, match=r"40 bars: too few .* Give at least 136"):
        features(hour, tape.cut(0, 40), ("hour",), 100)


def test_a_column_that_is_the_label_is_told_from_one_that_merely_helps() -> None:
    random = np.random.default_rng(0)
    labels = (random.uniform(size=800) < 0.1).astype(np.int8)
    rows = np.column_stack(
        (labels + random.normal(0, 0.1, 800), labels + random.normal(0, 1.0, 800), -labels)
    )
    labels[-24:] = -1
    found = [leak.column for leak in copies(rows, labels, ("copy", "help", "turned"), "long")]
    assert found == ["copy", "turned"]
