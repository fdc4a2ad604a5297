"""Estimators that weigh the columns: logistic regression, linear discriminants, stochastic gradients."""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite
from operator import mul
from typing import Literal

import msgspec

from live_trader.experts.served.curves import sigmoid
from live_trader.experts.served.layers import Row
from live_trader.experts.served.numbers import finite, floats


class Linear(msgspec.Struct, frozen=True, tag="linear", forbid_unknown_fields=True):
    """A weighted sum, then the logistic curve or, for the modified Huber loss, a line between 0 and 1."""

    weights: bytes
    add: float
    curve: Literal["logistic", "line"]

    def check(self, width: int) -> None:
        """Say what cannot be, as a ValueError."""
        weights = floats(self.weights)
        finite(weights)
        if len(weights) != width or not isfinite(self.add):
            raise ValueError("the weights do not fit the row")

    def ready(self) -> Callable[[Row], float]:
        """The probability of one row."""
        weights, add = floats(self.weights).tolist(), self.add
        if self.curve == "line":
            return lambda row: (min(max(sum(map(mul, weights, row)) + add, -1.0), 1.0) + 1.0) / 2.0
        return lambda row: sigmoid(sum(map(mul, weights, row)) + add)
