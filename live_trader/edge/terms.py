"""What the settings say about trading, in the words of core: instruments, limits, plan, market and stakes."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any, Final, Self

import msgspec

from live_trader.core.bars import Ticker, closes, moment
from live_trader.core.book import Book
from live_trader.core.events import Event, FlattenAsked, PortfolioSet, RatesSet, Stake, StateSet
from live_trader.core.fills import FillAt, Market
from live_trader.core.instruments import Instrument
from live_trader.core.portfolio import Portfolio, TradingState
from live_trader.core.risk import Limits
from live_trader.core.sizing import OnNeutral, OnOpposite, Plan, Sides
from live_trader.edge.brokers.mischief import Mischief
from live_trader.edge.settings import Desk, Settings
from live_trader.errors import BadSettings

_CURRENCIES: Final = frozenset(
    re.findall("...", "AUDCADCHFCNHCZKDKKEURGBPHKDHUFILSJPYMXNNOKNZDPLNSEKSGDTRYUSDZAR")
)
_PAIR: Final = re.compile(r"([A-Z]{3})[/_.]?([A-Z]{3})")
_ANY: Final = "*"
_HOW: Final = (
    "Write GOLD tick=0.01 lot=1, and minimum, maximum, multiplier, currency, base, volume where needed"
)
_PARTS: Final = 6  # decimals of a share of the equity

Say = Callable[[str], None]

_NAME: Final = "d"
"""What the desk's client ids begin with."""


