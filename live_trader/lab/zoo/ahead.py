"""Features that read bars after their own: each is a mistake that people really make."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from live_trader.core.bars import Floats, Tape
from live_trader.lab.zoo.columns import (
    DAY,
    ahead,
    changes,
    exhibit,
    filled_back,
    pad,
    periods,
    rolling,
    smooth,
    strength,
    twelve,
)


def _pivots(tape: Tape) -> Floats:
    """1 on a low below the five on either side, -1 on such a high."""
    wide = sliding_window_view(tape.close, 11)
    low, high = wide.argmin(axis=1) == 5, wide.argmax(axis=1) == 5
    return np.nan_to_num(pad(low.astype(np.float64) - high, 5, 5))


@exhibit
def next_change(tape: Tape) -> Floats:
    """The change of the next bar."""
    return ahead(changes(tape), 1)


@exhibit
def centred_mean(tape: Tape) -> Floats:
    """The close over a mean of the bars on both sides."""
    return tape.close / pad(sliding_window_view(tape.close, 21).mean(axis=1), 10, 10)


@exhibit
def shifted_index(tape: Tape) -> Floats:
    """An honest oscillator, written one row too early."""
    return np.roll(strength(tape), -1)


@exhibit
def warm_up_filled_back(tape: Tape) -> Floats:
    """The first rows filled with the first value there is."""
    return filled_back(rolling(changes(tape), 40))


@exhibit
def sparse_filled_back(tape: Tape) -> Floats:
    """A value known every tenth bar, filled back to the nine before."""
    return filled_back(np.where(np.arange(len(tape)) % 10 == 0, strength(tape), np.nan))


@exhibit
def zero_phase(tape: Tape) -> Floats:
    """The close less a filter run forwards and then backwards."""
    return tape.close - smooth(smooth(tape.close, 0.2)[::-1], 0.2)[::-1]


@exhibit
def polynomial(tape: Tape) -> Floats:
    """The close less a polynomial through the bars on both sides."""
    weights = np.linalg.pinv(np.vander(np.arange(-5, 6), 4, increasing=True))[0]
    return tape.close - pad(sliding_window_view(tape.close, 11) @ weights, 5, 5)


@exhibit
def backwards(tape: Tape) -> Floats:
    """A fading mean that was run from the end."""
    return smooth(tape.close[::-1], 0.1)[::-1] - tape.close


@exhibit
def interpolated(tape: Tape) -> Floats:
    """The close less lines drawn between every sixteenth bar."""
    knots = np.arange(0, len(tape), 16)
    return tape.close - np.interp(np.arange(len(tape)), knots, tape.close[knots])


@exhibit
def larger_bar_merged_early(tape: Tape) -> Floats:
    """The close over that of its own larger bar of twelve, which is known only when that one ends."""
    return tape.close / tape.close[periods(tape.times, twelve(tape))[1]]


@exhibit
def whole_day_high(tape: Tape) -> Floats:
    """The close over the high of the whole day."""
    days, _ = periods(tape.times, DAY)
    highs = np.full(int(days[-1]) + 1, -np.inf)
    np.maximum.at(highs, days, tape.high)
    return np.asarray(tape.close / highs[days])


@exhibit
def whole_bar_average(tape: Tape) -> Floats:
    """The close over the volume-weighted price of its whole larger bar of twelve."""
    numbers, _ = periods(tape.times, twelve(tape))
    paid = np.bincount(numbers, tape.close * (tape.volume + 1.0))
    mean = paid / np.maximum(np.bincount(numbers, tape.volume + 1.0), 1e-9)
    return np.asarray(tape.close / mean[numbers])


@exhibit
def share_of_day(tape: Tape) -> Floats:
    """A bar's share of the volume of the whole day."""
    days, _ = periods(tape.times, DAY)
    return (tape.volume + 1.0) / np.bincount(days, tape.volume + 1.0)[days]


@exhibit
def order_block(tape: Tape) -> Floats:
    """A falling bar whose high the next three bars pass."""
    soon = pad(sliding_window_view(tape.high, 3).max(axis=1), 0, 2)
    falling = tape.close < tape.open
    return np.where(falling & (ahead(soon, 1) > tape.high), 1.0, 0.0)


@exhibit
def turn_before_confirmed(tape: Tape) -> Floats:
    """A turn, marked on the bar at which it was and not when it showed."""
    return _pivots(tape)


@exhibit
def bars_to_turn(tape: Tape) -> Floats:
    """How many bars it is to the next turn."""
    at = np.arange(len(tape), dtype=np.float64)
    return filled_back(np.where(_pivots(tape) != 0.0, at, np.nan)) - at


@exhibit
def label_itself(tape: Tape) -> Floats:
    """The label: whether the close six bars on is higher."""
    return (ahead(tape.close, 6) > tape.close).astype(np.float64)


@exhibit
def label_in_noise(tape: Tape) -> Floats:
    """The label under a wave that hides it from a look at its correlation."""
    return np.asarray(label_itself(tape) + np.sin(tape.times / 60.0) * 1.5)


@exhibit
def outcome_of_trade(tape: Tape) -> Floats:
    """The best that a trade opened here would see in twelve bars."""
    best = pad(sliding_window_view(tape.high, 12).max(axis=1), 0, 11)
    return ahead(best, 1) / tape.close - 1.0


@exhibit
def by_coming_unrest(tape: Tape) -> Floats:
    """A change over the mean size of the changes to come."""
    unrest = pad(sliding_window_view(np.abs(changes(tape)), 30).mean(axis=1), 0, 29)
    return changes(tape) / (ahead(unrest, 1) + 1e-12)


@exhibit
def only_at_peaks(tape: Tape) -> Floats:
    """Honest changes, but for a nought on bars that turn out to be peaks."""
    follows = np.append(tape.close[1:], tape.close[-1])
    peak = (tape.close > np.append(tape.close[0], tape.close[:-1])) & (follows < tape.close)
    return np.where(peak, 0.0, changes(tape))


@exhibit
def only_at_midnight(tape: Tape) -> Floats:
    """One, but for the last bar of a day, which knows the first open of the next."""
    days = tape.times // DAY
    last = np.append(np.diff(days) > 0, False)
    return np.where(last, np.append(tape.open[1:], tape.close[-1]) / tape.close, 1.0)
