"""The account of a strategy that has it to itself, marked only where somebody looks."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
from msgspec import Struct

from live_trader.core.bars import Tape
from live_trader.core.instruments import Instrument

_DAY = 86_400


class Hold(Struct, frozen=True, gc=False):
    """What the last trade held: it was marked at the closes from bar `first` up to but not with bar `end`.

    `best` was the close at which it earned most. `before` was the equity when it was wished, `cash` what
    remained once it was entered, `after` once it was over; `held` is signed, `paid` what entering was worth.
    """

    first: int
    end: int
    best: float
    before: Decimal
    cash: Decimal
    after: Decimal
    held: Decimal
    paid: Decimal


class Purse:
    """Cash, the peak of the equity and the day's beginning, as the book would have marked them bar by bar."""

    def __init__(self, tape: Tape, instrument: Instrument, capital: Decimal, rate: Decimal) -> None:
        self.cash = self.peak = self.began = capital
        self.today = 0
        self._instrument, self._rate, self._close = instrument, rate, tape.close
        self._days = (tape.times + tape.ticker.timeframe.seconds) // _DAY
        self._day = 0
        self._hold: Hold | None = None
        self._settled = True

    def mark(self, bar: int, when: int) -> Decimal:
        """The equity at this bar's close, at `when`, with peak and day as of then; bars never go back."""
        day = when // _DAY
        if day > self._day:
            self._day, self.today = day, 0
            self.began = self._worth(int(np.searchsorted(self._days, day)) - 1)
        hold = self._hold
        if hold is None or self._settled:
            return self.cash
        if hold.first < hold.end:
            self.peak = max(self.peak, self._marked(hold, hold.best))
        if bar < hold.end:
            return self._marked(hold, float(self._close[bar]))
        self._settled = True
        self.peak = max(self.peak, hold.after)
        return hold.after

    def hold(self, hold: Hold) -> None:
        """A trade was made; its end is known."""
        self._hold, self._settled, self.cash = hold, False, hold.after

    def _worth(self, bar: int) -> Decimal:
        hold = self._hold
        if hold is None or bar >= hold.end:
            return self.cash
        return hold.before if bar < hold.first else self._marked(hold, float(self._close[bar]))

    def _marked(self, hold: Hold, close: float) -> Decimal:
        instrument = self._instrument
        moved = hold.held * instrument.price(close) - hold.paid
        return hold.cash + moved * instrument.multiplier * self._rate
