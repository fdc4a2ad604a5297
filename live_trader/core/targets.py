"""Targets by name: what training wants predicted on each side, and how far ahead each one looks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal, cast

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from live_trader.core.bars import Floats, Tape
from live_trader.errors import BadSettings

Side = Literal["long", "short"]
Labels = NDArray[np.int8]
POINT, PLAIN, UNSETTLED = 1, 0, -1

_DAY = 96  # bars over which volatility is measured


@dataclass(frozen=True, slots=True)
class Target:
    """What to predict: `points` marks every bar of a tape, knowing `horizon` bars after it and no more."""

    name: str
    horizon: int
    points: Callable[[Tape], Mapping[Side, Labels]]
    settings: Mapping[str, Any]

    def label(self, tape: Tape) -> Mapping[Side, Labels]:
        """The label of every bar; the last `horizon` bars are not settled yet."""
        marked = self.points(tape)
        for labels in marked.values():
            labels[max(0, len(tape) - self.horizon) :] = UNSETTLED
        return marked


def extremes(
    prominence: float = 0.5,
    unit: Literal["volatility", "price"] = "volatility",
    width: int = 1,
    wlen: int = 24,
) -> Target:
    """Valleys to buy at and peaks to sell at, standing out by `prominence` inside a window of `wlen` bars.

    The original asks for 0.0005 of price; that fits one currency and not the next, so volatility is the unit
    unless told otherwise. Whatever the unit, the deviation of the last three closes is asked for at least.
    """

    def points(tape: Tape) -> dict[Side, Labels]:
        from scipy.signal import find_peaks  # here, for nobody who only serves needs it

        close = tape.close
        floor = np.full(len(close), prominence) if unit == "price" else prominence * volatility(close)
        needed = np.maximum(np.maximum(floor, _deviation(close, 3)), np.finfo(np.float64).tiny)
        sought = {
            "width": width,
            "distance": 1,  # a larger one lets far peaks decide about near ones, beyond any horizon
            "wlen": wlen,
            "prominence": needed,
            # A longer plateau fills its window and does not stand out: left out here, it needs no warning.
            "plateau_size": (None, wlen // 2 * 2 - 1),
        }
        valleys, _ = find_peaks(-close, **sought)
        peaks, _ = find_peaks(close, **sought)
        return {"long": _marked(len(close), valleys), "short": _marked(len(close), peaks)}

    settings = {"prominence": prominence, "unit": unit, "width": width, "wlen": wlen}
    return Target("extremes", wlen, points, MappingProxyType(settings))


def horizon_return(bars: int = 12, move: float = 1.0) -> Target:
    """The close `bars` later is more than `move` volatilities of so many bars away."""

    def points(tape: Tape) -> dict[Side, Labels]:
        close = tape.close
        change = np.full(len(close), np.nan)
        change[: max(0, len(close) - bars)] = close[bars:] - close[:-bars]
        needed = move * volatility(close) * np.sqrt(bars)
        return {"long": (change > needed).astype(np.int8), "short": (change < -needed).astype(np.int8)}

    return Target("horizon-return", bars, points, MappingProxyType({"bars": bars, "move": move}))


def triple_barrier(bars: int = 24, profit: float = 2.0, loss: float = 1.0) -> Target:
    """Profit is touched before loss and within `bars`; both barriers in volatilities of one bar."""

    def points(tape: Tape) -> dict[Side, Labels]:
        unit = volatility(tape.close)
        long = _rises(tape, tape.close + profit * unit, bars) < _falls(tape, tape.close - loss * unit, bars)
        short = _falls(tape, tape.close - profit * unit, bars) < _rises(tape, tape.close + loss * unit, bars)
        return {"long": long.astype(np.int8), "short": short.astype(np.int8)}

    settings = {"bars": bars, "profit": profit, "loss": loss}
    return Target("triple-barrier", bars, points, MappingProxyType(settings))


def zigzag(move: float = 3.0, bars: int = 48) -> Target:
    """The turning points of a zig-zag of `move` volatilities, where the turn shows within `bars`."""

    def points(tape: Tape) -> dict[Side, Labels]:
        valleys, peaks = _turns(tape.close, move * volatility(tape.close), bars)
        return {"long": _marked(len(tape), valleys), "short": _marked(len(tape), peaks)}

    return Target("zigzag", bars, points, MappingProxyType({"move": move, "bars": bars}))


TARGETS: Mapping[str, Callable[..., Target]] = MappingProxyType(
    {
        "extremes": extremes,
        "horizon-return": horizon_return,
        "triple-barrier": triple_barrier,
        "zigzag": zigzag,
    }
)


def target(name: str, settings: Mapping[str, Any]) -> Target:
    """The target of this name with these settings."""
    make = TARGETS.get(name)
    if make is None:
        raise BadSettings(f"there is no target {name!r}", f"Use one of {', '.join(TARGETS)}")
    try:
        return make(**settings)
    except TypeError:
        known = ", ".join(make().settings)
        raise BadSettings(
            f"the target {name} has no such settings as {', '.join(settings)}", f"It has {known}"
        ) from None


def volatility(close: Floats) -> Floats:
    """The usual size of one bar's change of close so far: the root mean square of the last 96 changes."""
    squares = np.zeros(len(close) + _DAY - 1)
    squares[_DAY:] = np.diff(close) ** 2
    sums = sliding_window_view(squares, _DAY).sum(axis=1)
    counts = np.clip(np.arange(len(close)), 1, _DAY)
    return cast(Floats, np.sqrt(sums / counts))


