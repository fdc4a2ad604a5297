"""Whoever takes orders, behind one narrow protocol: the paper broker now, real ones by the same words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple, Protocol

from live_trader.core.bars import Bar
from live_trader.core.events import Event
from live_trader.core.orders import Order


class Answer(NamedTuple):
    """One line of a broker's statement, which is numbered without gaps and never changes."""

    number: int
    event: Event


class Broker(Protocol):
    """A broker as the desk sees it: what it answers is in its statement, which can be read any time again."""

    def submit(self, orders: Sequence[Order]) -> None:
        """Take these orders; one whose client id is known is the same order. Unknown when nobody can tell."""
        ...

    def cancel(self, order: str) -> None:
        """Work this order no longer; one that is over stays as it is."""
        ...

    def inquire(self, order: str, when: datetime) -> None:
        """Say in the statement what became of this order."""
        ...

    def answer(self, after: int) -> Answer | None:
        """The first line of the statement after this one."""
        ...

    def working(self) -> Mapping[str, Order]:
        """The orders that still work, by client id."""
        ...

    def holdings(self) -> Mapping[str, Decimal]:
        """What is held of each symbol, negative when sold short."""
        ...

    def see(self, symbol: str, bar: Bar) -> None:
        """The market had this bar: news to a paper broker only."""
        ...

    def settle(self, closes: Mapping[str, float], when: datetime) -> None:
        """Do market orders of these symbols now, at these prices: for a paper broker only."""
        ...
