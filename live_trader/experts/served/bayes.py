"""Estimators that know how rows of each class are spread, down to the one that knows only how many."""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite

import msgspec
import numpy as np

from live_trader.experts.served.curves import sigmoid
from live_trader.experts.served.layers import Row
from live_trader.experts.served.numbers import Matrix


class Gaussian(msgspec.Struct, frozen=True, tag="gaussian", forbid_unknown_fields=True):
    """Naive Bayes: per class a mean and a variance of every column, and a constant."""

    means: Matrix
    variances: Matrix
    constants: tuple[float, float]

    def check(self, width: int) -> None:
        """Say what cannot be, as a ValueError."""
        self.means.check()
        self.variances.check()
        shapes = {(each.rows, each.columns) for each in (self.means, self.variances)}
        if shapes != {(2, width)} or not all(map(isfinite, self.constants)):
            raise ValueError("the means and variances do not fit the row")
        if (self.variances.array <= 0).any():
            raise ValueError("a variance is not positive")

    def ready(self) -> Callable[[Row], float]:
        """The probability of one row."""
        means, variances, (no, yes) = self.means.array, self.variances.array, self.constants

        def probability(row: Row) -> float:
            far, near = np.add.reduce((np.array(row) - means) ** 2 / variances, 1).tolist()
            return sigmoid((yes - 0.5 * near) - (no - 0.5 * far))

        return probability


class Quadratic(msgspec.Struct, frozen=True, tag="quadratic", forbid_unknown_fields=True):
    """Quadratic discriminants: per class a mean, a rotation that makes its spread round, and a constant."""

    means: Matrix
    no: Matrix
    yes: Matrix
    constants: tuple[float, float]

    def check(self, width: int) -> None:
        """Say what cannot be, as a ValueError."""
        for each in (self.means, self.no, self.yes):
            each.check()
            if each.columns != width:
                raise ValueError("a discriminant does not fit the row")
        if self.means.rows != 2 or not all(map(isfinite, self.constants)):
            raise ValueError("there are not two discriminants")

    def ready(self) -> Callable[[Row], float]:
        """The probability of one row."""
        (first, second), no, yes = self.means.array, self.no.array, self.yes.array
        constants = self.constants

        def probability(row: Row) -> float:
            values = np.array(row)
            far, near = no @ (values - first), yes @ (values - second)
            return sigmoid(
                (constants[1] - 0.5 * float(near @ near)) - (constants[0] - 0.5 * float(far @ far))
            )

        return probability


class Constant(msgspec.Struct, frozen=True, tag="constant", forbid_unknown_fields=True):
    """The same probability for every row."""

    value: float

    def check(self, width: int) -> None:
        """Say what cannot be, as a ValueError."""
        if not 0.0 <= self.value <= 1.0:
            raise ValueError("a constant is no probability")

    def ready(self) -> Callable[[Row], float]:
        """The probability of one row."""
        return lambda row: self.value
