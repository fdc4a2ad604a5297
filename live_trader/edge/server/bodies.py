"""The bodies that only the server spells: what v1 adds to the shared spellings, and what it answers."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec
from msgspec import UNSET, Struct, UnsetType

from live_trader.edge.happenings import Sort
from live_trader.edge.wire.owner import BotText
from live_trader.edge.wire.portfolio import Entry
from live_trader.edge.wire.v1 import SignalText, Time

State = Literal["ACTIVE", "REDUCING", "HALTED"]
Condition = Literal["FRESH", "STALE", "ABSENT"]
Kind = Literal["bar", "signal", "shadow", "portfolio", "bot", "order", "fill", "farm"]


class PortfolioBody(Struct, frozen=True, kw_only=True):
    """The portfolio in force; `put` is false as long as nobody has put one."""

    version: int
    state: State
    allocations: tuple[Entry, ...]
    put: bool


class PutBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The portfolio somebody wants in force, on condition that `version` still is, if it is named.

    Without a state, REDUCING becomes ACTIVE again and HALTED stays, since only a person may end a halt.
    An empty list wants nothing traded; null keeps what is in force, under a new version.
    """

    allocations: tuple[Entry, ...] | None
    state: State | UnsetType = UNSET
    version: int | UnsetType = UNSET


class PutAnswer(PortfolioBody, frozen=True, kw_only=True):
    """The portfolio now in force, and a sentence for each part of it that no bot of this program serves."""

    skipped: tuple[str, ...]


class PortfolioEvent(PortfolioBody, frozen=True, kw_only=True):
    """A portfolio that came into force."""

    seq: int


class BarEvent(Struct, frozen=True, kw_only=True):
    """A bar that was stored; `revised` when it replaced another of the same time."""

    symbol: str
    timeframe: str
    time: Time
    open: float
    high: float
    low: float
    close: float
    volume: float
    revised: bool
    seq: int


class BotEvent(Struct, frozen=True, kw_only=True):
    """A bot whose condition changed."""

    id: str
    symbol: str
    timeframe: str
    state: Condition
    seq: int
    at: datetime


class FarmEvent(Struct, frozen=True, kw_only=True):
    """Something that happened to a part of the farm: a restart, a swap, a refusal or a fault."""

    at: datetime
    sort: Sort
    who: str
    text: str
    seq: int


class TallyBody(Struct, frozen=True):
    """What became of the bars that were posted; the impossible ones are refused with the reason."""

    stored: int
    known: int
    revised: int
    refused: tuple[str, ...] = ()


class FiledBody(Struct, frozen=True, kw_only=True):
    """What became of one signal: 201 new, 200 known, 409 when `stored`, a different one, has its key."""

    status: Literal[200, 201, 409]
    seq: int
    received_at: datetime
    stored: SignalText | UnsetType = UNSET


class BotBody(BotText, frozen=True, kw_only=True):
    """What the server knows of one bot.

    `last_bar` and `last_signal` are of its newest signal, which was stored `lag_s` after that bar's close.
    It has owed the signal of a stored bar for `owes_s`, and was last heard of `silent_s` ago.
    """

    owes_s: float
    silent_s: float


class BotList(Struct, frozen=True):
    """Every bot the server knows."""

    bots: tuple[BotBody, ...]


class FiledList(Struct, frozen=True):
    """What became of each signal of a list, in its order."""

    results: tuple[FiledBody, ...]


class HealthBody(Struct, frozen=True):
    """Whether the server can be used, and if not, why."""

    status: Literal["ok", "not ready"]
    reasons: tuple[str, ...] = ()


_canonical = msgspec.json.Encoder(order="sorted").encode


def canonical(value: Any) -> str:
    """JSON that is the same text for the same content."""
    return _canonical(value).decode()


def whole(number: float) -> float:
    """1 and -1 without a decimal point, as they are written everywhere."""
    return number if number == 0.5 else int(number)
