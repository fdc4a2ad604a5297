"""The common indicators of TA-Lib under its names in lower case; three of volume are our own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from live_trader.core.indicators.fading import ema, fade, wilder
from live_trader.core.indicators.formulas import Number, Sums, share
from live_trader.core.indicators.indicator import Indicator, Length
from live_trader.core.indicators.native import Native

_C, _V, _OC, _CV, _HL = ("close",), ("volume",), ("open", "close"), ("close", "volume"), ("high", "low")
_HLC, _HLCV = ("high", "low", "close"), ("high", "low", "close", "volume")
_BANDS = ("upper", "middle", "lower")
_SEARCHES = {1: range(2, 300, 10), 2: range(3, 200, 5), 3: range(3, 60, 10)}


def _of(
    function: str,
    inputs: tuple[str, ...],
    outputs: tuple[str, ...] = ("value",),
    arguments: Callable[..., tuple[Any, ...]] = lambda *lengths: lengths,
    fades: Callable[..., int] = lambda *_: 0,
    **lengths: int,
) -> Native:
    search = _SEARCHES[min(len(lengths), 3)]
    return Native(
        name=function.lower(),
        function=function,
        inputs=inputs,
        outputs=outputs,
        arguments=arguments,
        fades=fades,
        lengths=tuple(Length(name, default, search) for name, default in lengths.items()),
    )


_LEVELS = (
    _of("SMA", _C, length=30),
    _of("EMA", _C, fades=ema, length=30),
    _of("WMA", _C, length=30),
    _of("DEMA", _C, fades=lambda x: ema(x, 2), length=30),
    _of("TEMA", _C, fades=lambda x: ema(x, 3), length=30),
    _of("T3", _C, fades=lambda x: ema(x, 6), length=5),
    _of("TRIMA", _C, length=30),
    _of("KAMA", _C, fades=lambda _: fade((2.0 / 31.0) ** 2), length=30),
    _of("HMA", _C, length=20),
    _of("ZLEMA", _C, fades=ema, length=30),
    _of("RMA", _C, fades=wilder, length=30),
    _of("LINEARREG", _C, length=14),
    _of("TSF", _C, length=14),
    _of("BBANDS", _C, _BANDS, arguments=lambda x: (x, 2.0, 2.0), length=20),
    _of("DONCHIAN", _HL, _BANDS, length=20),
    _of("ACCBANDS", _HLC, _BANDS, length=20),
    _of("KC", _HLC, _BANDS, fades=lambda x, atr: max(ema(x), wilder(atr)), length=20, atr=10),
)

_MOMENTUM = (
    _of("RSI", _C, fades=wilder, length=14),
    _of("CMO", _C, fades=wilder, length=14),
    _of("CMOU", _C, length=14),
    _of("ADX", _HLC, fades=lambda x: wilder(x, 2), length=14),
    _of("ADXR", _HLC, fades=lambda x: wilder(x, 2), length=14),
    _of("DX", _HLC, fades=wilder, length=14),
    _of("PLUS_DI", _HLC, fades=wilder, length=14),
    _of("MINUS_DI", _HLC, fades=wilder, length=14),
    _of("PLUS_DM", _HL, fades=wilder, length=14),
    _of("MINUS_DM", _HL, fades=wilder, length=14),
    _of(
        "MACD",
        _C,
        ("macd", "signal", "hist"),
        fades=lambda *each: ema(max(each), 2),
        fast=12,
        slow=26,
        signal=9,
    ),
    _of("APO", _C, fades=lambda *each: ema(max(each)), fast=12, slow=26),
    _of("PPO", _C, fades=lambda *each: ema(max(each)), fast=12, slow=26),
    _of("TRIX", _C, fades=lambda x: ema(x, 3), length=30),
    _of("TSI", _C, fades=lambda *each: ema(max(each), 2), first=25, second=13),
    _of("ULTOSC", _HLC, short=7, middle=14, long=28),
    _of("WILLR", _HLC, length=14),
    _of("CCI", _HLC, length=14),
    _of(
        "STOCH",
        _HLC,
        ("slowk", "slowd"),
        arguments=lambda fastk, slowk, slowd: (fastk, slowk, 0, slowd, 0),
        fastk=5,
        slowk=3,
        slowd=3,
    ),
    _of("STOCHF", _HLC, ("fastk", "fastd"), fastk=5, fastd=3),
    _of("STOCHRSI", _C, ("fastk", "fastd"), fades=lambda x, *_: wilder(x), length=14, fastk=5, fastd=3),
    _of("IMI", _OC, length=14),
    _of("QSTICK", _OC, length=10),
    _of("ER", _C, length=10),
    _of("VHF", _C, length=28),
    _of("COPPOCK", _C, wma=10, roc1=11, roc2=14),
    _of("ERI", _HLC, ("bull", "bear"), fades=ema, length=13),
    _of("PERCENTRANK", _C, length=100),
)

_SPREAD = (
    _of("ATR", _HLC, fades=wilder, length=14),
    _of("NATR", _HLC, fades=wilder, length=14),
    _of("ADR", _HL, length=14),
    _of("STDDEV", _C, length=5),
    _of("VAR", _C, length=5),
    _of("AVGDEV", _C, length=14),
    _of("RVI", _C, fades=lambda x, _: wilder(x), length=14, deviation=10),
    _of("CVI", _HL, fades=lambda x, _: ema(x), length=10, roc=10),
    _of("MASSI", _HL, fades=lambda fast, _: ema(fast, 2), fast=9, slow=25),
    _of("LINEARREG_SLOPE", _C, length=14),
    _of("LINEARREG_ANGLE", _C, length=14),
    _of("BETA", _HL, length=5),
    _of("CORREL", _HL, length=30),
)


def _balance(close: Number, volume: Number, close_1: Number) -> tuple[Number, ...]:
    return (volume * (close > close_1) - volume * (close < close_1),)


def _gathered(high: Number, low: Number, close: Number, volume: Number) -> tuple[Number, ...]:
    return (share((close - low) - (high - close), high - low, 0.0) * volume,)


def _weighted(close: Number, volume: Number) -> tuple[Number, ...]:
    return close * volume, volume, close


_VOLUME = (
    Sums(
        name="vwma",
        inputs=_CV,
        lengths=(Length("length", 30, _SEARCHES[1]),),
        taps=(("close", 0), ("volume", 0)),
        terms=_weighted,
        spans=lambda x: (x, x, x),
        value=lambda x, paid, volume, plain: share(paid, volume, 0.0) + (volume <= 0.0) * plain / x,
    ),
    _of("ADOSC", _HLCV, fades=lambda *each: ema(max(each)), fast=3, slow=10),
    _of("CMF", _HLCV, length=20),
    _of("EFI", _CV, fades=ema, length=13),
    _of("PVO", _V, fades=lambda *each: ema(max(each)), fast=12, slow=26),
    Sums(
        name="obv",
        inputs=_CV,
        lengths=(Length("length", 20, _SEARCHES[1]),),
        taps=(("close", 0), ("volume", 0), ("close", 1)),
        terms=_balance,
        value=lambda _, total: total,
    ),
    Sums(
        name="ad",
        inputs=_HLCV,
        lengths=(Length("length", 20, _SEARCHES[1]),),
        taps=(("high", 0), ("low", 0), ("close", 0), ("volume", 0)),
        terms=_gathered,
        value=lambda _, total: total,
    ),
)

STANDARD: tuple[Indicator, ...] = (*_LEVELS, *_MOMENTUM, *_SPREAD, *_VOLUME)
