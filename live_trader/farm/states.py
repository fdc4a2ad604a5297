"""The life of a child process as a table, and the rule that says when it may live again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import Enum

from live_trader.errors import IllegalStep


class State(Enum):
    """Where a child stands in its life."""

    STARTING = "STARTING"
    RUNNING = "RUNNING"
    BACKOFF = "BACKOFF"
    STOPPING = "STOPPING"
    STOPPED = "STOPPED"
    FATAL = "FATAL"


_STEPS: dict[State, frozenset[State]] = {
    State.STARTING: frozenset({State.RUNNING, State.BACKOFF, State.STOPPING, State.STOPPED, State.FATAL}),
    State.RUNNING: frozenset({State.BACKOFF, State.STOPPING, State.STOPPED, State.FATAL}),
    State.BACKOFF: frozenset({State.STARTING, State.STOPPED}),
    State.STOPPING: frozenset({State.STOPPED}),
    State.STOPPED: frozenset({State.STARTING}),
    State.FATAL: frozenset({State.STARTING, State.STOPPED}),
}


_QUARANTINE = "quarantined"


@dataclass(frozen=True, slots=True)
class Policy:
    """How often a child may crash before a person must look, and how long it waits in between."""

    max_restarts: int
    within: float
    first: float
    longest: float


@dataclass(frozen=True, slots=True)
class Life:
    """One child's state, since when, why, and the crashes that still count."""

    state: State = State.STOPPED
    since: float = 0.0
    reason: str = ""
    crashes: tuple[float, ...] = field(default=())
    restarts: int = 0
    again_at: float = 0.0

    @property
    def quarantined(self) -> bool:
        """Whether it crashed too often, so that only a person may start it again."""
        return self.state is State.FATAL and self.reason.startswith(_QUARANTINE)

    def step(self, state: State, now: float, reason: str = "") -> Life:
        """The life after one step of the table."""
        if state not in _STEPS[self.state]:
            raise IllegalStep(f"a child cannot go from {self.state.value} to {state.value}")
        return replace(self, state=state, since=now, reason=reason)


def crashed(life: Life, now: float, reason: str, policy: Policy, random: Callable[[], float]) -> Life:
    """The life after a crash: a wait that doubles, or FATAL when there were too many within the period."""
    crashes = (*(at for at in life.crashes if now - at < policy.within), now)
    if len(crashes) > policy.max_restarts:
        quarantine = f"{_QUARANTINE}: {len(crashes)} crashes within {policy.within:g} s, the last: {reason}"
        return replace(life.step(State.FATAL, now, quarantine), crashes=crashes)
    wait = min(policy.longest, policy.first * 2 ** (len(crashes) - 1)) * (0.5 + 0.5 * random())
    return replace(life.step(State.BACKOFF, now, reason), crashes=crashes, again_at=now + wait)


def started(life: Life, now: float) -> Life:
    """The life of a child that is being started, again or for the first time."""
    again = life.state is State.BACKOFF
    return replace(life.step(State.STARTING, now), restarts=life.restarts + again)


def pardoned(life: Life) -> Life:
    """The life after a person asked for a restart: earlier crashes no longer count."""
    return replace(life, crashes=())
