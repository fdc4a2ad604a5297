"""What training hands the judge: out-of-sample probabilities, and the steps by which to make them again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from live_trader.core import targets
from live_trader.core.bars import Floats, Tape
from live_trader.core.features import Recipe
from live_trader.lab.spans import Span

Side = targets.Side
SIDES: tuple[Side, ...] = ("long", "short")

Labels = targets.Labels
POINT, PLAIN, UNSETTLED = targets.POINT, targets.PLAIN, targets.UNSETTLED

Predict = Callable[[Floats], Floats]
Probabilities = Mapping[Side, Mapping[str, Floats]]


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """A model fitted on one span: its name, its answers, its cross-validated score, what its columns weigh.

    `pipeline` is the library's own object, to be pickled; `importance` adds up to one.
    """

    name: str
    predict: Predict
    score: float
    importance: Mapping[str, float]
    pipeline: object


class Steps(Protocol):
    """Training as four functions of the past; a leak is one of them that looks at what it should not."""

    @property
    def horizon(self) -> int:
        """How many bars after its own a label may depend on."""
        ...

    @property
    def warm_up(self) -> int:
        """How many bars must stand before the first one that can teach."""
        ...

    @property
    def families(self) -> tuple[str, ...]:
        """The kinds of model to fit."""
        ...

    def label(self, tape: Tape) -> Mapping[Side, Labels]:
        """The label of every bar; the last `horizon` bars are UNSETTLED."""
        ...

    def search(self, tape: Tape, span: Span, labels: Mapping[Side, Labels]) -> Mapping[Side, Recipe]:
        """The recipe of each side, chosen from the bars before `span.stop` only."""
        ...

    def table(self, recipe: Recipe, tape: Tape) -> Floats:
        """One row of features per bar, NaN where there is too little past."""
        ...

    def fit(self, family: str, columns: tuple[str, ...], rows: Floats, labels: Labels) -> Fitted:
        """A model of this family, fitted on these rows alone."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Lesson:
    """What one span taught one side: its recipe, what each model makes of it, and the families that failed.

    `importance` is by model and column and adds up to one for each model; `left_out` says why, by family.
    """

    side: Side
    span: Span
    recipe: Recipe
    importance: Mapping[str, Mapping[str, float]]
    left_out: Mapping[str, str]


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """Every out-of-sample opinion of one training, each by models that had not seen its bar.

    `probabilities[side][model]` and `labels[side]` have one entry per bar of the tape; probabilities are NaN
    outside the judged bars. `labels` are the ones of hindsight, for scoring. `trials` counts the alternatives
    tried to arrive here. `steps` make it all again: see `walk` in lab.training.
    """

    tape: Tape
    spans: tuple[Span, ...]
    labels: Mapping[Side, Labels]
    probabilities: Probabilities
    thresholds: Mapping[Side, Mapping[str, float]]
    lessons: tuple[Lesson, ...]
    trials: int
    steps: Steps

    @property
    def models(self) -> tuple[str, ...]:
        """The names of the models that both sides have, in order."""
        return tuple(name for name in self.probabilities["long"] if name in self.probabilities["short"])
