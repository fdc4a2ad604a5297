"""What a worker owes when it begins: where its window ends, and the bars that have no signal yet."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass

from live_trader.core.bars import Bar, Tape, Ticker, Window, epoch
from live_trader.farm.pulse import NONE


@dataclass(frozen=True, slots=True)
class Debt:
    """A window as of the last answered bar, the bars owed an answer after it, and the ends of windows before.

    The last are of bars that came when a newer one was answered already: they were passed over.
    """

    window: Window
    owed: tuple[Bar, ...]
    passed_over: tuple[Window, ...]


def debt(ticker: Ticker, memory: int, bars: Sequence[Bar], answered: Set[int], after: int) -> Debt:
    """What these bars leave to answer where the last answered one opened at `after`, or none has been.

    `answered` holds when the bars with the newest signals opened; what is older than all of them is forgiven.
    """
    known = len(bars) if after == NONE else reached(bars, after)
    primed = max(known, memory)
    tape = Tape.of(ticker, bars[:primed])
    window = Window.ending(tape, memory, primed)
    owed = list(bars[primed:])
    if after != NONE and window.end > after:
        owed.insert(0, window.last)
    passed_over = tuple(
        Window.ending(tape, memory, end)
        for end in range(memory, primed + 1)
        if answered and min(answered) < tape.times[end - 1] < after and tape.times[end - 1] not in answered
    )
    return Debt(window, tuple(owed), passed_over)


def reached(bars: Sequence[Bar], moment: int) -> int:
    """How many of these bars had opened by this moment."""
    return sum(epoch(bar.opened) <= moment for bar in bars)
