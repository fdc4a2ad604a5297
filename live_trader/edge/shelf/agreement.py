"""How often a champion and its shadow wanted the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from live_trader.core.signals import Direction, Signal


@dataclass(frozen=True, slots=True)
class Agreement:
    """The bars both answered, counted by what the champion and then the shadow wanted.

    `alone` counts the bars since the shadow's first that only one of them answered.
    """

    counts: Counter[tuple[Direction, Direction]]
    alone: int

    @property
    def bars(self) -> int:
        """How many bars both answered."""
        return self.counts.total()

    @property
    def same(self) -> int:
        """On how many of them they wanted the same."""
        return sum(count for (one, other), count in self.counts.items() if one is other)

    @property
    def share(self) -> float | None:
        """The part of the bars on which they wanted the same; None when there are none."""
        return self.same / self.bars if self.bars else None


def agreement(champions: Iterable[Signal], shadows: Iterable[Signal], shadow: str) -> Agreement:
    """How far the signals of one bot and those of its shadow, of this version, agree."""
    challenged = {each.opened: each.direction for each in shadows if each.bundle == shadow}
    if not challenged:
        return Agreement(Counter(), 0)
    first = min(challenged)
    traded = {each.opened: each.direction for each in champions if each.opened >= first}
    both = traded.keys() & challenged.keys()
    counts = Counter((traded[opened], challenged[opened]) for opened in both)
    return Agreement(counts, len(traded.keys() ^ challenged.keys()))
