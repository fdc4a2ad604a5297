"""Estimators that are not trees taken apart."""

from __future__ import annotations

from typing import Any

import numpy as np

from live_trader.experts.served.apart.parts import demand, part
from live_trader.experts.served.bayes import Constant, Gaussian, Quadratic
from live_trader.experts.served.linear import Linear
from live_trader.experts.served.neighbours import Neighbours
from live_trader.experts.served.network import Dense, Network
from live_trader.experts.served.numbers import Matrix, floats_to_bytes


def logistic_regression(estimator: Any) -> Linear:
    """The logistic curve of a weighted sum; of both classes' sums where it was asked to be multinomial."""
    both = part(estimator, "multi_class") == "multinomial"
    return _linear(estimator, 2.0 if both else 1.0)


def discriminant(estimator: Any) -> Linear:
    """Linear discriminants: the logistic curve of a weighted sum."""
    return _linear(estimator, 1.0)


def gradient_descent(estimator: Any) -> Linear:
    """A linear model with a loss that knows probabilities."""
    loss = part(estimator, "loss")
    demand(loss in ("log_loss", "modified_huber"), f"the loss {loss} gives no probabilities")
    weights, add = part(estimator, "coef_")[0], float(part(estimator, "intercept_")[0])
    return Linear(floats_to_bytes(weights), add, "logistic" if loss == "log_loss" else "line")


def _linear(estimator: Any, scale: float) -> Linear:
    weights, add = part(estimator, "coef_"), part(estimator, "intercept_")
    demand(len(weights) == 1, "there are more classes than two")
    return Linear(floats_to_bytes(scale * weights[0]), scale * float(add[0]), "logistic")


def naive_bayes(estimator: Any) -> Gaussian:
    """Independent normal distributions."""
    variances = part(estimator, "var_")
    constants = np.log(part(estimator, "class_prior_")) - 0.5 * np.log(2.0 * np.pi * variances).sum(axis=1)
    return Gaussian(Matrix.of(part(estimator, "theta_")), Matrix.of(variances), tuple(constants.tolist()))


def quadratic(estimator: Any) -> Quadratic:
    """One normal distribution of all columns per class."""
    pairs = list(zip(part(estimator, "rotations_"), part(estimator, "scalings_"), strict=True))
    no, yes = (Matrix.of((rotation * scaling**-0.5).T) for rotation, scaling in pairs)
    logs = np.array([np.log(scaling).sum() for _, scaling in pairs])
    constants = -0.5 * logs + np.log(part(estimator, "priors_"))
    return Quadratic(Matrix.of(part(estimator, "means_")), no, yes, tuple(constants.tolist()))


def dummy(estimator: Any) -> Constant:
    """The strategies that do not draw lots."""
    strategy = part(estimator, "_strategy")
    prior = part(estimator, "class_prior_")
    if strategy == "prior":
        return Constant(float(prior[1]))
    if strategy == "most_frequent":
        return Constant(float(prior.argmax()))
    if strategy == "constant":
        return Constant(float(np.ravel(part(estimator, "constant"))[0]))
    demand(strategy == "uniform", f"the strategy {strategy} draws lots")
    return Constant(0.5)


def neighbours(estimator: Any) -> Neighbours:
    """The training rows and their labels."""
    metric, weights = part(estimator, "effective_metric_"), part(estimator, "weights")
    demand(metric in ("euclidean", "manhattan"), f"nobody here knows the metric {metric}")
    demand(weights in ("uniform", "distance", None), "the neighbours are weighted by a function")
    brute = weights == "distance" and part(estimator, "_fit_method") == "brute" and metric == "euclidean"
    demand(not brute, "distances found by brute force are rounded, and the weights with them")
    rows, labels = np.asarray(part(estimator, "_fit_X"), np.float64), np.ravel(part(estimator, "_y"))
    _, where = np.unique(rows, axis=0, return_inverse=True)
    shares = np.bincount(where, labels) / np.bincount(where)
    demand(
        bool(np.isin(shares, (0.0, 1.0)).all()),
        "training rows of both classes are the same, and which are asked first is left to chance",
    )
    count = int(part(estimator, "n_neighbors"))
    return Neighbours(
        Matrix.of(rows), labels.astype(np.uint8).tobytes(), count, metric, weights == "distance"
    )


def perceptron(estimator: Any) -> Network:
    """Fully connected layers."""
    demand(part(estimator, "out_activation_") == "logistic", "the network does not end in the logistic curve")
    pairs = zip(part(estimator, "coefs_"), part(estimator, "intercepts_"), strict=True)
    layers = [Dense(Matrix.of(weights.T), floats_to_bytes(add)) for weights, add in pairs]
    return Network(layers, part(estimator, "activation"))
