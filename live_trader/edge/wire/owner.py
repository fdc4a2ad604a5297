"""How the v1 protocol spells what a server's owner puts and sees: portfolio, bots, positions, problems."""

from __future__ import annotations

from decimal import Decimal
from typing import Final, Literal

from msgspec import Raw, Struct
from msgspec.json import Decoder

from live_trader.core.portfolio import Portfolio, TradingState
from live_trader.edge.wire import Body, decode, encode
from live_trader.edge.wire.portfolio import Entry, read
from live_trader.edge.wire.v1 import Time
from live_trader.errors import BadData


class PortfolioText(Struct, frozen=True, kw_only=True):
    """A portfolio: what is asked for when it is put, what is in force when it is got."""

    allocations: tuple[Entry, ...]
    state: TradingState = TradingState.ACTIVE
    version: int | None = None
    put: bool | None = None


class RawPortfolioText(Struct, frozen=True):
    """A portfolio whose entries are passed on untouched."""

    allocations: Raw


class WantedText(RawPortfolioText, frozen=True, omit_defaults=True):
    """A portfolio to put, perhaps with the trading state that is wanted with it."""

    state: TradingState | None = None


class PositionText(Struct, frozen=True):
    """What the desk holds of one symbol; the quantity is negative when sold short."""

    symbol: str
    quantity: Decimal


class PositionsText(Struct, frozen=True):
    """Everything the desk holds."""

    positions: tuple[PositionText, ...]


class BotText(Struct, frozen=True, kw_only=True):
    """What the server knows of one bot; `portfolio_version` is the one it follows."""

    id: str
    symbol: str
    timeframe: str
    state: Literal["FRESH", "STALE", "ABSENT"]
    last_bar: Time | None = None
    last_signal: float | None = None
    lag_s: float | None = None
    bundle: str = ""
    portfolio_version: int | None = None


class BotsText(Struct, frozen=True):
    """Every bot the server knows."""

    bots: tuple[BotText, ...]


class ProblemText(Struct, frozen=True, kw_only=True):
    """Why a request was not done; `stored` is the signal that stands where another was sent.

    `results` tells what became of each signal of a list.
    """

    title: str = ""
    status: int = 0
    detail: str = ""
    code: str = ""
    request_id: str = ""
    stored: Raw = Raw(b"")
    results: tuple[Raw, ...] = ()


_PORTFOLIO: Final = Decoder(PortfolioText)
_PUT: Final[Decoder[PortfolioText | tuple[Entry, ...]]] = Decoder(PortfolioText | tuple[Entry, ...])
_ENTRIES: Final[Decoder[tuple[Entry, ...]]] = Decoder(tuple[Entry, ...])
_RAW_PORTFOLIO: Final = Decoder(RawPortfolioText)
_POSITIONS: Final = Decoder(PositionsText)
_BOTS: Final = Decoder(BotsText)
_PROBLEM: Final = Decoder(ProblemText)


def portfolio(body: Body) -> tuple[Portfolio, tuple[str, ...]]:
    """The portfolio in force, and a sentence for each thing in it that was skipped."""
    text = decode(body, _PORTFOLIO)
    if text.version is None:
        raise BadData("the portfolio names no version")
    reading = read(text.allocations)
    put = bool(text.version or text.allocations) if text.put is None else text.put
    return Portfolio(text.version, text.state, reading.allocations, put), reading.skipped


def kept(version: int, state: str, allocations: str) -> Portfolio:
    """A portfolio as the store keeps it: its entries as they are spelled, or null where none was ever put."""
    put = allocations != "null"
    entries = decode(allocations.encode(), _ENTRIES) if put else ()
    reading = read(entries)
    return Portfolio(version, TradingState(state), reading.allocations, put)


def wanted(body: Body) -> PortfolioText:
    """The portfolio somebody puts: an object with allocations, or only the list of them."""
    text = decode(body, _PUT)
    return PortfolioText(allocations=text) if isinstance(text, tuple) else text


def resent(body: Body) -> bytes | None:
    """The entries of the portfolio in force as they are spelled, or None where none was ever put."""
    return entries(body) if portfolio(body)[0].put else None


def entries(body: Body) -> bytes:
    """The entries of a portfolio, or of a bare list of them, as they are spelled."""
    return bytes(body if body.lstrip()[:1] == b"[" else decode(body, _RAW_PORTFOLIO).allocations)


def spell_wanted(entries: bytes | None, state: TradingState | None = None) -> bytes:
    """The portfolio to put, or the wish to keep what is in force under a new version.

    What the server may do with it is the server's to keep; it ends a halt only where the state is named.
    """
    return encode(WantedText(Raw(b"null" if entries is None else entries), state))


def positions(body: Body) -> tuple[PositionText, ...]:
    """What the desk holds."""
    return decode(body, _POSITIONS).positions


def bots(body: Body) -> tuple[BotText, ...]:
    """What the server knows of its bots."""
    return decode(body, _BOTS).bots


def problem(body: Body) -> ProblemText:
    """Why a request was not done; empty when the body does not say."""
    try:
        return decode(body, _PROBLEM)
    except BadData:
        return ProblemText()
