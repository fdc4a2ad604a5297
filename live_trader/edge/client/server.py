"""What a worker asks of a server, whichever protocol it speaks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from live_trader.core.bars import Bar, Ticker
from live_trader.core.portfolio import Portfolio
from live_trader.core.signals import Signal


@dataclass(frozen=True, slots=True)
class News:
    """What a wait for the next bar brought; a server tells the portfolio's version or the portfolio itself.

    `refused` holds one sentence for each impossible bar; `revision` changes when the server revises a bar,
    or gets one later than a newer one.
    """

    bars: tuple[Bar, ...] = ()
    refused: tuple[str, ...] = ()
    portfolio_version: int | None = None
    portfolio: Portfolio | None = None
    revision: int | None = None


class Server(Protocol):
    """A server as one bot sees it; every call ends in time and raises only TraderErrors."""

    @property
    def protocol(self) -> str:
        """`v1` or `classic`."""
        ...

    def portfolio(self) -> Portfolio:
        """The portfolio in force."""
        ...

    def history(self, ticker: Ticker, count: int) -> list[Bar]:
        """The last `count` closed bars, oldest first; fewer when the server has no more."""
        ...

    def after(self, ticker: Ticker, opened: datetime, limit: int) -> list[Bar]:
        """The closed bars that opened later than this, oldest first."""
        ...

    def next(self, ticker: Ticker, after: datetime, wait: float) -> News:
        """What comes after this bar, waiting for it up to so many seconds; Interrupted ends the wait."""
        ...

    def revision(self, ticker: Ticker) -> int | None:
        """How often bars known of this ticker had changed when the server last answered, if it says so.

        A bar changes what was known when it revises another one or comes later than a newer one.
        """
        ...

    def signals(self, ticker: Ticker, count: int) -> list[Signal]:
        """The `count` signals of this bot for this ticker stored last; none where the server keeps none."""
        ...

    def send(self, signals: Sequence[Signal]) -> None:
        """Have these signals stored, which may be known already; Conflict when a different one stands."""
        ...
