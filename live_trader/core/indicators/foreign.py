"""Any indicator of pandas-ta by name, computed on the window by pandas, which only who names one imports.

Nothing is known of it beforehand, so it is tried on a made-up market before it may be used: cut the future
off, and no value may change; begin later, and the values must come within a billionth of those of the whole,
or a ten-millionth where the rounding of pandas is as coarse as that. Twice as long as this takes is its
memory. What looks ahead, never forgets or fails is refused.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib import import_module
from inspect import signature
from typing import Any

import numpy as np

from live_trader.core.bars import Floats
from live_trader.core.indicators.indicator import Columns, Indicator, Length, Past, Stream
from live_trader.errors import BadRecipe

_INPUTS = {"open_": "open"} | {name: name for name in Columns._fields}
_LENGTHS = (
    *("fast", "medium", "slow", "signal", "k", "d", "smooth", "smooth_k", "lensig", "lookback", "bars"),
    *("tenkan", "kijun", "senkou", "roc1", "roc2", "roc3", "roc4", "sma1", "sma2", "sma3", "sma4"),
)
_SETTLED = {"talib": False, "centered": False, "include_chikou": False}
_FAULTS = (TypeError, ValueError, AttributeError, LookupError, ArithmeticError)
_FINE, _COARSE = 1e-9, 1e-7
_STARTS, _CUTS = (97, 211, 307, 503, 701, 997), (1200, 1999, 2750)


@dataclass(frozen=True, kw_only=True)
class Foreign(Indicator):
    """One function of pandas-ta; a length of 0 leaves it at the function's own default."""

    function: Callable[..., Any]
    keywords: tuple[str, ...]
    settled: tuple[tuple[str, bool], ...]

    def memory(self, *lengths: int) -> int:
        return _measured(self, lengths)

    def batch(self, columns: Columns, *lengths: int) -> tuple[Floats, ...]:
        return tuple(np.ascontiguousarray(self.frame(columns, *lengths).to_numpy(np.float64).T))

    def frame(self, columns: Columns, *lengths: int) -> Any:
        """What the function makes of the columns, as a data frame with a row for each bar."""
        import pandas

        given = {each.name: length for each, length in zip(self.lengths, lengths, strict=True) if length}
        series = {k: pandas.Series(c) for k, c in zip(self.keywords, columns.pick(self.inputs), strict=True)}
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                made = self.function(**series, **given, **dict(self.settled))
            made = made[0] if isinstance(made, tuple) else made
            return pandas.DataFrame(made).reindex(range(len(columns.close)))
        except _FAULTS as fault:
            raise BadRecipe(f"{self.name} with lengths {lengths} fails: {fault}") from fault

    def ends(self, columns: Columns, count: int, *lengths: int) -> tuple[Floats, ...]:
        """By halves: where cutting the later one off changes a bit of the earlier, each is done by itself."""
        whole = self.batch(columns, *lengths)
        if count == 1:
            return tuple(output[-1:] for output in whole)
        later = count // 2
        middle = len(columns.close) - later
        earlier = columns.cut(0, middle)
        cut = self.batch(earlier, *lengths)
        if all(np.array_equal(a[:middle], b, equal_nan=True) for a, b in zip(whole, cut, strict=True)):
            after = tuple(output[middle:] for output in whole)
        else:
            after = self.ends(columns, later, *lengths)
        before = self.ends(earlier, count - later, *lengths)
        return tuple(np.concatenate(each) for each in zip(before, after, strict=True))

    def open(self, history: Columns, past: Past, *lengths: int) -> Stream:
        start = len(past.close) - len(history.close)

        def stream() -> Any:
            columns = past.columns.cut(start, len(past.close))
            newest = [float(output[-1]) for output in self.batch(columns, *lengths)]
            return newest if len(newest) > 1 else newest[0]

        return stream


@cache
def borrowed(name: str) -> Foreign:
    """The pandas-ta indicator of this name."""
    functions = library()
    if not any(name in names for names in functions.Category.values()):
        raise BadRecipe(f"pandas-ta has no indicator {name!r}")
    function = getattr(functions, name)
    parameters = signature(function).parameters
    keywords = [
        key for key in parameters if key in _INPUTS and (key, parameters[key].default) != ("open_", None)
    ]
    lengths = [key for key in parameters if key in _LENGTHS or key.endswith("length")]
    search = range(2, 300, 10) if len(lengths) == 1 else range(3, 60, 10)
    unnamed = Foreign(
        name=f"ta.{name}",
        inputs=tuple(_INPUTS[key] for key in keywords),
        lengths=tuple(Length(key, 0, search, 0) for key in lengths),
        function=function,
        keywords=tuple(keywords),
        settled=tuple((key, value) for key, value in _SETTLED.items() if key in parameters),
    )
    return replace(unnamed, outputs=_names(unnamed))


def library() -> Any:
    """pandas-ta, told to leave TA-Lib alone, which is loaded here without its support for pandas."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        functions = import_module("pandas_ta_classic")
    functions.Imports["talib"] = False
    return functions


def _names(indicator: Foreign) -> tuple[str, ...]:
    """The columns it makes, each up to its first underscore where that tells them apart."""
    made = list(indicator.frame(_market(1000), *[0] * len(indicator.lengths)))
    short = tuple(column.split("_")[0] for column in made)
    if len(made) == 1:
        return ("value",)
    return short if len(set(short)) == len(short) else tuple(made)


@cache
def _measured(indicator: Foreign, lengths: tuple[int, ...]) -> int:
    """Twice the bars it takes, from whatever start, to meet the values of the whole."""
    market = _market(3072 + 32 * sum(lengths))
    whole, count = indicator.batch(market, *lengths), len(market.close)
    for cut in _CUTS:
        early = indicator.batch(market.cut(0, cut), *lengths)
        if _astray([output[:cut] for output in whole], early, _COARSE):
            raise BadRecipe(f"{indicator.name} changes when later bars are cut off", "It cannot be used")
    later = {start: indicator.batch(market.cut(start, count), *lengths) for start in _STARTS}
    for near in (_FINE, _COARSE):
        astray = max(_astray([output[s:] for output in whole], part, near) for s, part in later.items())
        if astray < (count - max(_STARTS)) // 2:
            return 2 * (astray + 1)
    raise BadRecipe(
        f"{indicator.name} with lengths {lengths} never forgets its first bar", "It cannot be used"
    )


def _astray(whole: Sequence[Floats], part: Sequence[Floats], near: float) -> int:
    """How many values pass before all of the part are, and stay, as near as that to those of the whole."""
    latest = 0
    for true, seen in zip(whole, part, strict=True):
        scale = np.nanmax(np.abs(true), initial=0.0)
        met = (np.abs(true - seen) <= near * scale) | (np.isnan(true) & np.isnan(seen))
        latest = max(latest, *(np.flatnonzero(~met)[-1:] + 1).tolist(), 0)
    return latest


def _market(count: int) -> Columns:
    """A made-up market that is always the same and never stands still."""
    chance = np.random.RandomState(2026)  # the generator whose numbers numpy has promised never to change
    close = 100.0 * np.exp(np.cumsum(chance.normal(0.0, 1e-3, count)))
    open = np.concatenate(((100.0,), close[:-1]))
    high = np.maximum(open, close) + 0.05 * chance.random_sample(count)
    low = np.minimum(open, close) - 0.05 * chance.random_sample(count)
    return Columns(open, high, low, close, 1000.0 * chance.random_sample(count))
