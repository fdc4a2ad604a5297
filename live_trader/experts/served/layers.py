"""The steps between a row of features and the row an estimator sees."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import numpy as np

from live_trader.core.bars import Floats
from live_trader.experts.served.numbers import Matrix, finite, floats
from live_trader.experts.served.stages import Quantile, Stage, chain

Row = list[float]


class Column(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One column of the next row: which of this row it comes from, and what is done to it."""

    source: int
    stages: list[Stage]


class Columns(msgspec.Struct, frozen=True, tag="columns", forbid_unknown_fields=True):
    """Some columns of a row, each transformed on its own."""

    columns: list[Column]

    def check(self, width: int) -> int:
        """The width of the next row; what cannot be is said as a ValueError."""
        for column in self.columns:
            if not 0 <= column.source < width:
                raise ValueError("a column comes from outside the row")
            for stage in column.stages:
                stage.check()
        return len(self.columns)

    def share(self, known: dict[Quantile, Quantile]) -> None:
        """Hold each table of quantiles once, also when another form has it."""
        for column in self.columns:
            column.stages[:] = [
                known.setdefault(stage, stage) if isinstance(stage, Quantile) else stage
                for stage in column.stages
            ]

    def ready(self) -> Callable[[Row], Row]:
        """The transform of one row."""
        plan = [(column.source, chain(column.stages)) for column in self.columns]
        return lambda row: [curve(row[source]) for source, curve in plan]

    def many(self, rows: Floats) -> Floats:
        """The transform of many rows."""
        results = np.empty((len(rows), len(self.columns)))
        for place, column in enumerate(self.columns):
            values = rows[:, column.source]
            for stage in column.stages:
                values = stage.many(values)
            results[:, place] = values
        return results


class Rotation(msgspec.Struct, frozen=True, tag="rotation", forbid_unknown_fields=True):
    """Principal components of a row: weighted sums of what differs from the mean, each divided."""

    mean: bytes
    components: Matrix
    divide: bytes

    def check(self, width: int) -> int:
        """The width of the next row; what cannot be is said as a ValueError."""
        self.components.check()
        mean, divide = floats(self.mean), floats(self.divide)
        finite(mean)
        finite(divide)
        if not len(mean) == self.components.columns == width or len(divide) != self.components.rows:
            raise ValueError("a rotation does not fit its row")
        if (divide <= 0).any():
            raise ValueError("a rotation divides by something that is not a positive number")
        return self.components.rows

    def ready(self) -> Callable[[Row], Row]:
        """The transform of one row."""
        mean, components, divide = floats(self.mean), self.components.array, floats(self.divide)

        def rotated(row: Row) -> Row:
            turned: Row = (components @ (np.array(row) - mean) / divide).tolist()
            return turned

        return rotated

    def many(self, rows: Floats) -> Floats:
        """The transform of many rows."""
        return (rows - floats(self.mean)) @ self.components.array.T / floats(self.divide)


Layer = Columns | Rotation
