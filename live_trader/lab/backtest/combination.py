"""Several runs as one portfolio: how much of the equity each gets, thought over again on a schedule."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np

from live_trader.core.bars import Floats, Times
from live_trader.core.outcome import DAY, Equity
from live_trader.errors import BadSettings

_CLOSE_ENOUGH = 1e-10
_ROUNDS = 1000


class Weighting(Enum):
    """By what the runs are weighed: as given, all alike, all that earned, or each bearing the same risk."""

    STATIC = "static"
    EQUAL = "equal"
    WINNERS = "winners"
    RISK_PARITY = "risk-parity"


class Schedule(Enum):
    """How often the weights are thought over."""

    NEVER = "never"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"

    def label(self, times: Times) -> Times:
        """A number that changes when the weights are due."""
        if self is Schedule.NEVER:
            return np.zeros(len(times), dtype=np.int64)
        if self is Schedule.WEEK:
            return (times // DAY + 3) // 7
        months = times.astype("datetime64[s]").astype("datetime64[M]").astype(np.int64)
        return np.asarray(months // (3 if self is Schedule.QUARTER else 1))


@dataclass(frozen=True, slots=True, eq=False)
class Combined:
    """The equity of the portfolio, and the weights in force from each of these times on."""

    equity: Equity
    since: Times
    weights: Floats


def combine(
    runs: Mapping[str, Equity], weighting: Weighting, schedule: Schedule, given: Mapping[str, float]
) -> Combined:
    """A portfolio of these runs; weights follow from what was known before the day they are set.

    Before anything is known all are weighed alike. What no run gets stays cash.
    """
    _check(runs, weighting, given)
    times, growth = _daily(list(runs.values()))
    labels = schedule.label(times)
    starts = np.flatnonzero(np.diff(labels, prepend=labels[0] - 1))
    fixed = np.array([given.get(name, 0.0) for name in runs])
    weigh = _WEIGHERS[weighting]
    total = next(iter(runs.values())).initial
    values, weights = np.empty(len(times)), np.empty((len(starts), len(runs)))
    for at, (start, end) in enumerate(zip(starts, [*starts[1:], len(times)], strict=True)):
        before = np.ones(len(runs)) if start == 0 else growth[start - 1]
        weights[at] = weigh(growth[:start], fixed)
        alive = before > 0.0
        ratios = np.where(alive, growth[start:end] / np.where(alive, before, 1.0), 1.0)
        values[start:end] = total * (1.0 - weights[at].sum() + ratios @ weights[at])
        total = float(values[end - 1])
    return Combined(Equity(next(iter(runs.values())).initial, times, values), times[starts], weights)


def newest(runs: Mapping[str, Equity], weighting: Weighting, given: Mapping[str, float]) -> dict[str, float]:
    """The weights to go on with: those that follow from all that is known."""
    _check(runs, weighting, given)
    _, growth = _daily(list(runs.values()))
    fixed = np.array([given.get(name, 0.0) for name in runs])
    return dict(zip(runs, _WEIGHERS[weighting](growth, fixed).tolist(), strict=True))


def _check(runs: Mapping[str, Equity], weighting: Weighting, given: Mapping[str, float]) -> None:
    if not runs:
        raise BadSettings("there is no run to combine")
    unknown = [name for name in given if name not in runs]
    if unknown:
        raise BadSettings(
            f"a weight is given to {unknown[0]!r}, which is no run", f"There are {', '.join(runs)}"
        )
    if weighting is Weighting.STATIC and not 0.0 < sum(given.values()) <= 1.0 + 1e-6:
        raise BadSettings(f"the weights given sum to {sum(given.values()):g}", "Let them sum to 1 at most")
    if any(not weight >= 0.0 for weight in given.values()):
        raise BadSettings("a weight is negative", "Give shares of the equity, 0 or more")


def _daily(runs: Sequence[Equity]) -> tuple[Times, Floats]:
    """The last equity of each day as a multiple of the first, one column a run."""
    days = np.unique(np.concatenate([run.times // DAY for run in runs]))
    growth = np.ones((len(days), len(runs)))
    for at, run in enumerate(runs):
        known = np.searchsorted(run.times // DAY, days, side="right")
        growth[:, at] = np.concatenate(([run.initial], run.values))[known] / run.initial
    return days * DAY, growth


def _equal(growth: Floats, _given: Floats) -> Floats:
    return np.full(growth.shape[1], 1.0 / growth.shape[1])


def _static(_growth: Floats, given: Floats) -> Floats:
    return given


def _winners(growth: Floats, given: Floats) -> Floats:
    """All alike whose net profit so far is above zero; nothing when there is none."""
    if not len(growth):
        return _equal(growth, given)
    won = growth[-1] > 1.0
    return np.asarray(won / max(int(won.sum()), 1))


def _risk_parity(growth: Floats, given: Floats) -> Floats:
    """Each that moves at all adds the same to the variance of the whole."""
    if len(growth) < 3:
        return _equal(growth, given)
    before = np.concatenate((np.ones((1, growth.shape[1])), growth[:-1]))
    changes = np.where(before > 0.0, growth / np.where(before > 0.0, before, 1.0) - 1.0, 0.0)
    weights = np.zeros(growth.shape[1])
    moving = np.flatnonzero(changes.std(axis=0) > 0.0)
    if not len(moving):
        return _equal(growth, given)
    covariance = np.atleast_2d(np.cov(changes[:, moving], rowvar=False))
    weights[moving] = _even(covariance)
    return weights


def _even(covariance: Floats) -> Floats:
    """Weights with equal shares of risk, by solving for one after the other until nothing moves."""
    count = len(covariance)
    sizes = 1.0 / np.sqrt(np.diag(covariance))
    for _ in range(_ROUNDS):
        before = sizes.copy()
        for at in range(count):
            own = covariance[at, at]
            others = covariance[at] @ sizes - own * sizes[at]
            sizes[at] = (np.sqrt(others * others + 4.0 * own / count) - others) / (2.0 * own)
        if np.abs(sizes - before).max() <= _CLOSE_ENOUGH * sizes.max():
            break
    return np.asarray(sizes / sizes.sum())


_WEIGHERS: Mapping[Weighting, Callable[[Floats, Floats], Floats]] = {
    Weighting.STATIC: _static,
    Weighting.EQUAL: _equal,
    Weighting.WINNERS: _winners,
    Weighting.RISK_PARITY: _risk_parity,
}
