"""What every indicator is: named inputs and lengths, a stated memory, two forms."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, Self

import numpy as np

from live_trader.core.bars import Floats

LONGEST = 5000
"""The largest length a recipe may name."""

Stream = Callable[[], Any]
"""Reads the newest bar of the lists it was opened on: a float, or a tuple where there are several outputs."""


class Bars(Protocol):
    """Whatever holds bars as columns: a tape or a window."""

    @property
    def open(self) -> Floats: ...
    @property
    def high(self) -> Floats: ...
    @property
    def low(self) -> Floats: ...
    @property
    def close(self) -> Floats: ...
    @property
    def volume(self) -> Floats: ...


class Columns(NamedTuple):
    """The five columns of a run of bars, oldest first."""

    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats

    @classmethod
    def of(cls, bars: Bars) -> Self:
        """The columns of a tape or a window, not copied."""
        return cls(bars.open, bars.high, bars.low, bars.close, bars.volume)

    def cut(self, start: int, stop: int) -> Columns:
        """The bars from start up to but not including stop, not copied."""
        return Columns(*[column[start:stop] for column in self])

    def pick(self, names: Sequence[str]) -> list[Floats]:
        """The columns of these names, in their order."""
        return [getattr(self, name) for name in names]


class Past:
    """The bars so far as lists of floats, to which the newest is appended before streams are read."""

    __slots__ = ("close", "high", "low", "open", "volume")

    def __init__(self, columns: Columns) -> None:
        self.open: list[float] = columns.open.tolist()
        self.high: list[float] = columns.high.tolist()
        self.low: list[float] = columns.low.tolist()
        self.close: list[float] = columns.close.tolist()
        self.volume: list[float] = columns.volume.tolist()

    def append(self, open: float, high: float, low: float, close: float, volume: float) -> None:
        """One more bar."""
        self.open.append(open)
        self.high.append(high)
        self.low.append(low)
        self.close.append(close)
        self.volume.append(volume)

    @property
    def columns(self) -> Columns:
        """The bars so far as columns."""
        return Columns(*map(np.array, (self.open, self.high, self.low, self.close, self.volume)))

    def pick(self, names: Sequence[str]) -> list[list[float]]:
        """The lists of these names, in their order."""
        return [getattr(self, name) for name in names]


@dataclass(frozen=True, slots=True)
class Length:
    """One whole number an indicator takes: its default, where a search looks, and the least that works."""

    name: str
    default: int
    search: range
    least: int = 2


@dataclass(frozen=True, kw_only=True)
class Indicator(ABC):
    """A pure function of bars whose value depends on no more than the last `memory` of them."""

    name: str
    inputs: tuple[str, ...]
    lengths: tuple[Length, ...] = ()
    outputs: tuple[str, ...] = ("value",)

    @abstractmethod
    def memory(self, *lengths: int) -> int:
        """How many bars, the newest included, a value may depend on."""

    @abstractmethod
    def batch(self, columns: Columns, *lengths: int) -> tuple[Floats, ...]:
        """Every output at every bar; NaN where the bars so far are too few.

        Its last bits depend on where the columns begin: over a whole tape it is for searching only.
        """

    def ends(self, columns: Columns, count: int, *lengths: int) -> tuple[Floats, ...]:
        """Every output at each of the last `count` bars, as if that bar were the newest."""
        return tuple(output[len(output) - count :] for output in self.batch(columns, *lengths))

    @abstractmethod
    def open(self, history: Columns, past: Past, *lengths: int) -> Stream:
        """A stream that gives the bits of batch over history and whatever is then appended to past."""


def newest(function: Callable[..., Any], columns: Sequence[list[float]]) -> Stream:
    """A stream of the function's answers to the newest of each column; no loop, for this is the hot path."""
    match columns:
        case [a]:
            return lambda: function(a[-1])
        case [a, b]:
            return lambda: function(a[-1], b[-1])
        case [a, b, c]:
            return lambda: function(a[-1], b[-1], c[-1])
    a, b, c, d = columns
    return lambda: function(a[-1], b[-1], c[-1], d[-1])
