"""The walk-forward grid: which bars teach, which bars are kept apart, and which bars are judged."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count, pairwise
from typing import Self

import numpy as np

from live_trader.core.bars import Tape, Timeframe, Times, epoch, moment
from live_trader.errors import BadData, BadSettings

_LENGTH = re.compile(r"([1-9][0-9]*)([MWDHB]?)", re.ASCII)
_SECONDS = {"W": 604_800, "D": 86_400, "H": 3_600}


@dataclass(frozen=True, slots=True)
class Span:
    """One step of the walk, as indices into a tape: train on [start, stop), be judged on [first, last).

    Between `stop` and `first` lie the bars whose labels would have seen the judged ones, and the embargo.
    """

    number: int
    start: int
    stop: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Length:
    """A stretch of a tape: calendar months (36M), weeks, days, hours, or bars (5000B)."""

    count: int
    unit: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """`36M`, `2W`, `90D`, `12H`, or bars as `5000B` or `5000`."""
        match = _LENGTH.fullmatch(text.strip().upper())
        if match is None:
            raise BadSettings(
                f"{text!r} is not a length of time", "Write 36M, 2W, 90D, 12H, or bars as 5000B"
            )
        return cls(int(match[1]), match[2] or "B")

    def __str__(self) -> str:
        return f"{self.count}{self.unit}"


@dataclass(frozen=True, slots=True)
class Grid:
    """How a tape is walked: how long a span teaches, how far the next one steps, how many newest are kept."""

    train: Length
    step: Length
    newest: int | None = None


_GRIDS = {
    Timeframe.D1: ("120M", "12M"),
    Timeframe.H4: ("60M", "6M"),
    Timeframe.H1: ("36M", "3M"),
    Timeframe.M30: ("18M", "2M"),
    Timeframe.M15: ("12M", "1M"),
    Timeframe.M10: ("6M", "1M"),
    Timeframe.M5: ("3M", "1M"),
    Timeframe.M3: ("4W", "2W"),
    Timeframe.M1: ("10D", "5D"),
}


def usual(timeframe: Timeframe) -> Grid:
    """The grid for this timeframe when nothing else is said; below a minute it counts bars."""
    train, step = _GRIDS.get(timeframe, ("12000B", "4000B"))
    return Grid(Length.parse(train), Length.parse(step))


def spans(tape: Tape, grid: Grid, apart: int, warm_up: int) -> tuple[Span, ...]:
    """The walk over a tape, oldest span first: from the first one judged on, every bar is judged once.

    Training begins after `warm_up` bars and ends `apart` bars before the judged ones: the horizon of the
    target and the embargo. Calendar lengths follow the calendar. The newest span is judged up to the end.
    """
    found: list[tuple[int, int]] = []
    for start, first in _trainings(tape, grid, warm_up):
        # Months differ in length, and a gap can swallow a step: what brings no new bar is passed over.
        if first - apart > start and (not found or first > found[-1][1]):
            found.append((start, first))
    judged = pairwise([*(first for _, first in found), len(tape)])
    walk = [
        Span(number, start, first - apart, first, last)
        for number, ((start, _), (first, last)) in enumerate(zip(found, judged, strict=False))
    ]
    if not walk:
        raise BadData(
            f"{tape.ticker} has {len(tape)} bars: with {warm_up} to warm up, a training span of {grid.train} "
            f"and {apart} bars kept apart, none is left to be judged",
            "Give more bars, or a shorter --train-span",
        )
    return tuple(walk if grid.newest is None else walk[-grid.newest :])


def _trainings(tape: Tape, grid: Grid, warm_up: int) -> Iterator[tuple[int, int]]:
    """Where each training span starts, and the first bar after it."""
    if (grid.train.unit == "B") != (grid.step.unit == "B"):
        raise BadSettings(
            f"a training span of {grid.train} cannot go in steps of {grid.step}",
            "Give both in bars or neither",
        )
    if warm_up >= len(tape):
        return
    for number in count():
        if grid.train.unit == "B":
            start = warm_up + number * grid.step.count
            first = start + grid.train.count
        else:
            origin = _floor(int(tape.times[warm_up]), grid)
            begins = _later(origin, grid.step, number)
            start = max(warm_up, _index(tape.times, begins))
            first = _index(tape.times, _later(begins, grid.train, 1))
        if first >= len(tape):
            return
        yield start, first


def _index(times: Times, second: int) -> int:
    return int(np.searchsorted(times, second))


def _floor(second: int, grid: Grid) -> int:
    """The start of the month, day or hour that the lengths count from."""
    units = {grid.train.unit, grid.step.unit}
    if "M" in units:
        return epoch(moment(second).replace(day=1, hour=0, minute=0, second=0))
    whole = _SECONDS["D"] if units & {"W", "D"} else _SECONDS["H"]
    return second - second % whole


def _later(second: int, length: Length, times: int) -> int:
    if length.unit != "M":
        return second + times * length.count * _SECONDS[length.unit]
    start = moment(second).replace(day=1, hour=0, minute=0, second=0)
    months = start.year * 12 + start.month - 1 + times * length.count
    return epoch(start.replace(year=months // 12, month=months % 12 + 1)) + second - epoch(start)
