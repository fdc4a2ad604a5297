"""Recipes of indicators, and the row of numbers a recipe makes of a window.

A row is a pure function of its window. Time is cut into blocks of STRIDE slots; an indicator opens on the
bars before the first bar of a block and is updated through the block. So a bot that runs for weeks, one that
has just restarted and a back-test see the same bits, though a running sum's last bits depend on its start.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import Any, Self
from zlib import crc32

import numpy as np

from live_trader.core.bars import Floats, Tape, Ticker, Times, Window
from live_trader.core.indicators import CLASSIC, LONGEST, Columns, Indicator, Past, Stream, find
from live_trader.errors import BadData, BadRecipe

STRIDE = 128
"""How many slots of time pass between two openings of the indicators."""


@dataclass(frozen=True, slots=True)
class Step:
    """One column of a recipe: an indicator, its lengths, and which output where it has several."""

    name: str
    lengths: tuple[int, ...] = ()
    output: str = ""

    @property
    def column(self) -> str:
        """The column's readable name."""
        return "_".join((self.name, *map(str, self.lengths), *filter(None, (self.output,))))


@dataclass(frozen=True)
class Recipe:
    """The chosen indicators and lengths, in order; it belongs to one expert for ever.

    `memory` is how many bars a number of the row may depend on.
    """

    steps: tuple[Step, ...]
    memory: int = field(init=False, compare=False)

    def __post_init__(self) -> None:
        if not self.steps:
            raise BadRecipe("a recipe without steps makes no row", "Name at least one indicator")
        for step in self.steps:
            _check(step, find(step.name))
        if len(set(self.steps)) < len(self.steps):
            twice = next(step for step in self.steps if self.steps.count(step) > 1)
            raise BadRecipe(f"a recipe names {twice.column} twice", "Name each step once")
        memory = max(find(step.name).memory(*step.lengths) for step in self.steps)
        object.__setattr__(self, "memory", memory)

    @classmethod
    def of(cls, plain: Any) -> Self:
        """The recipe of plain lists of a name, its lengths and, where there are several, an output."""
        if not isinstance(plain, list | tuple):
            raise BadRecipe(_UNLIKE)
        return cls(tuple(_step(each) for each in plain))

    @property
    def plain(self) -> list[list[Any]]:
        """The steps as lists that JSON can hold."""
        return [[s.name, list(s.lengths), *([s.output] if s.output else [])] for s in self.steps]

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the row's numbers."""
        return tuple(step.column for step in self.steps)


def classic(lengths: Mapping[str, tuple[int, ...]] | None = None) -> Recipe:
    """The 28 features of the original system, in order, with these lengths where they are named."""
    chosen = dict(lengths or {})
    steps = [
        Step(each.name, tuple(chosen.pop(each.name, [length.default for length in each.lengths])))
        for each in CLASSIC
    ]
    if chosen:
        raise BadRecipe(f"{', '.join(sorted(chosen))} is not among the 28 classic features")
    return Recipe(tuple(steps))


_UNLIKE = "what should be a recipe is not a list of [name, [lengths]] or [name, [lengths], output]"


def _step(plain: Any) -> Step:
    match plain:
        case [str(name), [*lengths]]:
            return Step(name, tuple(lengths))
        case [str(name), [*lengths], str(output)]:
            return Step(name, tuple(lengths), output)
    raise BadRecipe(_UNLIKE)


def _check(step: Step, indicator: Indicator) -> None:
    wanted = indicator.lengths
    if len(step.lengths) != len(wanted):
        names = ", ".join(length.name for length in wanted) or "none"
        raise BadRecipe(f"{step.name} got {len(step.lengths)} lengths where it takes {len(wanted)}: {names}")
    for value, length in zip(step.lengths, wanted, strict=True):
        if type(value) is not int or not length.least <= value <= LONGEST:
            raise BadRecipe(
                f"{step.name} cannot have {length.name} {value!r}",
                f"Use a whole number from {length.least} to {LONGEST}",
            )
    several = len(indicator.outputs) > 1
    if several != bool(step.output) or (several and step.output not in indicator.outputs):
        given = f"output {step.output!r}" if step.output else "no output named"
        raise BadRecipe(
            f"{step.name} has {given}",
            f"Use one of {', '.join(indicator.outputs)}" if several else "Name none",
        )


@dataclass(frozen=True, slots=True)
class _Group:
    """Steps that read the same indicator with the same lengths, and where their outputs go in the row."""

    indicator: Indicator
    lengths: tuple[int, ...]
    memory: int
    slots: tuple[tuple[int, int], ...]


def _groups(recipe: Recipe) -> list[_Group]:
    slots: dict[tuple[str, tuple[int, ...]], list[tuple[int, int]]] = {}
    for slot, step in enumerate(recipe.steps):
        outputs = find(step.name).outputs
        output = outputs.index(step.output) if step.output else 0
        slots.setdefault((step.name, step.lengths), []).append((slot, output))
    return [
        _Group(find(name), lengths, find(name).memory(*lengths), tuple(where))
        for (name, lengths), where in slots.items()
    ]


