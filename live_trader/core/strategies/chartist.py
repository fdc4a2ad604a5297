"""Strategies that read columns of prices, and how wishes are made to stand for a while."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from live_trader.core.bars import Tape, Timeframe, Window
from live_trader.core.rolling import Flags, last_where
from live_trader.core.signals import Decision, Direction
from live_trader.core.strategies import Rows
from live_trader.errors import BadSettings

Signs = NDArray[np.int8]

_DAY = 86_400
_DECISIONS = {direction.sign: Decision(direction, {}) for direction in Direction}


class Chartist(ABC):
    """A strategy told by one function of columns: the sign it wishes at every bar of a tape.

    Its parameters are the fields of a frozen dataclass; one called `on` receives the timeframe it is run on.
    """

    neutral_closes: ClassVar[bool] = True
    """Whether a neutral wish means to hold nothing; otherwise it means nothing new."""

    @property
    @abstractmethod
    def memory(self) -> int:
        """How many bars a wish looks back on, its own included."""

    @abstractmethod
    def wishes(self, tape: Tape) -> Signs:
        """1, -1 or 0 for every bar; from bar `memory` on, each follows from the last `memory` bars alone."""

    def decide(self, window: Window) -> Decision:
        """The wish as of the window's last bar."""
        return decision(int(self.wishes(window.tape)[-1]))

    def look(self, window: Window) -> Rows:
        """Nothing: it looks at the bars themselves."""
        return ()

    def judge(self, window: Window, rows: Rows) -> Decision:
        """The wish as of the window's last bar."""
        return self.decide(window)

    def prepare(self, window: Window) -> None:
        """Nothing is left to do after an answer."""
        return


def decision(sign: int) -> Decision:
    """The decision of this sign, without any opinions."""
    return _DECISIONS[sign]


def standing(long: Flags, short: Flags, leave_long: Flags, leave_short: Flags, bars: int) -> Signs:
    """Wishes that last `bars` bars from their entry, until they are left or the other side is entered.

    An entry that comes again lasts anew; what is entered and left in the same bar is left.
    """
    at = np.arange(len(long))
    up, down = last_where(long), last_where(short)
    is_long = (up > np.maximum(down, last_where(leave_long))) & (at - up < bars)
    is_short = (down > np.maximum(up, last_where(leave_short))) & (at - down < bars)
    return signs(is_long, is_short)


def signs(long: Flags, short: Flags) -> Signs:
    """1 where long is wished, -1 where short is, 0 where neither."""
    return np.subtract(long, short, dtype=np.int8)


def never(tape: Tape) -> Flags:
    """No bar of the tape at all."""
    return np.zeros(len(tape), dtype=np.bool_)


def require(strategy: object, least: float, *names: str) -> None:
    """Refuse a parameter that is less than it has to be."""
    for name in names:
        value = getattr(strategy, name)
        if not value >= least:
            raise BadSettings(f"{name} is {value}", f"Give at least {least:g}")


def bars_a_day(timeframe: Timeframe) -> int:
    """How many bars a day can have."""
    return _DAY // timeframe.seconds
