"""The strategies that can be named, and how one is made from its name and parameters."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import fields
from typing import TypeVar, get_type_hints

import msgspec

from live_trader.core.bars import Timeframe
from live_trader.core.strategies.breakout import Donchian, Reversal, SupportResistance
from live_trader.core.strategies.chartist import Chartist
from live_trader.core.strategies.crossing import AverageRsi, FilteredCross, SmaCross
from live_trader.core.strategies.daily import OpenRange, Trend, Trend2Day, Trend3Day, TrendDay, Volatility
from live_trader.errors import BadSettings

Parameter = str | int | float | bool
Made = TypeVar("Made")

STRATEGIES: Mapping[str, type[Chartist]] = {
    "sma_cross": SmaCross,
    "filtered_cross": FilteredCross,
    "ma_rsi": AverageRsi,
    "donchian": Donchian,
    "reversal": Reversal,
    "support_resistance": SupportResistance,
    "trend": Trend,
    "trend2day": Trend2Day,
    "trend3day": Trend3Day,
    "open_range": OpenRange,
    "volatility": Volatility,
    "trend_day": TrendDay,
}


def named(name: str) -> type[Chartist]:
    """The strategy of this name, or an error that names the nearest."""
    try:
        return STRATEGIES[name]
    except KeyError:
        near = difflib.get_close_matches(name, STRATEGIES, 1)
        hint = f"Did you mean {near[0]}" if near else f"There are {', '.join(STRATEGIES)}"
        raise BadSettings(f"there is no strategy {name!r}", hint) from None


def make(kind: type[Made], timeframe: Timeframe, parameters: Mapping[str, Parameter]) -> Made:
    """A strategy of this kind for bars of this timeframe; parameters may be given as text."""
    hints = get_type_hints(kind)
    names = [field.name for field in fields(kind) if field.name != "on"]  # type: ignore[arg-type]  # each is a dataclass
    values: dict[str, object] = {}
    for name, value in parameters.items():
        if name not in names:
            there = ", ".join(names) or "none"
            raise BadSettings(f"{kind.__name__} has no parameter {name!r}", f"There are: {there}")
        try:
            values[name] = msgspec.convert(value, hints[name], strict=False)
        except msgspec.ValidationError as error:
            raise BadSettings(f"{name}={value!r} cannot be read: {error}") from None
    return kind(**({"on": timeframe} if "on" in hints else {}), **values)
