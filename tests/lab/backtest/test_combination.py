"""Several runs as one portfolio: each way to weigh them, and none of them knows the future."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from live_trader.core.outcome import DAY, Equity
from live_trader.errors import BadSettings
from live_trader.lab.backtest.combination import Schedule, Weighting, combine, newest

START = 18_262  # 1 January 2020, a Wednesday


def run(values: list[float], start: int = START) -> Equity:
    """An equity of one value a day."""
    return Equity(100.0, DAY * (start + np.arange(len(values), dtype=np.int64)), np.array(values))


def drawn(seed: int, days: int = 120, drift: float = 0.0, spread: float = 0.01) -> Equity:
    random = np.random.default_rng(seed)
    return run((100.0 * np.cumprod(1.0 + random.normal(drift, spread, days))).tolist())


def test_equal_weights_are_the_mean_of_the_runs_until_they_are_set_again() -> None:
    found = combine({"a": run([110, 120]), "b": run([100, 90])}, Weighting.EQUAL, Schedule.NEVER, {})
    assert found.equity.values.tolist() == [105.0, 105.0]
    assert found.weights.tolist() == [[0.5, 0.5]]


def test_static_weights_are_as_given_and_the_rest_is_cash() -> None:
    found = combine({"a": run([200]), "b": run([50])}, Weighting.STATIC, Schedule.NEVER, {"a": 0.25})
    assert found.equity.values.tolist() == [125.0]


def test_winners_are_those_that_had_earned_by_then() -> None:
    january = [101.0] * 31, [99.0] * 31
    runs = {"up": run([*january[0], 102.0]), "down": run([*january[1], 200.0])}
    found = combine(runs, Weighting.WINNERS, Schedule.MONTH, {})
    assert found.weights.tolist() == [[0.5, 0.5], [1.0, 0.0]]
    assert found.equity.values[-1] == pytest.approx(100.0 * 102.0 / 101.0)
    assert newest({"up": run([101.0]), "down": run([99.0])}, Weighting.WINNERS, {}) == {
        "up": 1.0,
        "down": 0.0,
    }


def test_without_a_winner_all_stays_cash() -> None:
    assert newest({"a": run([99.0]), "b": run([100.0])}, Weighting.WINNERS, {}) == {"a": 0.0, "b": 0.0}


@given(st.lists(st.integers(0, 2**32 - 1), min_size=2, max_size=6, unique=True))
@settings(max_examples=20, deadline=None)
def test_risk_parity_gives_each_run_the_same_share_of_the_risk(seeds: list[int]) -> None:
    runs = {str(seed): drawn(seed, spread=0.002 * (1 + at)) for at, seed in enumerate(seeds)}
    weights = np.array(list(newest(runs, Weighting.RISK_PARITY, {}).values()))
    changes = np.column_stack(
        [np.diff(each.values, prepend=100.0) / np.append(100.0, each.values[:-1]) for each in runs.values()]
    )
    shares = weights * (np.cov(changes, rowvar=False) @ weights)
    assert weights.sum() == pytest.approx(1.0)
    assert np.all(weights > 0.0)
    assert shares == pytest.approx(shares.mean(), rel=1e-6)


def test_of_two_runs_alike_but_for_their_swings_the_calmer_gets_more() -> None:
    calm, wild = drawn(1, spread=0.001), drawn(2, spread=0.01)
    weights = newest({"calm": calm, "wild": wild}, Weighting.RISK_PARITY, {})
    assert weights["calm"] > 0.85


def test_a_run_that_never_moves_bears_no_risk_and_gets_nothing() -> None:
    weights = newest(
        {"still": run([100.0] * 50), "a": drawn(1, 50), "b": drawn(2, 50)}, Weighting.RISK_PARITY, {}
    )
    assert weights["still"] == 0.0
    assert sum(weights.values()) == pytest.approx(1.0)


@pytest.mark.parametrize("weighting", [Weighting.EQUAL, Weighting.WINNERS, Weighting.RISK_PARITY])
@pytest.mark.parametrize("schedule", list(Schedule))
def test_no_weight_knows_what_comes_after_it(weighting: Weighting, schedule: Schedule) -> None:
    whole = {str(seed): drawn(seed, 200) for seed in range(4)}
    part = {name: Equity(100.0, each.times[:130], each.values[:130]) for name, each in whole.items()}
    early, late = combine(part, weighting, schedule, {}), combine(whole, weighting, schedule, {})
    assert np.array_equal(late.weights[: len(early.weights)], early.weights)
    assert np.array_equal(late.equity.values[:130], early.equity.values)


@pytest.mark.parametrize(
    ("schedule", "days"), [(Schedule.WEEK, {0}), (Schedule.MONTH, None), (Schedule.QUARTER, None)]
)
def test_weights_are_set_when_a_new_week_month_or_quarter_begins(
    schedule: Schedule, days: set[int] | None
) -> None:
    found = combine({"a": drawn(1, 200), "b": drawn(2, 200)}, Weighting.EQUAL, schedule, {})
    set_on = (found.since[1:] // DAY).astype("datetime64[D]")
    if days is not None:
        assert {int(each.astype(object).weekday()) for each in set_on} == days
        return
    months = {each.astype(object).month for each in set_on}
    assert all(each.astype(object).day == 1 for each in set_on)
    assert months == ({2, 3, 4, 5, 6, 7} if schedule is Schedule.MONTH else {4, 7})


def test_runs_that_begin_at_different_times_are_cash_before_they_do() -> None:
    found = combine(
        {"a": run([110, 110, 110]), "b": run([90], START + 2)}, Weighting.EQUAL, Schedule.NEVER, {}
    )
    assert found.equity.values.tolist() == [105.0, 105.0, 100.0]


def test_a_run_that_lost_everything_stays_there() -> None:
    found = combine({"a": run([0.0] * 40), "b": run([100.0] * 40)}, Weighting.EQUAL, Schedule.MONTH, {})
    assert found.equity.values[-1] == 50.0


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ({"z": 0.5}, "no run"),
        ({"a": 1.2}, "sum to 1.2"),
        ({}, "sum to 0"),
        ({"a": 0.6, "b": -0.1}, "negative"),
    ],
)
def test_weights_that_do_not_sum_are_refused(weights: dict[str, float], message: str) -> None:
    with pytest.raises(BadSettings, match=message):
        combine({"a": run([100.0]), "b": run([100.0])}, Weighting.STATIC, Schedule.NEVER, weights)
    with pytest.raises(BadSettings, match="no run to combine"):
        combine({}, Weighting.EQUAL, Schedule.NEVER, {})
