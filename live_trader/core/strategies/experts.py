"""The long-short strategy: two experts, one or more models on each side, one direction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from live_trader.core.bars import Floats, Window
from live_trader.core.features import Features, Recipe
from live_trader.core.signals import Coefficients, Decision, Direction, Opinion, blend, combine
from live_trader.core.strategies import Rows


class Model(Protocol):
    """Anything that turns a row of features into a probability of class 1."""

    def probability(self, row: Floats) -> float: ...


@dataclass(frozen=True, slots=True)
class Judge:
    """A model and the threshold its probability must exceed to be a yes."""

    model: Model
    threshold: float


@dataclass(frozen=True, slots=True)
class Expert:
    """One side's opinion: a recipe and the models, by name, that read its features."""

    recipe: Recipe
    models: Mapping[str, Judge]


class Experts:
    """Asks both experts of every named model and blends the models' directions."""

    def __init__(self, long: Expert, short: Expert, coefficients: Coefficients) -> None:
        self._coefficients = coefficients
        # One row for both: what both recipes name is computed once.
        steps = list(dict.fromkeys((*long.recipe.steps, *short.recipe.steps)))
        self._features = Features(Recipe(tuple(steps)))
        self._long, self._short = (
            np.array([steps.index(step) for step in each.recipe.steps]) for each in (long, short)
        )
        self._pairs = {name: (long.models[name], short.models[name]) for name in coefficients.models}
        self.memory = self._features.memory

    def decide(self, window: Window) -> Decision:
        """Both rows once, every model's two probabilities, then one direction."""
        return self.judge(window, self.look(window))

    def look(self, window: Window) -> Rows:
        """The long expert's row and the short one's."""
        row = self._features.row(window)
        return row[self._long], row[self._short]

    def judge(self, window: Window, rows: Rows) -> Decision:
        """Every model's two probabilities of these rows, then one direction."""
        long_row, short_row = rows
        opinions = {name: _opinion(pair, long_row, short_row) for name, pair in self._pairs.items()}
        directions: dict[str, Direction] = {name: each.direction for name, each in opinions.items()}
        return Decision(blend(directions, self._coefficients), opinions)

    def prepare(self, window: Window) -> None:
        """Do now, after the answer, what the next bar would otherwise have to pay for."""
        self._features.prepare(window)


def _opinion(pair: tuple[Judge, Judge], long_row: Floats, short_row: Floats) -> Opinion:
    long, short = pair
    buy, sell = long.model.probability(long_row), short.model.probability(short_row)
    return Opinion(buy, sell, combine(buy > long.threshold, sell > short.threshold))
