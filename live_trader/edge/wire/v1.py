"""How the v1 protocol spells bars and signals."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final
from urllib.parse import quote

from msgspec import UNSET, Meta, Raw, Struct, UnsetType
from msgspec.json import Decoder

from live_trader.core.bars import Bar, Ticker, Timeframe
from live_trader.core.signals import Direction, Lags, Opinion, Signal
from live_trader.edge.wire import (
    MOST_MODELS,
    Body,
    ballot,
    bot_id,
    decode,
    direction,
    encode,
    opening,
    said,
    value,
)
from live_trader.errors import BadBar, BadData

Time = Annotated[datetime, Meta(tz=True)]
Probability = Annotated[float, Meta(ge=0, le=1)]
Name = Annotated[str, Meta(min_length=1, max_length=128)]
MOST_BARS: Final = 10_000
"""The server gives no more bars than this in one answer."""


class BarText(Struct, frozen=True):
    """A bar; `time` is when it opened."""

    time: Time
    open: float
    high: float
    low: float
    close: float
    volume: float


class BarsText(Struct, frozen=True, kw_only=True):
    """Bars of one ticker, oldest first: what a feed posts, and with the two numbers what a bot gets.

    `revision` counts the bars of this ticker that were revised, or came when a newer one was there already.
    """

    symbol: str
    timeframe: str
    bars: tuple[BarText, ...]
    portfolio_version: int | None = None
    revision: int | None = None


class ProbabilitiesText(Struct, frozen=True):
    """What both experts of one model think."""

    long: Probability
    short: Probability


class LagsText(Struct, frozen=True):
    """Seconds from its bar's close until a worker received it, had features, and had asked the models."""

    received: float
    features: float
    models: float


class SignalText(Struct, frozen=True, kw_only=True):
    """A signal; the server adds `seq` and `received_at`.

    One that is `held`, which says why, is 0.5 whatever its models say; `lags` tells the worker's pace.
    """

    id: str
    symbol: str
    timeframe: str
    bar_time: Time
    signal: float
    models: Annotated[dict[Name, float], Meta(max_length=MOST_MODELS)] = {}
    probabilities: Annotated[dict[Name, ProbabilitiesText], Meta(max_length=MOST_MODELS)] = {}
    bundle: Annotated[str, Meta(max_length=128)] = ""
    late: bool = False
    shadow: bool = False
    held: Annotated[str, Meta(min_length=1, max_length=240)] | UnsetType = UNSET
    lags: LagsText | UnsetType = UNSET
    seq: int | None = None
    received_at: Time | None = None


class SignalsText(Struct, frozen=True):
    """Stored signals, oldest first."""

    signals: tuple[SignalText, ...]


class FiledText(Struct, frozen=True):
    """What became of one posted signal; 409 when `stored`, a different one, stands under its key."""

    status: int = 0
    stored: Raw = Raw(b"")


class FiledListText(Struct, frozen=True):
    """What became of each signal of a posted list, in its order."""

    results: tuple[FiledText, ...] = ()


@dataclass(frozen=True, slots=True)
class Batch:
    """The bars of a body that can be, and a sentence for each that cannot."""

    ticker: Ticker
    bars: tuple[Bar, ...]
    refused: tuple[str, ...]
    portfolio_version: int | None
    revision: int | None


_BARS: Final = Decoder(BarsText)
_SIGNALS: Final = Decoder(SignalsText)
_POSTED: Final[Decoder[SignalText | tuple[SignalText, ...]]] = Decoder(SignalText | tuple[SignalText, ...])
_FILED: Final = Decoder(FiledListText)
_ONE_FILED: Final = Decoder(FiledText)


def bars(body: Body) -> Batch:
    """The bars of a body, the impossible ones set apart."""
    text = decode(body, _BARS)
    ticker = Ticker(text.symbol, Timeframe.parse(text.timeframe))
    possible: list[Bar] = []
    refused: list[str] = []
    for each in text.bars:
        try:
            opened = opening(ticker, each.time)
            possible.append(Bar(opened, each.open, each.high, each.low, each.close, each.volume))
        except BadBar as fault:
            refused.append(str(fault))
    return Batch(ticker, tuple(possible), tuple(refused), text.portfolio_version, text.revision)


def bars_query(
    ticker: Ticker, bot: str, *, limit: int, after: datetime | None = None, wait: float = 0.0
) -> str:
    """The request for the oldest bars after this one or, with no `after`, for the newest there are."""
    since = f"&after={spell_time(after)}" if after is not None else ""
    waiting = f"&wait={wait:g}" if wait > 0 else ""
    return f"v1/bars?{_about(ticker, bot)}{since}&limit={limit}{waiting}"


