"""What is traded: its tick, its lot and its limits, and the one place where floats become money."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_HALF_EVEN, Decimal

from msgspec import Struct

from live_trader.errors import BadSettings

CENT = Decimal("1e-8")

_DEAR = Decimal(1000)
_DECIMALS = 8


class Instrument(Struct, frozen=True, kw_only=True):
    """One tradable thing: prices move by `tick`, quantities by `lot`, money is counted in `currency`.

    `base` is the currency bought with the other one, where there is such a thing; `volume` says whether the
    bars' volume means anything.
    """

    symbol: str
    currency: str
    tick: Decimal
    lot: Decimal
    minimum: Decimal
    maximum: Decimal | None = None
    multiplier: Decimal = Decimal(1)
    base: str = ""
    volume: bool = True

    def __post_init__(self) -> None:
        for name in ("tick", "lot", "minimum", "multiplier"):
            value: Decimal = getattr(self, name)
            if not (value.is_finite() and value > 0):
                raise BadSettings(
                    f"{self.symbol} has no {name} above zero: {value}", f"Give the instrument its {name}"
                )
        if self.maximum is not None and not self.minimum <= self.maximum:
            raise BadSettings(
                f"{self.symbol} has a maximum of {self.maximum} below its minimum {self.minimum}"
            )

    def price(self, value: float) -> Decimal:
        """A float as money: the nearest price on the grid of ticks."""
        return self.tick * round(value / float(self.tick))

    def whole(self, quantity: Decimal) -> Decimal:
        """The greatest quantity in whole lots that is not above this one."""
        return quantity // self.lot * self.lot

    @property
    def currencies(self) -> tuple[str, ...]:
        """The currencies whose exposure a position in it adds to."""
        return (self.base, self.currency) if self.base else (self.currency,)


def cents(amount: Decimal) -> Decimal:
    """An amount of money with eight places after the point, which is where every booking is rounded."""
    return amount.quantize(CENT, ROUND_HALF_EVEN)


def usual(symbol: str, prices: Iterable[float], currency: str) -> Instrument:
    """What this most likely is, where nobody has said, by its name and the look of its prices.

    Six capital letters are two currencies; anything else is traded in the account's. Prices step by their
    last decimal, and quantities by one, or by a thousandth of what is dear.
    """
    seen = [Decimal(repr(price)) for price in prices]
    decimals = max((-int(price.normalize().as_tuple().exponent) for price in seen), default=2)
    pair = len(symbol) == 6 and symbol.isascii() and symbol.isalpha() and symbol.isupper()
    lot = Decimal("0.001") if seen and seen[-1] > _DEAR else Decimal(1)
    return Instrument(
        symbol=symbol,
        currency=symbol[3:] if pair else currency,
        base=symbol[:3] if pair else "",
        tick=Decimal(1).scaleb(-min(max(decimals, 0), _DECIMALS)),
        lot=lot,
        minimum=lot,
    )
