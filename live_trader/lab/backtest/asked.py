"""From words to tasks: what a person asks of a back-test, checked word by word."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import numpy as np

from live_trader.core.bars import Tape, Ticker, Timeframe
from live_trader.core.fills import Market
from live_trader.core.instruments import Instrument, usual
from live_trader.core.risk import Limits
from live_trader.core.sizing import Plan
from live_trader.errors import BadSettings
from live_trader.lab.backtest.grid import Source, bars_of
from live_trader.lab.backtest.setting import Terms

Settings = TypeVar("Settings", Plan, Limits, Market)
Words = Mapping[str, str]

_FILE = re.compile(r"(?P<symbol>.+)_(?P<timeframe>[A-Z]+\d+)(?P<side>_bid|_ask)?\.(csv|csv\.gz|parquet)")
_NONE = ("none", "null", "")
_SAMPLE = 500


def pairs(words: Iterable[str]) -> dict[str, str]:
    """`name=value` words as a mapping."""
    found = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name.strip():
            raise BadSettings(f"{word!r} is not a name with a value", "Write name=value")
        found[name.strip()] = value.strip()
    return found


def several(words: Iterable[str]) -> dict[str, list[str]]:
    """`name=one,two` words as every value that is to be tried."""
    return {name: [each.strip() for each in value.split(",")] for name, value in pairs(words).items()}


def settings(kind: type[Settings], words: Words) -> Settings:
    """A plan, limits or a market with these settings in place of the usual ones; `none` takes one away."""
    return kind(**typed(kind, words))


def typed(kind: type[msgspec.Struct], words: Words) -> dict[str, Any]:
    """The values of these settings, each of the type its name has."""
    hints = {field.name: field.type for field in msgspec.structs.fields(kind)}
    values: dict[str, Any] = {}
    for name, word in words.items():
        if name not in hints:
            near = difflib.get_close_matches(name, hints, 1)
            hint = f"Did you mean {near[0]}" if near else f"There are {', '.join(hints)}"
            raise BadSettings(f"{kind.__name__.lower()} has no setting {name!r}", hint)
        given = None if word.lower() in _NONE else _hours(word) if name == "hours" else word
        try:
            values[name] = msgspec.convert(given, hints[name], strict=False)
        except msgspec.ValidationError as error:
            raise BadSettings(f"{name}={word} cannot be read: {error}") from None
    return values


def _hours(word: str) -> list[str]:
    """`09:20-15:00` as two times."""
    return [part if part.count(":") == 2 else f"{part}:00" for part in word.split("-")]


def sources(words: Sequence[str], *, zone: str | None, drop: bool) -> list[Source]:
    """The tapes of these words, bids and asks of the same ticker together.

    A word is a file called as `EURUSD_M1.csv` or `EURUSD_M1_bid.csv`, or `EURUSD M1=any.csv`.
    """
    found: dict[tuple[Ticker, bool], Path] = {}
    for word in words:
        ticker, asks, path = _tape(word)
        if (ticker, asks) in found:
            raise BadSettings(
                f"there are two tapes of {ticker}", "Give each ticker once, or its bids and its asks"
            )
        found[ticker, asks] = path
    made = []
    for (ticker, asks), path in found.items():
        if not asks:
            made.append(Source(ticker, path, found.get((ticker, True)), zone, drop))
        elif (ticker, False) not in found:
            raise BadSettings(f"{path} has the asks of {ticker} and nothing has its bids", "Give both")
    return made


def _tape(word: str) -> tuple[Ticker, bool, Path]:
    name, equals, path = word.partition("=")
    if equals:
        return Ticker.parse(name), False, Path(path).resolve()
    found = _FILE.fullmatch(Path(word).name)
    if found is None:
        raise BadSettings(
            f"{word} does not say which ticker it is of",
            f"Call it EURUSD_M1.csv, or write 'EURUSD M1={word}'",
        )
    timeframe = Timeframe.parse(found["timeframe"])
    return Ticker(found["symbol"], timeframe), found["side"] == "_ask", Path(word).resolve()


def moment_of(text: str | None) -> int | None:
    """A date or a time of day and date, UTC unless it says otherwise, in seconds since 1970."""
    if text is None:
        return None
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise BadSettings(f"{text!r} is not a date", "Write 2024-01-31 or 2024-01-31T15:00") from None
    return int((when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp())


def terms(
    asked: Sequence[Source],
    capital: Decimal,
    currency: str,
    words: Mapping[str, Words],
) -> Terms:
    """The account and the market; `words` are those of limits, market, instrument and rate.

    Where nothing is said, dealing costs what the judge reckons with: a fifty-thousandth of the value as a
    fee, and half a ten-thousandth of the price as slippage unless the tape has asks of its own.
    """
    usual_costs = {"fee_rate": "0.00002", "slippage": "0" if all(each.ask for each in asked) else "0.00005"}
    rates = {name: _rate(name, word) for name, word in words["rate"].items()}
    instruments: dict[str, Instrument] = {}
    for source in asked:
        tape = bars_of(source)
        instrument = _instrument(tape, currency, words["instrument"])
        instruments[instrument.symbol] = instrument
        if instrument.currency not in (currency, *rates):
            rates[instrument.currency] = _guessed(tape, instrument, currency)
    return Terms(
        instruments,
        capital,
        currency,
        settings(Limits, words["limit"]),
        settings(Market, {**usual_costs, **words["market"]}),
        rates,
    )


def _instrument(tape: Tape, currency: str, words: Words) -> Instrument:
    sample = np.linspace(0, len(tape) - 1, min(_SAMPLE, len(tape))).astype(np.int64)
    guessed = usual(tape.ticker.symbol, tape.close[sample].tolist(), currency)
    return msgspec.structs.replace(guessed, **typed(Instrument, words))


def _rate(name: str, word: str) -> Decimal:
    try:
        return Decimal(word)
    except ArithmeticError:
        raise BadSettings(f"the rate {name}={word} is no number", "Write JPY=0.0067") from None


def _guessed(tape: Tape, instrument: Instrument, currency: str) -> Decimal:
    """The rate at the tape's first close, where its symbol tells it."""
    if instrument.base != currency:
        raise BadSettings(
            f"nothing says what a {instrument.currency} is worth in {currency}",
            f"Say so with --rate {instrument.currency}=0.5",
        )
    return round(1 / Decimal(float(tape.close[0])), 10)
