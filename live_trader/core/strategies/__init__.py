"""What every strategy is: bars in, one decision out."""

from typing import Protocol, runtime_checkable

from live_trader.core.bars import Floats, Window
from live_trader.core.orders import Order
from live_trader.core.positions import Trade
from live_trader.core.signals import Decision

Rows = tuple[Floats, ...]
"""The features a strategy decides by; none where it looks at the bars themselves."""


class Strategy(Protocol):
    """A pure function of a window of `memory` bars; the same window always gives the same decision.

    `decide` is `judge` of what `look` finds, for whoever has no clock to time the two steps by.
    """

    @property
    def memory(self) -> int:
        """How many bars the window must hold."""
        ...

    def decide(self, window: Window) -> Decision:
        """What this strategy wants as of the window's last bar."""
        ...

    def look(self, window: Window) -> Rows:
        """The features of the window's last bar."""
        ...

    def judge(self, window: Window, rows: Rows) -> Decision:
        """What this strategy wants, having looked."""
        ...

    def prepare(self, window: Window) -> None:
        """Do now, after the answer, what the next bar would otherwise have to pay for."""
        ...


@runtime_checkable
class Listener(Protocol):
    """A strategy that wants to be told what becomes of its wishes; `decide` stays pure all the same."""

    def on_start(self, window: Window) -> None:
        """The run begins after this window."""
        ...

    def on_order(self, order: Order) -> None:
        """An order was sent for it."""
        ...

    def on_trade(self, trade: Trade) -> None:
        """One of its trades is over."""
        ...

    def on_stop(self) -> None:
        """The run is over."""
        ...


class Silent:
    """Hears everything and does nothing: inherit from it, and override what matters."""

    def on_start(self, window: Window) -> None: ...

    def on_order(self, order: Order) -> None: ...

    def on_trade(self, trade: Trade) -> None: ...

    def on_stop(self) -> None: ...