def _deviation(close: Floats, bars: int) -> Floats:
    """The sample deviation of the last `bars` closes; the first ones borrow the first whole one."""
    if len(close) < bars:
        return np.zeros(len(close))
    whole = sliding_window_view(close, bars).std(axis=1, ddof=1)
    return np.concatenate((np.full(bars - 1, whole[0]), whole))


def _marked(length: int, points: NDArray[np.intp]) -> Labels:
    labels: Labels = np.full(length, PLAIN, dtype=np.int8)
    labels[points] = POINT
    return labels


def _rises(tape: Tape, level: Floats, bars: int) -> NDArray[np.intp]:
    """After how many bars the high first reaches the level of each bar; `bars` + 1 where it does not."""
    return _first(lambda ahead, here: tape.high[ahead] >= level[here], len(tape), bars)


def _falls(tape: Tape, level: Floats, bars: int) -> NDArray[np.intp]:
    """After how many bars the low first reaches the level of each bar; `bars` + 1 where it does not."""
    return _first(lambda ahead, here: tape.low[ahead] <= level[here], len(tape), bars)


def _first(reached: Callable[[slice, slice], NDArray[np.bool_]], length: int, bars: int) -> NDArray[np.intp]:
    first = np.full(length, bars + 1, dtype=np.intp)
    for step in range(min(bars, length - 1), 0, -1):
        first[: length - step][reached(slice(step, None), slice(length - step))] = step
    return first


def _turns(close: Floats, needed: Floats, bars: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Where a leg up or down ended and the turn showed within `bars`: the valleys and the peaks."""
    valleys: list[int] = []
    peaks: list[int] = []
    low = high = 0
    rising: bool | None = None
    for at, (price, move) in enumerate(zip(close.tolist(), needed.tolist(), strict=True)):
        if price > close[high]:
            high = at
        if price < close[low]:
            low = at
        if rising is not False and close[high] - price > move:
            if at - high <= bars:
                peaks.append(high)
            rising, low = False, at
        elif rising is not True and price - close[low] > move:
            if at - low <= bars:
                valleys.append(low)
            rising, high = True, at
    return np.array(valleys, dtype=np.intp), np.array(peaks, dtype=np.intp)
