"""The chances are those of the papers, and hold their level on plain noise."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from live_trader.lab import chance


def test_the_deflated_sharpe_ratio_is_that_of_the_paper() -> None:
    """Bailey and Lopez de Prado: 100 trials, 1,250 days, a ratio of 2.5 a year, and so 0.9004."""
    expected = chance.luckiest(100, 0.5 / 250)
    assert expected == pytest.approx(0.1132, abs=5e-5)
    probability = chance.probable(2.5 / math.sqrt(250), expected, 1250, -3.0, 10.0)
    assert probability == pytest.approx(0.9004, abs=5e-5)


@given(st.integers(0, 1000), st.integers(1, 500))
def test_the_deflated_ratio_uses_the_moments_that_scipy_finds(seed: int, trials: int) -> None:
    returns = np.random.default_rng(seed).standard_t(5, 400) + 0.05
    ours = chance.deflated(returns, trials)
    assert ours.sharpe == pytest.approx(returns.mean() / returns.std(ddof=1))
    moments = stats.skew(returns), stats.kurtosis(returns, fisher=False)
    assert ours.probability == pytest.approx(chance.probable(ours.sharpe, ours.expected, 400, *moments))


def test_more_trials_leave_less_of_the_same_result() -> None:
    returns = np.random.default_rng(0).normal(0.1, 1.0, 1000)
    found = [chance.deflated(returns, trials).probability for trials in (1, 2, 10, 100, 10_000)]
    assert found == sorted(found, reverse=True)
    assert found[0] > 0.95 > 0.05 > found[-1]


def test_the_luckiest_of_many_tries_without_skill_is_what_is_expected() -> None:
    tries = np.random.default_rng(1).normal(0, 0.03, (4000, 50)).max(axis=1)
    assert chance.luckiest(50, 0.03**2) == pytest.approx(tries.mean(), rel=0.02)


def test_returns_that_never_move_prove_nothing() -> None:
    assert chance.deflated(np.zeros(50), 3).probability == 0.0
    assert chance.nothing(np.zeros(50), 5, 100, 0) == 1.0


@pytest.mark.parametrize("bars", [1, 20])
def test_on_noise_the_bootstrap_is_wrong_as_often_as_it_says(bars: int) -> None:
    random = np.random.default_rng(2)
    noise = random.normal(0, 1, (400, 1000))
    found = np.array([chance.nothing(row, bars, 500, seed) for seed, row in enumerate(noise)])
    assert 0.02 < np.mean(found <= 0.05) < 0.085


def test_returns_in_runs_count_for_less_when_their_blocks_stay_together() -> None:
    """Sixty independent draws repeated twenty times over are not twelve hundred of them."""
    random = np.random.default_rng(3)
    wrong = {1: 0, 60: 0}
    for _ in range(200):
        runs = np.repeat(random.normal(0, 1, 60), 20)
        for bars in wrong:
            wrong[bars] += chance.nothing(runs, bars, 300, 0) <= 0.05
    assert wrong[60] < 20 < wrong[1]


def test_the_bootstrap_finds_a_real_mean_and_repeats_itself() -> None:
    changes = np.random.default_rng(4).normal(0.1, 1.0, 2000)
    assert chance.nothing(changes, 10, 1000, 7) < 0.005
    assert chance.nothing(changes, 10, 1000, 7) == chance.nothing(changes, 10, 1000, 7)


@given(st.integers(0, 10_000), st.integers(2, 60))
def test_every_shift_is_tried(seed: int, count: int) -> None:
    """The Fourier way counts exactly the shifts that the plain loop counts."""
    random = np.random.default_rng(seed)
    positions, moves = random.integers(-1, 2, count).astype(float), random.normal(0, 1, count)
    earned = [float(np.roll(positions, shift) @ moves) for shift in range(count)]
    plain = np.mean([each >= earned[0] - 1e-9 for each in earned])
    assert chance.another_time(positions, moves) == pytest.approx(plain)


def test_always_being_long_in_a_rising_market_is_no_timing() -> None:
    rising = np.random.default_rng(5).normal(0.1, 1.0, 500)
    assert chance.another_time(np.ones(500), rising) == 1.0
    assert chance.another_time(np.sign(rising), rising) == pytest.approx(1 / 500)
