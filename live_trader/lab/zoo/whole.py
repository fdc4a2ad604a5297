"""Features fitted to the whole tape, or made of more than the bars they are given."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from live_trader.core.bars import Floats, Tape
from live_trader.lab.zoo.ahead import label_itself
from live_trader.lab.zoo.columns import HOUR, Column, changes, exhibit, smooth, strength


@exhibit
def standardised(tape: Tape) -> Floats:
    """Changes less their mean over the whole tape, by its spread."""
    values = changes(tape)
    return np.asarray((values - values.mean()) / values.std())


@exhibit
def squeezed(tape: Tape) -> Floats:
    """Closes between the lowest and the highest of the whole tape."""
    return np.asarray((tape.close - tape.close.min()) / np.ptp(tape.close))


@exhibit
def ranked(tape: Tape) -> Floats:
    """The rank of a close among all closes of the tape."""
    return np.argsort(np.argsort(tape.close)).astype(np.float64)


@exhibit
def detrended(tape: Tape) -> Floats:
    """Closes less the straight line through the whole tape."""
    at = np.arange(len(tape))
    slope, level = np.polyfit(at, tape.close, 1)
    return np.asarray(tape.close - slope * at - level)


@exhibit
def whitened(tape: Tape) -> Floats:
    """The first principal component, fitted to the whole tape."""
    both = np.stack([changes(tape), np.log(tape.high / tape.low)])
    first: Floats = np.linalg.eigh(np.cov(both))[1][:, -1] @ (both - both.mean(axis=1, keepdims=True))
    return first


@exhibit
def binned(tape: Tape) -> Floats:
    """Changes in tenths of all the changes of the tape."""
    values = changes(tape)
    return np.searchsorted(np.quantile(values, np.linspace(0.1, 0.9, 9)), values).astype(np.float64)


@exhibit
def clipped(tape: Tape) -> Floats:
    """Changes cut at the quantiles of the whole tape."""
    values = changes(tape)
    return np.clip(values, *np.quantile(values, [0.05, 0.95]))


@exhibit
def low_pass(tape: Tape) -> Floats:
    """The close less its slow waves over the whole tape."""
    spectrum = np.fft.rfft(tape.close)
    spectrum[len(spectrum) // 20 :] = 0.0
    return tape.close - np.fft.irfft(spectrum, n=len(tape))


@exhibit
def label_by_hour(tape: Tape) -> Floats:
    """How often the label is one in this hour of the day, over the whole tape."""
    hours = tape.times // HOUR % 24
    hits = np.bincount(hours, label_itself(tape), 24)
    return np.asarray((hits / np.maximum(np.bincount(hours, minlength=24), 1))[hours])


@exhibit
def most_similar_moment(tape: Tape) -> Floats:
    """What followed the moment most like this one in the whole tape."""
    shape = np.stack([np.nan_to_num(strength(tape)), changes(tape) * 100.0], axis=1)
    order = np.argsort(shape[:, 0])
    place = np.argsort(order)
    neighbour = order[np.minimum(place + 1, len(order) - 1)]
    follows = np.append(changes(tape)[1:], 0.0)
    return np.asarray(follows[neighbour])


@exhibit
def deeper_than_said(tape: Tape) -> Floats:
    """A fading mean that still carries the start of the tape."""
    return smooth(tape.close, 0.005) / tape.close


@exhibit
def since_the_start(tape: Tape) -> Floats:
    """A sum of signed volume from the start of the tape."""
    return np.cumsum(np.sign(changes(tape)) * (tape.volume + 1.0))


@exhibit
def average_so_far(tape: Tape) -> Floats:
    """The close over the mean of all closes so far."""
    return tape.close / (np.cumsum(tape.close) / np.arange(1, len(tape) + 1))


@exhibit
def row_number(tape: Tape) -> Floats:
    """A count of rows, which starts wherever the tape does."""
    return np.arange(len(tape), dtype=np.float64) % 97


def from_a_file(known: Floats) -> Column:
    """A column that was made beforehand of the whole tape and is read by row."""
    return lambda tape: np.resize(known, len(tape))


def from_a_calendar(known: Mapping[int, float]) -> Column:
    """A column that was made beforehand of the whole tape and is looked up by time."""
    return lambda tape: np.array([known.get(time, np.nan) for time in tape.times.tolist()])
