"""Back-tests: strategies, book and venue over the past, bar by bar or from wish to wish."""

from __future__ import annotations

import numpy as np

from live_trader.core.strategies import Listener
from live_trader.core.strategies.chartist import Chartist, Signs
from live_trader.lab.backtest.setting import Entrant, Terms, Walked, fingerprint, opened
from live_trader.lab.backtest.skipping import swift
from live_trader.lab.backtest.stepping import stepwise
from live_trader.lab.backtest.strangers import attempt

__all__ = ["Entrant", "Terms", "Walked", "fingerprint", "run", "stepwise", "swift", "wishes"]


def run(entrant: Entrant, terms: Terms) -> Walked:
    """One strategy on an account of its own, the quick way where it can tell all its wishes at once."""
    opened([entrant], terms)
    told = wishes(entrant)
    return stepwise([entrant], terms) if told is None else swift(entrant, terms, told)


def wishes(entrant: Entrant) -> Signs | None:
    """What the strategy wishes at every bar, from the first it remembers enough for.

    None if it has to be asked bar by bar: it tells no columns, wants to listen, or fails somewhere.
    """
    strategy = entrant.strategy
    if not isinstance(strategy, Chartist) or isinstance(strategy, Listener):
        return None
    told, _ = attempt(strategy.wishes, entrant.tape)
    if not isinstance(told, np.ndarray) or told.shape != (len(entrant.tape),) or told.dtype != np.int8:
        return None
    found = told.copy()
    found[: strategy.memory - 1] = 0
    return found if np.all(np.abs(found) <= 1) else None
