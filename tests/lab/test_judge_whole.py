"""The whole way from bars to a verdict, in the short form of the benchmark: noise out, structure in."""

from __future__ import annotations

import pytest

from benchmarks import judge


@pytest.mark.parametrize("seed", [101, 102])
def test_a_random_walk_is_refused_and_a_planted_structure_is_found(seed: int) -> None:
    with_costs, without = judge.deployable(seed, planted=False)
    assert not with_costs
    assert not without
    assert judge.deployable(seed, planted=True) == (True, True)


def test_counts_are_said_with_their_interval() -> None:
    assert judge.counted("noise", [False] * 100) == "noise: 0 of 100 found deployable (0.0% to 3.7%)"
