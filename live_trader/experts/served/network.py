"""Networks of fully connected layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import msgspec
import numpy as np

from live_trader.core.bars import Floats
from live_trader.experts.served.curves import sigmoid
from live_trader.experts.served.layers import Row
from live_trader.experts.served.numbers import Matrix, finite, floats

Activation = Literal["identity", "logistic", "tanh", "relu"]


class Dense(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One layer: a row of weights for each of its outputs, and what is added."""

    weights: Matrix
    add: bytes


class Network(msgspec.Struct, frozen=True, tag="network", forbid_unknown_fields=True):
    """Layers with a curve between them; the last has one output and the logistic curve."""

    layers: list[Dense]
    activation: Activation

    def check(self, width: int) -> None:
        """Say what cannot be, as a ValueError."""
        for layer in self.layers:
            layer.weights.check()
            finite(floats(layer.add))
            if layer.weights.columns != width or len(floats(layer.add)) != layer.weights.rows:
                raise ValueError("the layers of a network do not fit each other")
            width = layer.weights.rows
        if not self.layers or width != 1:
            raise ValueError("a network does not end in one output")

    def ready(self) -> Callable[[Row], float]:
        """The probability of one row."""
        *hidden, last = [(layer.weights.array, floats(layer.add)) for layer in self.layers]
        curve = _CURVES[self.activation]

        def probability(row: Row) -> float:
            values = np.array(row)
            for weights, add in hidden:
                values = curve(weights @ values + add)
            return sigmoid(float((last[0] @ values + last[1])[0]))

        return probability


def _logistic(values: Floats) -> Floats:
    with np.errstate(over="ignore"):
        return 1.0 / (1.0 + np.exp(-values))


def _relu(values: Floats) -> Floats:
    return np.maximum(values, 0.0)


def _tanh(values: Floats) -> Floats:
    return np.tanh(values)


def _identity(values: Floats) -> Floats:
    return values


_CURVES: dict[Activation, Callable[[Floats], Floats]] = {
    "identity": _identity,
    "logistic": _logistic,
    "tanh": _tanh,
    "relu": _relu,
}
