"""Indicators that are one expression, written once, of floats and of columns alike."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from math import inf, log
from typing import Any

import numpy as np

from live_trader.core.bars import Floats
from live_trader.core.indicators.indicator import Columns, Indicator, Past, Stream, newest
from live_trader.core.indicators.native import talib

Number = Any
"""A float or a column of them: the expressions do the same arithmetic on both, to the bit."""

_HALF = 0.5 * (1.0 - 1e-9)
"""A half, less what rounding could add: in a flat market half of the closes make exactly half the sum."""


def share(part: Number, whole: Number, otherwise: float) -> Number:
    """Part over whole where there is a whole."""
    if isinstance(whole, float):
        return part / whole if whole > 0.0 else otherwise
    return np.divide(part, whole, out=np.full(len(whole), otherwise), where=whole > 0.0)


def logarithm(ratio: Number) -> Number:
    """The natural logarithm, by the C library for both, since numpy's differs in the last bit."""
    if isinstance(ratio, float):
        return log(ratio) if ratio > 0.0 else -inf
    return talib.LN(ratio)


def running(terms: Floats) -> Floats:
    """The totals of the terms before each position, and of all."""
    return np.cumsum(np.concatenate(((0.0,), terms)))


@dataclass(frozen=True, kw_only=True)
class Shape(Indicator):
    """An expression of one bar's inputs."""

    value: Callable[..., Number]

    def memory(self, *lengths: int) -> int:
        return 1

    def batch(self, columns: Columns, *lengths: int) -> tuple[Floats, ...]:
        return (self.value(*columns.pick(self.inputs)),)

    def open(self, history: Columns, past: Past, *lengths: int) -> Stream:
        return newest(self.value, past.pick(self.inputs))


@dataclass(frozen=True, kw_only=True)
class Change(Indicator):
    """An expression of the newest bar's first input and the last input so many bars before."""

    value: Callable[[Number, Number], Number]

    def memory(self, *lengths: int) -> int:
        return lengths[0] + 1

    def batch(self, columns: Columns, *lengths: int) -> tuple[Floats, ...]:
        now, then, length = *self._ends(columns), lengths[0]
        out = np.full(len(now), np.nan)
        out[length:] = self.value(now[length:], then[: max(len(now) - length, 0)])
        return (out,)

    def open(self, history: Columns, past: Past, *lengths: int) -> Stream:
        value, (now, then), back = self.value, self._ends(past), -1 - lengths[0]
        return lambda: value(now[-1], then[back])

    def _ends(self, bars: Columns | Past) -> tuple[Any, Any]:
        picked = bars.pick(self.inputs)
        return picked[0], picked[-1]


@dataclass(frozen=True, kw_only=True)
class Sums(Indicator):
    """An expression of the length and of sums of terms; each bar makes terms of inputs tapped at some lag.

    A sum is the difference of two running totals, so equal histories give equal bits, and where every term is
    0 nothing stays behind.
    """

    taps: tuple[tuple[str, int], ...]
    terms: Callable[..., tuple[Number, ...]]
    value: Callable[..., Number]
    spans: Callable[[int], tuple[int, ...]] = lambda length: (length,)

    def memory(self, *lengths: int) -> int:
        return max(self.spans(*lengths)) + self._lag

    def batch(self, columns: Columns, *lengths: int) -> tuple[Floats, ...]:
        totals, spans = self._totals(columns), self.spans(*lengths)
        start, count = max(spans), len(totals[0])
        out = np.full(len(columns.close), np.nan)
        if count > start:
            each = zip(totals, spans, strict=True)
            sums = [total[start:] - total[start - span : count - span] for total, span in each]
            out[start + self._lag - 1 :] = self.value(*lengths, *sums)
        return (out,)

    def open(self, history: Columns, past: Past, *lengths: int) -> Stream:
        taps = [(getattr(past, name), -1 - lag) for name, lag in self.taps]
        totals = [total.tolist() for total in self._totals(history)]
        backs = [-1 - span for span in self.spans(*lengths)]
        terms, value = self.terms, self.value

        def stream() -> Any:
            sums = []
            made = terms(*[column[at] for column, at in taps])
            for total, term, back in zip(totals, made, backs, strict=True):
                newest = total[-1] + term
                total.append(newest)
                sums.append(newest - total[back])
            return value(*lengths, *sums)

        return stream

    @property
    def _lag(self) -> int:
        return max(lag for _, lag in self.taps)

    def _totals(self, columns: Columns) -> list[Floats]:
        lag, count = self._lag, len(columns.close)
        tapped = [getattr(columns, name)[lag - back : max(count - back, 0)] for name, back in self.taps]
        return [running(term) for term in self.terms(*tapped)]


@dataclass(frozen=True, kw_only=True)
class Middle(Indicator):
    """The part of the last closes, oldest first, that it takes to gather half of their sum."""

    inputs: tuple[str, ...] = ("close",)

    def memory(self, *lengths: int) -> int:
        return lengths[0]

    def batch(self, columns: Columns, *lengths: int) -> tuple[Floats, ...]:
        totals, length = running(columns.close), lengths[0]
        out = np.full(len(columns.close), np.nan)
        if len(out) >= length:
            before = totals[:-length]
            found = np.searchsorted(totals, before + (totals[length:] - before) * _HALF)
            out[length - 1 :] = np.clip(found - np.arange(len(before)), 1, length) / length
        return (out,)

    def open(self, history: Columns, past: Past, *lengths: int) -> Stream:
        closes, length, totals = past.close, lengths[0], running(history.close).tolist()

        def stream() -> float:
            totals.append(totals[-1] + closes[-1])
            start = len(totals) - 1 - length
            before = totals[start]
            found = bisect_left(totals, before + (totals[-1] - before) * _HALF, start + 1, start + length)
            return float((found - start) / length)

        return stream
