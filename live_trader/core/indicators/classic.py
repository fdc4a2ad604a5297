"""The 28 features of the original system, in order; in a still market TA-Lib's own answers, mostly 0."""

from __future__ import annotations

from live_trader.core.indicators.formulas import Change, Middle, Number, Shape, Sums, logarithm, share
from live_trader.core.indicators.indicator import Indicator, Length
from live_trader.core.indicators.native import Against, Native

_SPAN = (Length("length", 14, range(2, 300, 10)),)
_PAIR = (Length("fastk", 14, range(3, 200, 5), 1), Length("fastd", 3, range(3, 200, 5), 1))
_HL, _HLC = ("high", "low"), ("high", "low", "close")
_OHLC, _HLCV = ("open", *_HLC), (*_HLC, "volume")

_HAIR = 1e-9
"""The part of a price that does not count, or rounding would decide for a close exactly on its band."""


def _eased(high: Number, low: Number, volume: Number, high_1: Number, low_1: Number) -> tuple[Number, ...]:
    return (share(((high - high_1) + (low - low_1)) * (high - low) * 1e8, 2.0 * volume, 0.0),)


def _reversed(close: Number, close_2: Number, close_4: Number) -> tuple[Number, ...]:
    return (close_2 * (close - close_4) * (close + close_4),)


CLASSIC: tuple[Indicator, ...] = (
    Shape(name="avgprice", inputs=_OHLC, value=lambda o, hi, lo, c: ((o + hi + lo + c) / 4.0 - c) / c),
    Shape(name="medprice", inputs=_HLC, value=lambda hi, lo, c: ((hi + lo) / 2.0 - c) / c),
    Shape(name="typprice", inputs=_HLC, value=lambda hi, lo, c: ((hi + lo + c) / 3.0 - c) / c),
    Shape(name="wclprice", inputs=_HLC, value=lambda hi, lo, c: ((hi + lo + 2.0 * c) / 4.0 - c) / c),
    Native(name="trange", inputs=_HLC, function="TRANGE"),
    Shape(name="bop", inputs=_OHLC, value=lambda o, hi, lo, c: share(c - o, hi - lo, 0.0)),
    Sums(
        name="eom",
        inputs=("high", "low", "volume"),
        lengths=(Length("length", 14, range(2, 300, 10), 1),),
        taps=(("high", 0), ("low", 0), ("volume", 0), ("high", 1), ("low", 1)),
        terms=_eased,
        value=lambda x, total: total / x,
    ),
    Against(
        name="bhi",
        inputs=("close",),
        lengths=_SPAN,
        function="BBANDS",
        arguments=lambda x: (x, 2.0, 2.0),
        output=0,
        value=lambda upper, close: 1.0 * (close - upper > _HAIR * close),
    ),
    Against(
        name="bli",
        inputs=("close",),
        lengths=_SPAN,
        function="BBANDS",
        arguments=lambda x: (x, 2.0, 2.0),
        output=2,
        value=lambda lower, close: 1.0 * (lower - close > _HAIR * close),
    ),
    Against(
        name="dchi",
        inputs=("high",),
        lengths=_SPAN,
        function="MAX",
        arguments=lambda x: (x + 1,),
        value=lambda highest, high: 1.0 * (highest <= high),
    ),
    Against(
        name="dcli",
        inputs=("low",),
        lengths=_SPAN,
        function="MIN",
        arguments=lambda x: (x + 1,),
        value=lambda lowest, low: 1.0 * (lowest >= low),
    ),
    Native(name="vip", inputs=_HLC, lengths=_SPAN, function="VORTEX", output=0),
    Native(name="vin", inputs=_HLC, lengths=_SPAN, function="VORTEX", output=1),
    Native(name="mfi", inputs=_HLCV, lengths=_SPAN, function="MFI"),
    Native(
        name="stoch_k",
        inputs=_HLC,
        lengths=_SPAN,
        function="STOCHF",
        arguments=lambda x: (x, 1, 0),
        output=0,
    ),
    Against(
        name="midpoint",
        inputs=("close",),
        lengths=_SPAN,
        function="MIDPOINT",
        value=lambda middle, close: (middle - close) / close,
    ),
    Against(
        name="midprice",
        inputs=_HLC,
        feed=_HL,
        lengths=_SPAN,
        function="MIDPRICE",
        value=lambda middle, close: (middle - close) / close,
    ),
    Native(name="aroondown", inputs=("low",), feed=("low", "low"), lengths=_SPAN, function="AROON", output=0),
    Native(
        name="aroonup", inputs=("high",), feed=("high", "high"), lengths=_SPAN, function="AROON", output=1
    ),
    Native(name="aroonosc", inputs=_HL, lengths=_SPAN, function="AROONOSC"),
    Change(name="mom", inputs=("close",), lengths=_SPAN, value=lambda now, then: now - then),
    Change(name="roc", inputs=("close",), lengths=_SPAN, value=lambda now, then: 100.0 * (now / then - 1.0)),
    Change(name="ind1", inputs=("close", "open"), lengths=_SPAN, value=lambda now, then: (now - then) / then),
    Change(name="ind4", inputs=("close",), lengths=_SPAN, value=lambda now, then: logarithm(now / then)),
    Sums(
        name="ind6",
        inputs=("close",),
        lengths=_SPAN,
        taps=(("close", 0),),
        terms=lambda close: (close * close, close * close),
        spans=lambda x: (x // 2, x),
        value=lambda x, half, whole: share(half, whole, 0.5),
    ),
    Middle(name="ind7", lengths=_SPAN),
    Sums(
        name="ind8",
        inputs=("close",),
        lengths=_SPAN,
        taps=(("close", 0), ("close", 2), ("close", 4)),
        terms=_reversed,
        spans=lambda x: (max(x - 4, 0),),
        value=lambda x, total: total / max(x - 4, 1),
    ),
    Native(
        name="stochf_k",
        inputs=_HLC,
        lengths=_PAIR,
        function="STOCHF",
        arguments=lambda fastk, fastd: (fastk, fastd, 0),
        output=0,
    ),
)
