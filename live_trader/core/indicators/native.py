"""TA-Lib, loaded without the pandas it would bring along, and its functions as indicators."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from live_trader.core.bars import Floats
from live_trader.core.indicators.indicator import Columns, Indicator, Past, Stream, newest


def _load() -> ModuleType:
    """TA-Lib imported with pandas and polars barred: it would only wrap its functions for their series."""
    barred = [name for name in ("pandas", "polars") if name not in sys.modules]
    sys.modules.update(dict.fromkeys(barred))  # type: ignore[arg-type]  # None bars a module
    try:
        import talib
        import talib.abstract
    finally:
        for name in barred:
            del sys.modules[name]
    return talib


talib: Any = _load()


@dataclass(frozen=True, kw_only=True)
class Native(Indicator):
    """A TA-Lib function, or one of its outputs; stream and batch give the same bits over the same history."""

    function: str
    fades: Callable[..., int] = lambda *_: 0
    feed: tuple[str, ...] = ()
    arguments: Callable[..., tuple[Any, ...]] = lambda *lengths: lengths
    output: int | None = None

    def memory(self, *lengths: int) -> int:
        """The bars TA-Lib needs for a value, and those in which a recursive one forgets its beginning."""
        function = talib.abstract.Function(self.function)
        function.parameters = dict(zip(function.parameters, self.arguments(*lengths), strict=False))
        return int(function.lookback) + 1 + self.fades(*lengths)

    def batch(self, columns: Columns, *lengths: int) -> tuple[Floats, ...]:
        made = getattr(talib, self.function)(*columns.pick(self._fed), *self.arguments(*lengths))
        if self.output is not None:
            return (made[self.output],)
        return made if isinstance(made, tuple) else (made,)

    def open(self, history: Columns, past: Past, *lengths: int) -> Stream:
        opening = getattr(talib.stream, self.function)
        update = opening(*history.pick(self._fed), *self.arguments(*lengths)).update
        read = newest(update, past.pick(self._fed))
        return read if self.output is None else _only(read, self.output)

    @property
    def _fed(self) -> tuple[str, ...]:
        return self.feed or self.inputs


@dataclass(frozen=True, kw_only=True)
class Against(Native):
    """An expression of what a TA-Lib function gives and of the newest bar's last input."""

    value: Callable[[Any, Any], Any]

    def batch(self, columns: Columns, *lengths: int) -> tuple[Floats, ...]:
        (level,) = super().batch(columns, *lengths)
        known = ~np.isnan(level)
        out = np.full(len(level), np.nan)
        out[known] = self.value(level[known], getattr(columns, self.inputs[-1])[known])
        return (out,)

    def open(self, history: Columns, past: Past, *lengths: int) -> Stream:
        value, level, column = (
            self.value,
            super().open(history, past, *lengths),
            getattr(past, self.inputs[-1]),
        )
        return lambda: value(level(), column[-1])


def _only(read: Stream, output: int) -> Stream:
    return lambda: read()[output]
