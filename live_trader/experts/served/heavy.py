"""The pipeline itself, for what it says is what a served form must say, and where there is none."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from live_trader.core.bars import Floats
from live_trader.errors import BadData, NotServable


def reference(pipeline: Any, columns: Sequence[str]) -> Callable[[Floats], Floats]:
    """The pipeline's own probabilities of class 1 for rows of these columns; its libraries are needed."""
    asked = _alone(pipeline)
    if not hasattr(asked, "predict_proba"):
        raise NotServable(
            "the pipeline gives no probabilities", "Train a family that does: ridge and hinge losses do not"
        )
    classes = _classes(asked)
    if classes != [0, 1]:
        raise NotServable(f"the classes are {classes}, not 0 and 1", "Train on a target of 0 and 1")
    names = list(columns)

    def probabilities(rows: Floats) -> Floats:
        import pandas as pd

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            answers = asked.predict_proba(pd.DataFrame(rows, columns=names))
        return np.asarray(answers, np.float64)[:, 1]

    return probabilities


def _classes(pipeline: Any) -> list[Any]:
    """The classes of the target as it was given, before any encoding of it."""
    for _, step in getattr(pipeline, "steps", ()):
        inside: Any = getattr(step, "transformer", None)
        if type(inside).__name__ == "LabelEncoder":
            return list(inside.classes_)
    return list(np.ravel(pipeline.classes_).tolist())


def _alone(pipeline: Any) -> Any:
    """A copy that keeps no cache on disk: PyCaret's does, one entry for every row it is ever asked."""
    alone = copy.copy(pipeline)
    if hasattr(alone, "steps"):
        alone.memory = None
    return alone


class Heavy:
    """A model that is its pipeline: it brings pandas, scikit-learn and the rest into the process."""

    def __init__(self, pipeline: Any, columns: Sequence[str]) -> None:
        self._columns = tuple(columns)
        self._ask = reference(pipeline, columns)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the rows it answers for."""
        return self._columns

    def probability(self, row: Floats) -> float:
        """The probability of class 1, unrounded, as the pipeline gives it for this row."""
        if row.shape != (len(self._columns),) or not np.isfinite(row).all():
            raise BadData(
                f"a row is not {len(self._columns)} finite numbers", "Ask for the bars of this window again"
            )
        return float(self._ask(row[None, :])[0])
