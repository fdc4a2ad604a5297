"""The factors of a tape, computed once and kept by the tape's content, and those at the entries of trades."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from live_trader.core.bars import Tape, epoch
from live_trader.core.factors import NAMES, VERSION, factors
from live_trader.core.positions import Trade

Table = NDArray[np.float32]


def table(tape: Tape, cache: Path) -> Table:
    """A column for each of `NAMES`, a row for each bar; from the cache where the tape was seen before."""
    path = cache / f"factors-{_content(tape)}.npy"
    if not path.exists():
        _write(path, tape)
    kept: Table = np.load(path, mmap_mode="r", allow_pickle=False)
    return kept


def at_entries(tape: Tape, trades: Sequence[Trade], cache: Path) -> Table:
    """For each trade the factors as of the last bar that was closed when it was entered."""
    closings = tape.times + tape.ticker.timeframe.seconds
    entered = np.array([epoch(trade.opened) for trade in trades], dtype=np.int64)
    rows = np.searchsorted(closings, entered, side="right") - 1
    return np.asarray(table(tape, cache)[rows])


def _content(tape: Tape) -> str:
    digest = hashlib.sha256(f"{VERSION} {tape.ticker.timeframe.name}".encode())
    for column in (tape.times, tape.open, tape.high, tape.low, tape.close):
        digest.update(np.ascontiguousarray(column).tobytes())
    return digest.hexdigest()[:32]


def _write(path: Path, tape: Tape) -> None:
    """Whole or not at all, also when two processes come to it at once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{os.getpid()}.{path.name}")
    found = np.empty((len(tape), len(NAMES)), dtype=np.float32, order="F")
    for at, column in enumerate(factors(tape)):
        found[:, at] = column
    with partial.open("wb") as file:
        np.save(file, found)
    partial.replace(path)
