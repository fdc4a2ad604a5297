"""How one ticker is taught: the target, the recipe search and the model families, as the steps of a walk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from live_trader.core import targets
from live_trader.core.bars import Floats, Tape
from live_trader.core.features import STRIDE, Recipe, table
from live_trader.lab import families, search
from live_trader.lab.evidence import Fitted, Labels, Side
from live_trader.lab.spans import Span


@dataclass(frozen=True, slots=True)
class Course:
    """Every choice that decides what is learnt from given bars; it travels to other processes as it is."""

    families: tuple[str, ...] = ("lightgbm", "gbc", "rf")
    target: str = "extremes"
    target_settings: Mapping[str, Any] = field(default_factory=dict)
    indicators: tuple[str, ...] = search.NAMES
    embargo: int = 24
    setup: Mapping[str, Any] = field(default_factory=dict)
    compare: Mapping[str, Any] = field(default_factory=dict)

    @property
    def horizon(self) -> int:
        """How many bars after its own a label may depend on."""
        return targets.target(self.target, self.target_settings).horizon

    @property
    def warm_up(self) -> int:
        """How many bars must stand before the first one that can teach."""
        return search.memory(self.indicators) + STRIDE

    @property
    def unscored(self) -> Course:
        """The same course without the cross-validation that only serves to choose between models."""
        return replace(self, compare={**self.compare, "cross_validation": False})

    @property
    def searching(self) -> str:
        """All that a search depends on besides bars and labels."""
        return repr(("search", self.indicators))

    def fitting(self, family: str) -> str:
        """All that the fit of a family depends on besides its rows and labels."""
        return repr(("fit", type(self), family, self.horizon, self.embargo, self.setup, self.compare))

    def label(self, tape: Tape) -> Mapping[Side, Labels]:
        """The label of every bar; the last `horizon` bars are UNSETTLED."""
        return targets.target(self.target, self.target_settings).label(tape)

    def search(self, tape: Tape, span: Span, labels: Mapping[Side, Labels]) -> Mapping[Side, Recipe]:
        """The recipe of each side, chosen from the bars before `span.stop` only."""
        chosen = search.search(tape, span, labels, self.indicators)
        return {side: search.recipe(choices) for side, choices in chosen.items()}

    def table(self, recipe: Recipe, tape: Tape) -> Floats:
        """One row of features per bar, the same bits as live."""
        return table(recipe, tape)

    def fit(self, family: str, columns: tuple[str, ...], rows: Floats, labels: Labels) -> Fitted:
        """A model of this family, fitted on these rows alone."""
        apart = self.horizon + self.embargo
        return families.fit(
            family, columns, rows, labels, apart=apart, setup=self.setup, compare=self.compare
        )
