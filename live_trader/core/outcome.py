"""What a run over the past leaves behind: its trades, and what the account was worth bar by bar."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from live_trader.core.bars import Floats, Times
from live_trader.core.signals import Direction
from live_trader.errors import BadData

DAY = 86_400
YEAR = 365.25 * DAY

Signs = NDArray[np.int8]
Words = NDArray[np.str_]


@dataclass(frozen=True, slots=True)
class Trade:
    """A position from open to flat: `profit` is net of `fees`, times are seconds since 1970."""

    entered: int
    exited: int
    side: Direction
    entry: float
    exit: float
    quantity: float
    profit: float
    fees: float
    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class Trades:
    """Trades as columns, in the order in which they ended; `side` is 1 for long and -1 for short."""

    entered: Times
    exited: Times
    side: Signs
    entry: Floats
    exit: Floats
    quantity: Floats
    profit: Floats
    fees: Floats
    reason: Words

    @classmethod
    def of(cls, trades: Iterable[Trade]) -> Self:
        """These trades as columns, put in the order in which they ended."""
        rows = sorted(trades, key=lambda trade: trade.exited)

        def numbers(name: str) -> Floats:
            return np.array([getattr(row, name) for row in rows], dtype=np.float64)

        return cls(
            np.array([row.entered for row in rows], dtype=np.int64),
            np.array([row.exited for row in rows], dtype=np.int64),
            np.array([row.side.sign for row in rows], dtype=np.int8),
            numbers("entry"),
            numbers("exit"),
            numbers("quantity"),
            numbers("profit"),
            numbers("fees"),
            np.array([row.reason for row in rows], dtype=np.str_),
        )

    def __len__(self) -> int:
        return len(self.profit)

    def __iter__(self) -> Iterator[Trade]:
        return (self.trade(index) for index in range(len(self)))

    def trade(self, index: int) -> Trade:
        """One trade of the columns."""
        return Trade(
            int(self.entered[index]),
            int(self.exited[index]),
            Direction.LONG if self.side[index] > 0 else Direction.SHORT,
            float(self.entry[index]),
            float(self.exit[index]),
            float(self.quantity[index]),
            float(self.profit[index]),
            float(self.fees[index]),
            str(self.reason[index]),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Equity:
    """What the account was worth as each bar closed, open positions included.

    `times` are the bars' openings; `initial` is what the account began with.
    """

    initial: float
    times: Times
    values: Floats

    def __post_init__(self) -> None:
        if self.initial <= 0.0 or not len(self.values):
            raise BadData(f"equity begins with {self.initial} and has {len(self.values)} bars")

    @property
    def changes(self) -> Floats:
        """What each bar added to the account."""
        return np.diff(self.values, prepend=self.initial)

    @property
    def years(self) -> float:
        """From the opening of the first bar to that of the last."""
        return max(float(self.times[-1] - self.times[0]) / YEAR, DAY / YEAR)
