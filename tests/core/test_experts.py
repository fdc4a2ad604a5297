"""Two experts, one or more models each: probabilities against thresholds, then one direction."""

from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from live_trader.core.bars import Window
from live_trader.core.features import STRIDE, Features, Recipe, Step, classic, table
from live_trader.core.signals import Coefficients, Direction
from live_trader.core.strategies.experts import Expert, Experts, Judge
from tests.core.test_features import bits, recipes, windows

LONG, SHORT, NEUTRAL = Direction.LONG, Direction.SHORT, Direction.NEUTRAL


@dataclass
class Says:
    """A model that always thinks the same and keeps the rows it was asked about."""

    probability_: float
    rows: list[np.ndarray] = field(default_factory=list)

    def probability(self, row: np.ndarray) -> float:
        self.rows.append(row)
        return self.probability_


def expert(recipe: Recipe, **models: tuple[float, float]) -> Expert:
    return Expert(recipe, {name: Judge(Says(says), threshold) for name, (says, threshold) in models.items()})


def experts(long: Expert, short: Expert, **positive: float) -> Experts:
    return Experts(long, short, Coefficients(positive, {}))


@pytest.fixture
def window(market) -> Window:
    return Window.ending(market(700), 700, 700)


VOTES = {
    "long alone": (0.31, 0.30, LONG),
    "short alone": (0.30, 0.31, SHORT),
    "neither": (0.30, 0.30, NEUTRAL),
    "both": (0.31, 0.99, NEUTRAL),
    "certain of neither": (0.0, 0.0, NEUTRAL),
    "certain of both": (1.0, 1.0, NEUTRAL),
    "a hair above is a yes": (np.nextafter(0.3, 1), 0.3, LONG),
    "a hair below is a no": (np.nextafter(0.3, 0), np.nextafter(0.3, 1), SHORT),
}


@pytest.mark.parametrize(("long", "short", "wish"), VOTES.values(), ids=VOTES)
def test_a_vote_is_strictly_above_its_threshold(long, short, wish, window):
    """The contract's truth table, with probabilities instead of votes."""
    strategy = experts(expert(classic(), m=(long, 0.3)), expert(classic(), m=(short, 0.3)), m=1)
    decision = strategy.decide(window)
    assert decision.direction is wish
    opinion = decision.opinions["m"]
    assert (opinion.long, opinion.short, opinion.direction) == (long, short, wish)


def test_each_side_and_model_has_its_own_threshold(window):
    """0.4 is a yes here and a no there."""
    long = expert(classic(), a=(0.4, 0.3), b=(0.4, 0.5))
    short = expert(classic(), a=(0.4, 0.5), b=(0.4, 0.3))
    decision = experts(long, short, a=2, b=1).decide(window)
    assert decision.opinions["a"].direction is LONG
    assert decision.opinions["b"].direction is SHORT
    assert decision.direction is LONG


def test_each_side_reads_the_row_of_its_own_recipe(window):
    """Long and short are different experts with different features; each row is made once for all models."""
    first, second = Recipe((Step("rsi", (14,)), Step("bop"))), Recipe((Step("mom", (3,)),))
    long, short = expert(first, a=(0.5, 0.3), b=(0.1, 0.3)), expert(second, a=(0.2, 0.3), b=(0.2, 0.3))
    strategy = experts(long, short, a=1, b=1)
    strategy.decide(window)
    assert strategy.memory == max(first.memory, second.memory) + STRIDE
    for side, recipe in ((long, first), (short, second)):
        rows = [judge.model.rows[0] for judge in side.models.values()]
        assert rows[0] is rows[1]
        assert rows[0].tobytes() == Features(recipe).row(window).tobytes()


@settings(deadline=None, max_examples=40)
@given(data=st.data(), first=recipes, second=recipes)
def test_recipes_that_have_steps_in_common_give_each_side_its_own_bits(markets, data, first, second):
    """The common steps are computed once; the rows are those of each recipe alone."""
    common = Recipe(tuple(dict.fromkeys((*second.steps[::-1], *first.steps[:2]))))
    strategy = experts(expert(first, a=(0.5, 0.3)), expert(common, a=(0.5, 0.3)), a=1)
    tape = data.draw(markets(strategy.memory + 30, strategy.memory + 200))
    tables = table(first, tape), table(common, tape)
    for index, window in enumerate(windows(tape, strategy.memory), strategy.memory - 1):
        rows = strategy.look(window)
        assert [bits(row) for row in rows] == [bits(each[index]) for each in tables]
        strategy.prepare(window)


def test_only_the_models_that_are_named_are_asked(window):
    """The portfolio decides which models of a bundle vote."""
    long = expert(classic(), a=(0.5, 0.3), b=(0.5, 0.3))
    short = expert(classic(), a=(0.1, 0.3), b=(0.1, 0.3))
    decision = Experts(long, short, Coefficients({}, {"b": 1})).decide(window)
    assert decision.direction is SHORT
    assert list(decision.opinions) == ["b"]
    assert long.models["a"].model.rows == []


def test_a_model_that_is_not_there_is_told_at_once():
    """When the strategy is made, not at the first bar."""
    with pytest.raises(KeyError, match=r"missing"):
        experts(expert(classic(), a=(0.5, 0.3)), expert(classic(), a=(0.5, 0.3)), missing=1)


def test_the_same_window_gives_the_same_decision_however_it_got_there(market):
    """Asked bar by bar and prepared, or once by a bot that has just started."""
    tape = market(600, gaps=0.01)
    recipe = classic({"mfi": (60,)})

    def made() -> Experts:
        return experts(expert(recipe, m=(0.5, 0.3)), expert(classic(), m=(0.1, 0.3)), m=1)

    running = made()
    window = Window.ending(tape, running.memory, running.memory)
    for index in range(running.memory, len(tape)):
        window = window.push(tape.bar(index))
        decision = running.decide(window)
        running.prepare(window)
        if index % 50 == 0:
            assert decision == made().decide(window)
