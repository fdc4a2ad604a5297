"""What can go wrong with orders, on demand: drawn from a seed and the order's id, so that it repeats."""

from __future__ import annotations

import random
from decimal import Decimal
from typing import Annotated

from msgspec import Meta, Struct

from live_trader.core.instruments import Instrument

Share = Annotated[float, Meta(ge=0, le=1, description="a number from 0 to 1")]


class Mischief(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How often a paper broker fills in parts, rejects, answers late or not at all; shares of all orders."""

    seed: Annotated[int, Meta(ge=0, le=2**32 - 1, description="a whole number, 0 to 4294967295")] = 1
    partial: Share = 0.0
    rejected: Share = 0.0
    unanswered: Share = 0.0
    delayed: Share = 0.0
    delay_bars: Annotated[int, Meta(ge=1, le=1000, description="a whole number, 1 to 1000")] = 2

    def rejects(self, order: str) -> bool:
        """Whether this order is refused."""
        return self._draw("rejected", order) < self.rejected

    def hides(self, order: str) -> bool:
        """Whether nobody hears what became of this order."""
        return self._draw("unanswered", order) < self.unanswered

    def loses(self, order: str) -> bool:
        """Whether an order nobody heard of did not even arrive."""
        return self._draw("lost", order) < 0.5

    def delay(self, order: str) -> int:
        """For how many bars this order is not worked yet."""
        return self.delay_bars if self._draw("delayed", order) < self.delayed else 0

    def part(self, order: str, number: int, quantity: Decimal, instrument: Instrument) -> Decimal:
        """How much of a fill is done at once: all of it, or some whole lots."""
        if self._draw("partial", f"{order}.{number}") >= self.partial:
            return quantity
        share = Decimal(str(round(self._draw("share", f"{order}.{number}"), 3)))
        return min(quantity, max(instrument.whole(quantity * share), instrument.lot))

    def _draw(self, what: str, order: str) -> float:
        return random.Random(f"{self.seed} {what} {order}").random()  # noqa: S311 - guards nothing