class _Opened:
    """A recipe's streams, opened on a run of bars and ready for the next."""

    __slots__ = ("_many", "_past", "_singles", "_values")

    def __init__(self, groups: Sequence[_Group], columns: Columns, anchor: int, stop: int) -> None:
        self._past = Past(columns.cut(max(anchor - max(g.memory for g in groups), 0), stop))
        self._values = [0.0] * sum(len(group.slots) for group in groups)
        self._singles: list[tuple[int, Stream]] = []
        self._many: list[tuple[Stream, tuple[tuple[int, int], ...]]] = []
        for group in groups:
            history = columns.cut(anchor - group.memory, stop)
            with np.errstate(all="ignore"):
                stream = group.indicator.open(history, self._past, *group.lengths)
            if len(group.indicator.outputs) == 1:
                self._singles.append((group.slots[0][0], stream))
            else:
                self._many.append((stream, group.slots))

    def step(self, bar: Sequence[float]) -> Floats:
        """The row after one more bar."""
        self._past.append(*bar)
        values = self._values
        for slot, stream in self._singles:
            values[slot] = stream()
        for stream, slots in self._many:
            made = stream()
            for slot, output in slots:
                values[slot] = made[output]
        row = np.array(values)
        return row if isfinite(sum(values)) else _tame(row)


def _tame(rows: Floats) -> Floats:
    """The rows with 0 where a number overflows, as a move over next to no volume does."""
    return np.where(np.isfinite(rows), rows, 0.0)


class _Calendar:
    """Which block a moment belongs to; each ticker has its own, or all would re-open in the same instant."""

    __slots__ = ("_offset", "_seconds")

    def __init__(self, ticker: Ticker) -> None:
        self._seconds = ticker.timeframe.seconds
        self._offset = crc32(str(ticker).encode()) % STRIDE

    def block(self, time: int) -> int:
        return (time // self._seconds + self._offset) // STRIDE

    def blocks(self, times: Times) -> Times:
        return (times // self._seconds + self._offset) // STRIDE

    def starts(self, block: int) -> int:
        return (block * STRIDE - self._offset) * self._seconds


class Features:
    """The row of a recipe for a window; it keeps the streams of the last window to update them by one bar."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self.memory = recipe.memory + STRIDE
        self._groups = _groups(recipe)
        self._calendar: _Calendar | None = None
        self._ticker: Ticker | None = None
        self._last: Window | None = None
        self._opened: _Opened | None = None
        self._block: int | None = None
        self._row: Floats | None = None

    def row(self, window: Window) -> Floats:
        """The features as of the window's last bar."""
        if window is self._last and self._row is not None:
            return self._row.copy()
        calendar = self._for(window)
        block = calendar.block(window.end)
        last, opened = self._last, self._opened
        if last is None or opened is None or self._block not in (block, None) or not window.follows(last):
            opened = self._open(window, calendar.starts(block))
        self._last = None
        row = opened.step(window.latest)
        self._opened, self._block, self._last, self._row = opened, block, window, row
        return row.copy()

    def prepare(self, window: Window) -> None:
        """Open now, after the answer is sent, what the next bar would have to open if it begins a block."""
        calendar = self._for(window)
        following = window.end + window.ticker.timeframe.seconds
        if calendar.block(following) == calendar.block(window.end):
            return
        self._opened = _Opened(self._groups, Columns.of(window), window.length, window.length)
        self._last, self._block, self._row = window, None, None

    def _for(self, window: Window) -> _Calendar:
        if self._calendar is None or window.ticker != self._ticker:
            self._calendar, self._ticker, self._last = _Calendar(window.ticker), window.ticker, None
        return self._calendar

    def _open(self, window: Window, since: int) -> _Opened:
        if window.length < self.memory:
            raise BadData(f"a window of {window.length} bars is too short for a memory of {self.memory}")
        anchor = int(np.searchsorted(window.times, since))
        return _Opened(self._groups, Columns.of(window), anchor, window.length - 1)


def table(recipe: Recipe, tape: Tape) -> Floats:
    """The row of every bar of a tape; NaN where too few bars stand before it for a window."""
    groups, columns, memory = _groups(recipe), Columns.of(tape), recipe.memory
    rows = np.full((len(tape), len(recipe.steps)), np.nan)
    blocks = _Calendar(tape.ticker).blocks(tape.times)
    bounds = np.flatnonzero(np.diff(blocks, prepend=-1, append=-1))
    with np.errstate(all="ignore"):
        for start, stop in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
            if start >= memory:
                _fill(rows, groups, columns, start, stop)
    rows[memory + STRIDE - 1 :] = _tame(rows[memory + STRIDE - 1 :])
    rows[: memory + STRIDE - 1] = np.nan
    return rows


def _fill(rows: Floats, groups: Sequence[_Group], columns: Columns, start: int, stop: int) -> None:
    for group in groups:
        segment = columns.cut(start - group.memory, stop)
        outputs = group.indicator.ends(segment, stop - start, *group.lengths)
        for slot, output in group.slots:
            rows[start:stop, slot] = outputs[output]