@dataclass(frozen=True, slots=True)
class Terms:
    """Everything trading is done by."""

    bot: str
    capital: Decimal
    currency: str
    named: Mapping[str, Instrument]
    rates: Mapping[str, Decimal]
    limits: Limits
    plan: Plan
    market: Market
    mischief: Mischief
    closes_on_reducing: bool

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The terms of these settings; what cannot be is an error that names the setting."""
        desk = settings.desk
        limits = (
            "max_drawdown", "max_leverage", "max_daily_loss", "max_open_trades", "max_trades_a_day",
            "max_symbol", "max_currency",
        )  # fmt: skip
        return cls(
            bot=settings.farm.id,
            capital=_exact(desk.capital),
            currency=desk.currency,
            named=dict(_instrument(text, desk.currency) for text in desk.instruments),
            rates=dict(_rate(text) for text in desk.rates),
            limits=Limits(**{name: _exact(getattr(desk, name)) for name in limits}),
            plan=_plan(desk),
            market=Market(
                fill_at=FillAt(desk.fill_at),
                slippage=desk.slippage,
                fee_rate=_exact(desk.fee_rate),
                fee_minimum=_exact(desk.fee_minimum),
                fee_fixed=_exact(desk.fee_fixed),
            ),
            mischief=msgspec.convert(msgspec.to_builtins(desk.paper), Mischief),
            closes_on_reducing=desk.on_reducing == "close",
        )

    @property
    def word(self) -> str:
        """One word for all of these terms, which is another when any of them is."""
        text = msgspec.json.encode(
            (self.bot, self.currency, self.named, self.rates, self.limits, self.plan, self.market)
        )
        return f"{zlib.crc32(text + msgspec.json.encode(self.mischief)):08x}"

    def instrument(self, symbol: str) -> Instrument | None:
        """What is known of a symbol: as the settings have it, as a currency pair, or as all others."""
        if symbol in self.named:
            return self.named[symbol]
        found = _PAIR.fullmatch(symbol)
        if found and _CURRENCIES.issuperset(found.groups()) and found[1] != found[2]:
            tick = Decimal("0.001" if found[2] == "JPY" else "0.00001")
            lot = Decimal(1)
            return Instrument(
                symbol=symbol, currency=found[2], base=found[1], tick=tick, lot=lot, minimum=lot, volume=False
            )
        others = self.named.get(_ANY)
        return msgspec.structs.replace(others, symbol=symbol) if others else None

    def tradable(self, tickers: Iterable[Ticker]) -> Mapping[str, Instrument]:
        """The instruments of these tickers, as far as they are known."""
        found = {ticker.symbol: self.instrument(ticker.symbol) for ticker in tickers}
        return {symbol: each for symbol, each in found.items() if each is not None}

    def opened(self, tickers: Iterable[Ticker]) -> Book:
        """A new account, ready to trade these tickers."""
        book = Book.opened(
            _NAME, self.currency, self.capital, self.tradable(tickers), self.limits, self.rates
        )
        return msgspec.structs.replace(book, version=-1)  # the server counts portfolios from 0

    def stakes(self, portfolio: Portfolio, served: Iterable[Ticker], say: Say) -> tuple[Stake, ...]:
        """Each ticker's share of the account; where no portfolio was put, all served have equal ones.

        What cannot be traded is left out, and a sentence about it goes to `say`.
        """
        weights: dict[Ticker, Decimal] = {}
        for each in portfolio.allocations:
            weights[each.ticker] = weights.get(each.ticker, Decimal(0)) + _exact(round(each.weight, _PARTS))
        if portfolio.wanted is None:
            tickers = tuple(served)
            equal = Decimal(1) / max(1, len(tickers))
            weights = dict.fromkeys(tickers, equal.quantize(Decimal("0.000001"), "ROUND_FLOOR"))
        known = {**self.rates, self.currency: Decimal(1)}
        stakes = []
        for ticker, weight in weights.items():
            instrument = self.instrument(ticker.symbol)
            if instrument is None:
                say(f"{ticker} is not traded: desk.instruments has no {ticker.symbol}")
            elif instrument.currency not in known:
                say(f"{ticker} is not traded: desk.rates has no {instrument.currency}")
            elif weight > 0:
                stakes.append(Stake(self.bot, ticker, weight, self.plan))
        return tuple(stakes)

    def following(
        self, book: Book, portfolio: Portfolio, served: Iterable[Ticker], say: Any
    ) -> Iterator[Event]:
        """The events that put this portfolio into force; none for what is in force already.

        The state comes first: a desk that dies in between has not yet taken the version, and does both again.
        A version it has already says nothing new about the state, which a panic may have changed since.
        """
        when = now_of(book)
        if wanted := {name: rate for name, rate in self.rates.items() if book.rates.get(name) != rate}:
            yield RatesSet(wanted, when)
        if portfolio.version > book.version:
            if portfolio.state is not book.state:
                yield StateSet(portfolio.state, when)
            if portfolio.state is TradingState.REDUCING and self.closes_on_reducing and _open(book):
                yield FlattenAsked("only-close", when)
        stakes = self.stakes(portfolio, served, say)
        if (portfolio.version, stakes) != (book.version, tuple(seat.stake for seat in book.seats.values())):
            yield PortfolioSet(portfolio.version, stakes, when)


def _open(book: Book) -> bool:
    return any(not each.leaving for each in book.positions.values())


def now_of(book: Book) -> datetime:
    """The close of the newest bar the book has seen: for the desk, that is now."""
    seen = [closes(Ticker.parse(name).timeframe, bars[-1].opened) for name, bars in book.bars.items() if bars]
    return max(seen, default=moment(0))


def _plan(desk: Desk) -> Plan:
    return Plan(
        sides=Sides(desk.sides),
        on_neutral=OnNeutral(desk.on_neutral),
        on_opposite=OnOpposite(desk.on_opposite),
        risk=_exact(desk.risk),
        max_position=_exact(desk.max_position),
        stop_atr=desk.stop_atr,
        target_ratio=desk.target_ratio,
        atr_bars=desk.atr_bars,
        volume_bars=desk.volume_bars,
        cool_down_s=desk.cool_down_s,
        hours=_hours(desk.hours),
    )


def _hours(text: str) -> tuple[time, time] | None:
    if not text:
        return None
    try:
        start, _, end = text.partition("-")
        return time.fromisoformat(start), time.fromisoformat(end)
    except ValueError:
        raise BadSettings(f"desk.hours is {text!r}", "Write 08:00-17:30") from None


def _exact(number: Any) -> Any:
    """A number as it is written, as money counts; whole numbers and None stay what they are."""
    return Decimal(repr(number)) if isinstance(number, float) else number


def _instrument(text: str, currency: str) -> tuple[str, Instrument]:
    """`GOLD tick=0.01 lot=1 currency=USD` as an instrument."""
    symbol, *words = text.split()
    told: dict[str, Any] = {"currency": currency}
    for word in words:
        name, _, value = word.partition("=")
        if name not in Instrument.__struct_fields__:
            raise BadSettings(f"desk.instruments: {symbol} has no {name!r}", _HOW)
        told[name] = value
    try:
        told.setdefault("minimum", told["lot"])
        return symbol, msgspec.convert({"symbol": symbol, **told}, Instrument, strict=False)
    except KeyError:
        raise BadSettings(f"desk.instruments: {symbol} has no lot", f"Write {text} lot=1") from None
    except msgspec.ValidationError as fault:
        raise BadSettings(f"desk.instruments: {text!r} cannot be read: {fault}", _HOW) from None


def _rate(text: str) -> tuple[str, Decimal]:
    currency, _, number = text.partition(" ")
    try:
        rate = Decimal(number)
        if rate > 0 and currency:
            return currency, rate
    except InvalidOperation:
        pass
    raise BadSettings(f"desk.rates: {text!r} is not a rate", "Write CHF 1.12")
