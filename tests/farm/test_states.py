"""The life of a child follows its table, whatever happens to it."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from live_trader.errors import IllegalStep
from live_trader.farm.states import Life, Policy, State, crashed, pardoned, started

POLICY = Policy(max_restarts=3, within=60.0, first=0.5, longest=8.0)


def lived(*crashes: float) -> Life:
    """A life with these crashes, running again after each."""
    life = started(Life(), 0.0)
    for at in crashes:
        life = crashed(life.step(State.RUNNING, at), at, "killed", POLICY, lambda: 1.0)
        if life.state is State.FATAL:
            return life
        life = started(life, life.again_at)
    return life


def test_a_crash_waits_and_the_wait_doubles() -> None:
    running = started(Life(), 0.0).step(State.RUNNING, 0.0)
    first = crashed(running, 10.0, "killed", POLICY, lambda: 1.0)
    second = crashed(started(first, 11.0), 12.0, "killed", POLICY, lambda: 1.0)
    assert (first.state, first.again_at) == (State.BACKOFF, 10.5)
    assert (second.state, second.again_at) == (State.BACKOFF, 13.0)
    assert second.restarts == 1


def test_too_many_crashes_within_the_period_are_a_quarantine_that_says_so() -> None:
    life = lived(1.0, 2.0, 3.0, 4.0)
    assert life.state is State.FATAL
    assert life.reason == "quarantined: 4 crashes within 60 s, the last: killed"


def test_crashes_further_apart_than_the_period_never_quarantine() -> None:
    assert lived(*(61.0 * each for each in range(1, 20))).state is State.STARTING


def test_a_pardon_makes_earlier_crashes_count_no_more() -> None:
    life = pardoned(lived(1.0, 2.0, 3.0))
    again = crashed(life, 5.0, "killed", POLICY, lambda: 0.0)
    assert again.state is State.BACKOFF
    assert again.crashes == (5.0,)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (State.FATAL, State.RUNNING),
        (State.BACKOFF, State.RUNNING),
        (State.STOPPED, State.RUNNING),
        (State.STOPPING, State.RUNNING),
        (State.RUNNING, State.STARTING),
    ],
)
def test_a_step_the_table_does_not_have_is_an_error(before: State, after: State) -> None:
    with pytest.raises(IllegalStep):
        Life(state=before).step(after, 0.0)


@given(st.lists(st.tuples(st.sampled_from(["crash", "run", "pardon"]), st.floats(0.0, 30.0)), max_size=60))
def test_whatever_happens_the_waits_and_the_crash_count_stay_within_the_policy(
    story: list[tuple[str, float]],
) -> None:
    life, now, chance = started(Life(), 0.0), 0.0, random.Random(1)
    for event, passed in story:
        now += passed
        if life.state is State.FATAL:
            assert len(life.crashes) == POLICY.max_restarts + 1
            return
        if event == "pardon":
            life = pardoned(life)
        elif life.state is State.BACKOFF:
            assert 0.0 <= life.again_at - life.since <= POLICY.longest
            life = started(life, max(now, life.again_at))
        elif event == "run" and life.state is State.STARTING:
            life = life.step(State.RUNNING, now)
        elif event == "crash":
            life = crashed(life, now, "why", POLICY, chance.random)
        assert len(life.crashes) <= POLICY.max_restarts + 1
