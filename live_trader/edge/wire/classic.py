"""How the classic protocol spells bars, results and portfolios."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote

from msgspec import UNSET, Struct, UnsetType, field
from msgspec.json import Decoder

from live_trader.core.bars import Bar, Ticker, Timeframe
from live_trader.core.portfolio import Allocation
from live_trader.core.signals import Coefficients, Direction, Signal, blend
from live_trader.edge.wire import MOST_MODELS, Body, ballot, decode, direction, encode, opening, said, value
from live_trader.edge.wire.portfolio import Entry, Group, Reading, model_name, read, spell
from live_trader.errors import BadBar, BadData

Number = float | str | None

_TIME: Final = re.compile(
    r"(\d{4})[-/.](\d\d?)[-/.](\d\d?)(?:[T ]+(\d\d?):(\d\d)(?::(\d\d)(?:[.,](\d{1,6})\d*)?)?)?"
    r"\s*(?:Z|UTC|GMT|([+-]\d\d):?(\d\d))?",
    re.ASCII | re.IGNORECASE,
)
_BOM: Final = b"\xef\xbb\xbf"


class Element(Struct, frozen=True, kw_only=True):
    """A bar, which has the key High, or a portfolio entry, which has the key portfolio."""

    time: str | None = field(name="Time", default=None)
    open: Number = field(name="Open", default=None)
    high: Number | UnsetType = field(name="High", default=UNSET)
    low: Number = field(name="Low", default=None)
    close: Number = field(name="Close", default=None)
    volume: Number = field(name="Volume", default=None)
    negative_group: Group | None = None
    positive_group: Group | None = None
    portfolio: str | UnsetType | None = UNSET
    symbol: str = ""
    timeframe: str = ""
    weight: float | str = ""


class BarText(Struct, frozen=True, rename=str.title):
    """A bar as this program tells it."""

    time: str
    open: float
    high: float
    low: float
    close: float
    volume: float


class ResultText(Struct, frozen=True):
    """What a bot posts: one value for each model."""

    exec_time: str
    symbol: str
    timeframe: str
    probas: dict[str, float | str]


@dataclass(frozen=True, slots=True)
class Batch:
    """What one answer of `getbars` brought; `reading` is the portfolio, if one was pushed."""

    bars: tuple[Bar, ...] = ()
    refused: tuple[str, ...] = ()
    reading: Reading | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """What a classic bot thinks of one bar: a direction for each model."""

    ticker: Ticker
    opened: datetime
    votes: Mapping[str, Direction]

    def signal(self, bot: str, coefficients: Coefficients | None = None) -> Signal:
        """The signal it amounts to: the votes blended or, with no coefficients for them, the first vote."""
        if coefficients is not None and coefficients.models and self.votes.keys() >= set(coefficients.models):
            wanted = blend(self.votes, coefficients)
        else:
            wanted = next(iter(self.votes.values()))
        opinions = {name: ballot(vote) for name, vote in self.votes.items()}
        return Signal(bot, self.ticker, self.opened, wanted, opinions, "")


_ELEMENTS: Final = Decoder(tuple[Element, ...])
_ENTRIES: Final[Decoder[tuple[Entry, ...]]] = Decoder(tuple[Entry, ...])
_RESULT: Final = Decoder(ResultText)
_TEXT: Final = Decoder(str)


def query(ticker: Ticker, bot: str) -> str:
    """The part that both requests for bars end with, in the order old servers expect."""
    return (
        f"symbol={quote(ticker.symbol, safe='')}&timeframe={ticker.timeframe.name}&id={quote(bot, safe='')}"
    )


def pushed(body: Body, ticker: Ticker) -> Batch:
    """What an answer of `getbars` brings; only its first line counts."""
    elements = decode(_first_line(body), _ELEMENTS)
    bars: list[Bar] = []
    refused: list[str] = []
    entries: list[Entry] = []
    for each in elements:
        if each.high is not UNSET:
            try:
                bars.append(_bar(each, ticker))
            except BadBar as fault:
                refused.append(str(fault))
        elif each.portfolio is not UNSET:
            entries.append(_entry(each))
        else:
            raise BadData("an element is neither a bar nor a portfolio entry")
    return Batch(tuple(bars), tuple(refused), read(entries) if entries else None)


def spell_bars(bars: Iterable[Bar]) -> bytes:
    """Bars as `getbars` answers them."""
    return encode(
        [
            BarText(spell_time(each.opened), each.open, each.high, each.low, each.close, each.volume)
            for each in bars
        ]
    )


def portfolio(body: Body) -> Reading:
    """The portfolio of `getportfolio` or `rebalance`."""
    entries = decode(_without_mark(body), _ENTRIES)
    return read(entries)


def spell_portfolio(allocations: Iterable[Allocation]) -> bytes:
    """A portfolio as `getportfolio` answers it and `rebalance` takes it."""
    return encode([spell(each) for each in allocations])


def result(body: Body, *, zero_is_short: bool = False) -> Result:
    """What a classic bot posts: an object, or a JSON string that contains one."""
    if body.lstrip()[:1] == b'"':
        body = decode(body, _TEXT).encode("utf-8", "replace")
    text = decode(body, _RESULT)
    ticker = Ticker(text.symbol, Timeframe.parse(text.timeframe))
    if not text.probas:
        raise BadData(f"the result of {ticker} holds no value", "Send one for each model in probas")
    if len(text.probas) > MOST_MODELS:
        raise BadData(
            f"the result of {ticker} holds {len(text.probas)} values", f"Send {MOST_MODELS} at most"
        )
    votes = {_name(name): _vote(number, zero_is_short) for name, number in text.probas.items()}
    return Result(ticker, opening(ticker, read_time(text.exec_time)), votes)


def spell_result(signal: Signal, *, zero_is_short: bool = False) -> bytes:
    """A signal as a classic bot posts it; a strategy without models votes under its own name.

    A classic server makes the signal of the votes itself, so of a bot that is held every vote is neutral.
    """
    votes = {
        name: signal.direction if signal.held else each.direction for name, each in signal.opinions.items()
    }
    return encode(
        ResultText(
            exec_time=spell_time(signal.opened),
            symbol=signal.ticker.symbol,
            timeframe=signal.ticker.timeframe.name,
            probas={
                name: 0 if zero_is_short and vote is Direction.SHORT else value(vote)
                for name, vote in (votes or {signal.bundle or signal.bot: signal.direction}).items()
            },
        )
    )


def read_time(text: str | None) -> datetime:
    """Any ISO-like time; UTC when it names no zone."""
    try:
        when = datetime.fromisoformat(text or "")
    except ValueError:
        when = _loose_time(text or "")
    return when if when.tzinfo else when.replace(tzinfo=UTC)


def spell_time(when: datetime) -> str:
    """`2024-07-15 10:00:00`."""
    return f"{when:%Y-%m-%d %H:%M:%S}"


def _loose_time(text: str) -> datetime:
    found = _TIME.fullmatch(text.strip())
    if found is None:
        raise BadBar(f"{said(text)!r} is not a time", "Write 2024-07-15 10:00:00")
    year, month, day, hour, minute, second, fraction, zone_hours, zone_minutes = found.groups("00")
    date = f"{year}-{month:0>2}-{day:0>2}T{hour:0>2}:{minute}:{second}.{fraction:0<6}"
    try:
        return datetime.fromisoformat(f"{date}{zone_hours if zone_hours != '00' else '+00'}:{zone_minutes}")
    except ValueError as fault:
        raise BadBar(f"{said(text)!r} is not a time: {fault}") from None


def _bar(each: Element, ticker: Ticker) -> Bar:
    prices = [_price(number) for number in (each.open, each.high, each.low, each.close, each.volume)]
    return Bar(opening(ticker, read_time(each.time)), *prices)


def _price(number: Number | UnsetType) -> float:
    try:
        return float(number)  # type: ignore[arg-type]  # None and UNSET raise TypeError
    except (TypeError, ValueError):
        raise BadBar(f"{said(number)!r} in a bar is not a number") from None


def _entry(each: Element) -> Entry:
    if not (each.symbol and each.timeframe and each.weight != ""):
        raise BadData("a portfolio entry lacks symbol, timeframe or weight")
    return Entry(
        negative_group=each.negative_group,
        positive_group=each.positive_group,
        portfolio=each.portfolio or None,
        symbol=each.symbol,
        timeframe=each.timeframe,
        weight=each.weight,
    )


def _vote(number: float | str, zero_is_short: bool) -> Direction:
    try:
        told = float(number)
    except ValueError:
        raise BadData(f"{said(number)!r} is not a signal", "Send 1, 0.5 or -1") from None
    if told == 0:
        if zero_is_short:
            return Direction.SHORT
        raise BadData("0 is not a signal", "Send -1 for short, or set CLASSIC_ZERO_IS_SHORT")
    return direction(told)


def _name(text: str) -> str:
    name, library = model_name(text)
    return f"{name}~{library}"


def _first_line(body: Body) -> Body:
    line = _without_mark(body)
    end = line.find(b"\n")
    return line if end < 0 else line[:end]


def _without_mark(body: Body) -> Body:
    return body[len(_BOM) :] if body[: len(_BOM)] == _BOM else body
