"""Strategies that think in days: the trend of days, the opening range, yesterday's range, the trend day."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from live_trader.core.bars import Floats, Tape, Timeframe, Times
from live_trader.core.rolling import Flags, last_where, mean, shift
from live_trader.core.strategies.chartist import Chartist, Signs, bars_a_day, require, signs
from live_trader.errors import BadSettings

_HOUR, _DAY = 3600, 86_400
Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Trend(Chartist):
    """Wishes the side to which the price moved over the last days, and thinks again once an hour."""

    on: Timeframe = Timeframe.M1
    days: int = 1

    def __post_init__(self) -> None:
        require(self, 1, "days")

    @property
    def memory(self) -> int:
        return self.days * bars_a_day(self.on) + max(_HOUR // self.on.seconds, 1) + 1

    def wishes(self, tape: Tape) -> Signs:
        hours = tape.times // max(_HOUR, self.on.seconds)
        starts = np.flatnonzero(np.diff(hours, prepend=hours[0] - 1))
        thought = np.repeat(starts, np.diff(np.append(starts, len(tape))))
        then = np.searchsorted(tape.times, tape.times[thought] - self.days * _DAY, side="right") - 1
        moved = np.where(then >= 0, tape.close[thought] - tape.close[then], 0.0)
        return signs(moved > 0.0, moved < 0.0)


@dataclass(frozen=True)
class Trend2Day(Trend):
    """The trend of two days."""

    days: int = 2


@dataclass(frozen=True)
class Trend3Day(Trend):
    """The trend of three days."""

    days: int = 3


@dataclass(frozen=True)
class OpenRange(Chartist):
    """Follows a close outside the range of a session's first `minutes`, until the session ends.

    The session begins at minute `opens` of the UTC day and lasts `lasts` minutes.
    """

    on: Timeframe = Timeframe.M1
    opens: int = 0
    minutes: int = 30
    lasts: int = 480

    def __post_init__(self) -> None:
        require(self, 0, "opens")
        require(self, 1, "minutes")
        require(self, self.minutes + 1, "lasts")
        if self.opens >= 1440 or self.lasts > 1440:
            raise BadSettings(f"the session from {self.opens} for {self.lasts} is longer than a day")

    @property
    def memory(self) -> int:
        return bars_a_day(self.on) + 1

    def wishes(self, tape: Tape) -> Signs:
        since = tape.times - self.opens * 60
        days = Days(since // _DAY)
        into = since % _DAY
        early, late = into < self.minutes * 60, into < self.lasts * 60
        high = days.everywhere(np.maximum.reduceat(np.where(early, tape.high, -np.inf), days.starts))
        low = days.everywhere(np.minimum.reduceat(np.where(early, tape.low, np.inf), days.starts))
        within = late & ~early & np.isfinite(high)
        return days.latest(within & (tape.close > high), within & (tape.close < low), within)


@dataclass(frozen=True)
class Volatility(Chartist):
    """Follows a close further from the open than `part` of the day before's range, until the day ends."""

    on: Timeframe = Timeframe.M1
    part: float = 0.5

    def __post_init__(self) -> None:
        require(self, 0.0, "part")

    @property
    def memory(self) -> int:
        return 2 * bars_a_day(self.on) + 1

    def wishes(self, tape: Tape) -> Signs:
        days = Days(tape.times // _DAY)
        reach = self.part * shift(days.ranges(tape), 1)
        open_ = tape.open[days.starts]
        up, down = days.everywhere(open_ + reach), days.everywhere(open_ - reach)
        return days.latest(tape.close > up, tape.close < down, ~np.isnan(up))


@dataclass(frozen=True)
class TrendDay(Chartist):
    """Follows a day that opened at one end of a wide range and stands at the other, until the day ends.

    Wide means at least `wide` times the mean range of the `days` before, an end the outer `part` of it.
    """

    on: Timeframe = Timeframe.M1
    days: int = 5
    wide: float = 1.0
    part: float = 0.25

    def __post_init__(self) -> None:
        require(self, 1, "days")
        require(self, 0.0, "wide", "part")

    @property
    def memory(self) -> int:
        return (self.days + 1) * bars_a_day(self.on) + 1

    def wishes(self, tape: Tape) -> Signs:
        days = Days(tape.times // _DAY)
        usual = days.everywhere(shift(mean(days.ranges(tape), self.days), 1))
        high, low = days.so_far(tape.high, np.maximum), days.so_far(tape.low, np.minimum)
        range_, open_ = high - low, days.everywhere(tape.open[days.starts])
        wide = (range_ > 0.0) & (range_ >= self.wide * usual)
        end = self.part * range_
        long = wide & (open_ - low <= end) & (high - tape.close <= end)
        short = wide & (high - open_ <= end) & (tape.close - low <= end)
        return days.latest(long & ~short, short & ~long, ~np.isnan(usual))


class Days:
    """The bars of a tape by the day they belong to."""

    def __init__(self, labels: Times) -> None:
        self.starts: Indices = np.flatnonzero(np.diff(labels, prepend=labels[0] - 1))
        self._sizes = np.diff(np.append(self.starts, len(labels)))

    def everywhere(self, each: Floats) -> Floats:
        """What holds for a day, at each of its bars."""
        return np.repeat(each, self._sizes)

    def ranges(self, tape: Tape) -> Floats:
        """The range of each day."""
        tops, bottoms = (
            np.maximum.reduceat(tape.high, self.starts),
            np.minimum.reduceat(tape.low, self.starts),
        )
        return np.asarray(tops - bottoms)

    def so_far(self, values: Floats, of: np.ufunc) -> Floats:
        """The extreme of the day's bars up to each of them."""
        found = np.empty(len(values))
        for start, size in zip(self.starts.tolist(), self._sizes.tolist(), strict=True):
            of.accumulate(values[start : start + size], out=found[start : start + size])
        return found

    def latest(self, long: Flags, short: Flags, within: Flags) -> Signs:
        """The side that was flagged last on the same day, where a bar lies within what counts."""
        first = np.repeat(self.starts, self._sizes)
        up, down = last_where(long), last_where(short)
        today = np.maximum(up, down) >= first
        return signs(within & today & (up > down), within & today & (down > up))