def signals_query(ticker: Ticker, bot: str, *, limit: int) -> str:
    """The request for the signals stored last: as with bars, that is what no `after` means."""
    return f"v1/signals?{_about(ticker, bot)}&limit={limit}"


def spell_bars(
    ticker: Ticker, bars: Iterable[Bar], portfolio_version: int | None = None, revision: int | None = None
) -> bytes:
    """Bars as a feed posts them or, with the two numbers, as the server answers them."""
    told = tuple(
        BarText(each.opened, each.open, each.high, each.low, each.close, each.volume) for each in bars
    )
    return encode(
        BarsText(
            symbol=ticker.symbol,
            timeframe=ticker.timeframe.name,
            bars=told,
            portfolio_version=portfolio_version,
            revision=revision,
        )
    )


def posted(body: Body) -> tuple[Signal, ...]:
    """The one signal or the list of signals that a bot posts."""
    text = decode(body, _POSTED)
    return tuple(signal(each) for each in (text if isinstance(text, tuple) else (text,)))


def stored(body: Body) -> tuple[Signal, ...]:
    """The stored signals of an answer."""
    return tuple(signal(each) for each in decode(body, _SIGNALS).signals)


def conflicting(body: Body, posted: int) -> tuple[bytes, ...]:
    """The stored signals that stand where others were posted; every posted one must be accounted for."""
    results = decode(body, _FILED).results
    if len(results) != posted or any(each.status not in (200, 201, 409) for each in results):
        raise BadData(f"the answer does not say what became of {posted} signals")
    return tuple(bytes(each.stored) for each in results if each.status == 409)


def acknowledged(body: Body) -> None:
    """See that an answer says that one signal is stored; a stranger's page with a good status does not."""
    if decode(body, _ONE_FILED).status not in (200, 201):
        raise BadData("the answer does not say that the signal is stored")


def signal(text: SignalText) -> Signal:
    """A signal from its spelling."""
    ticker = Ticker(text.symbol, Timeframe.parse(text.timeframe))
    if stray := text.probabilities.keys() - text.models.keys():
        raise BadData(f"probabilities of {said(min(stray))}, which gives no value", "Name it in models too")
    opinions = {
        name: _opinion(direction(number), text.probabilities.get(name))
        for name, number in text.models.items()
    }
    opened = opening(ticker, text.bar_time)
    wanted, held = direction(text.signal), text.held or ""
    if held and wanted is not Direction.NEUTRAL:
        raise BadData(f"a signal that is held cannot be {text.signal:g}", "Send 0.5, or no held")
    bot = bot_id(text.id)
    return Signal(bot, ticker, opened, wanted, opinions, text.bundle, text.late, text.shadow, held)


def spell_signal(signal: Signal, seq: int | None = None, received_at: datetime | None = None) -> SignalText:
    """A signal as it travels; the two facts are the server's."""
    return SignalText(
        id=signal.bot,
        symbol=signal.ticker.symbol,
        timeframe=signal.ticker.timeframe.name,
        bar_time=signal.opened,
        signal=value(signal.direction),
        models={name: value(each.direction) for name, each in signal.opinions.items()},
        probabilities={
            name: ProbabilitiesText(each.long, each.short) for name, each in signal.opinions.items()
        },
        bundle=signal.bundle,
        late=signal.late,
        shadow=signal.shadow,
        held=signal.held or UNSET,
        lags=_lags(signal.lags),
        seq=seq,
        received_at=received_at,
    )


def spell_time(when: datetime) -> str:
    """`2024-07-15T10:00:00Z`."""
    return f"{when:%Y-%m-%dT%H:%M:%SZ}"


def _about(ticker: Ticker, bot: str) -> str:
    return (
        f"symbol={quote(ticker.symbol, safe='')}&timeframe={ticker.timeframe.name}&id={quote(bot, safe='')}"
    )


def _lags(lags: Lags | None) -> LagsText | UnsetType:
    if lags is None:
        return UNSET
    return LagsText(round(lags.received, 6), round(lags.features, 6), round(lags.models, 6))


def _opinion(vote: Direction, probabilities: ProbabilitiesText | None) -> Opinion:
    if probabilities is None:
        return ballot(vote)
    return Opinion(probabilities.long, probabilities.short, vote)
