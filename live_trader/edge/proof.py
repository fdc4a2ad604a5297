"""The last proof that live did what the back-test says, kept in the work path for the pages to show."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from live_trader.errors import BadData
from live_trader.experts.bundle.atomic import replace

_NAME: Final = "parity.json"


class GroupText(Struct, frozen=True, kw_only=True):
    """What the trades of one strategy or month brought."""

    name: str
    trades: int
    wins: int
    profit: float


class SideText(Struct, frozen=True, kw_only=True):
    """What one of the two has: its figures, its equity in points, and its trades by group."""

    figures: dict[str, float | None]
    curve: tuple[tuple[int, float], ...]
    strategies: tuple[GroupText, ...]
    months: tuple[GroupText, ...]


class TradeText(Struct, frozen=True, kw_only=True):
    """A trade as both can be held against each other."""

    direction: str
    quantity: str
    entry: str
    exit: str
    closed: datetime
    reason: str
    profit: str


class PairText(Struct, frozen=True, kw_only=True):
    """A trade that only one of them has, or that is another in each."""

    strategy: str
    ticker: str
    opened: datetime
    live: TradeText | None
    past: TradeText | None


class DifferenceText(Struct, frozen=True, kw_only=True):
    """A signal, or the first trade, that is another in the back-test, and why."""

    kind: str
    ticker: str
    time: datetime
    live: str
    past: str
    cause: str


class ShareText(Struct, frozen=True, kw_only=True):
    """How many of a ticker's signals came out with the same bits."""

    ticker: str
    signals: Annotated[int, Meta(ge=0)]
    equal: Annotated[int, Meta(ge=0)]


class ProofText(Struct, frozen=True, kw_only=True):
    """Live and back-test side by side, as of when they were compared; lists hold the first of each kind."""

    made: datetime
    since: datetime | None
    until: datetime | None
    currency: str
    signals: int
    equal_signals: int
    trades: int
    equal_trades: int
    tickers: tuple[ShareText, ...]
    live: SideText | None
    past: SideText | None
    pairs: tuple[PairText, ...]
    differences: tuple[DifferenceText, ...]
    more: int
    """How many differences there are beyond those listed."""


def keep(work: Path, proof: ProofText) -> None:
    """Put this proof in place of the one before."""
    replace(work / _NAME, msgspec.json.encode(proof))


def kept(work: Path) -> ProofText | None:
    """The last proof of this work path, or None where none was ever made."""
    path = work / _NAME
    try:
        return msgspec.json.decode(path.read_bytes(), type=ProofText)
    except FileNotFoundError:
        return None
    except (msgspec.MsgspecError, UnicodeDecodeError, OSError) as fault:
        raise BadData(
            f"the proof in {path} cannot be read: {fault}", "instant-trader parity makes it anew"
        ) from None
