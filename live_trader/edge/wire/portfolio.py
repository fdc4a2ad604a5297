"""Portfolio entries, which both protocols spell alike."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from msgspec import Struct

from live_trader.core.bars import Ticker, Timeframe
from live_trader.core.portfolio import Allocation
from live_trader.core.signals import Coefficients
from live_trader.edge.wire import said
from live_trader.errors import BadData

_MODEL: Final = re.compile(r"([A-Za-z0-9_.-]{1,64})[~\u203e]([A-Za-z0-9_.-]{1,16})", re.ASCII)
_LIBRARY: Final = "PC"

Group = dict[str, float | str]


class Entry(Struct, kw_only=True):
    """One row of a portfolio as it travels."""

    negative_group: Group | None = None
    positive_group: Group | None = None
    portfolio: str | None = None
    symbol: str
    timeframe: str
    weight: float | str


@dataclass(frozen=True, slots=True)
class Reading:
    """What could be taken from portfolio entries, and a sentence for everything that was skipped."""

    allocations: tuple[Allocation, ...]
    skipped: tuple[str, ...]


def read(entries: Sequence[Entry]) -> Reading:
    """The allocations of these entries; what this program cannot serve is skipped and said.

    An entry it could serve but cannot understand is an error: a guess would serve other models than meant.
    """
    allocations: list[Allocation] = []
    skipped: list[str] = []
    for entry in entries:
        try:
            ticker = Ticker(entry.symbol, Timeframe.parse(entry.timeframe))
        except BadData as fault:
            skipped.append(f"skipped a portfolio entry: {said(fault.what)}")
            continue
        faults: list[str] = []
        coefficients = Coefficients(
            _group(ticker, entry.positive_group, faults), _group(ticker, entry.negative_group, faults)
        )
        skipped.extend(faults)
        if faults and not coefficients.models:
            continue
        weight = _number(entry.weight, f"the weight of {ticker}")
        allocations.append(Allocation(ticker, weight, coefficients, entry.portfolio or ""))
    return Reading(tuple(allocations), tuple(skipped))


def spell(allocation: Allocation) -> Entry:
    """An allocation as a portfolio entry; reading it gives the allocation back."""
    return Entry(
        negative_group=dict(allocation.coefficients.negative) or None,
        positive_group=dict(allocation.coefficients.positive) or None,
        portfolio=allocation.method,
        symbol=allocation.ticker.symbol,
        timeframe=allocation.ticker.timeframe.name,
        weight=allocation.weight,
    )


def model_name(text: str) -> tuple[str, str]:
    """`GradientBoostingClassifier` and `PC`, whichever separator stands between them."""
    found = _MODEL.fullmatch(text)
    if found is None:
        raise BadData(f"{said(text)!r} is not the name of a model", "Write LGBMClassifier~PC")
    return found[1], found[2]


def _group(ticker: Ticker, group: Mapping[str, float | str] | None, faults: list[str]) -> dict[str, float]:
    kept: dict[str, float] = {}
    for text, coefficient in (group or {}).items():
        try:
            name, library = model_name(text)
        except BadData as fault:
            faults.append(f"skipped a model of {ticker}: {fault.what}")
            continue
        if library != _LIBRARY:
            faults.append(f"skipped {name} of {ticker}: {library} is not a library this program serves")
            continue
        kept[f"{name}~{library}"] = _number(coefficient, f"the coefficient of {name} of {ticker}")
    return kept


def _number(text: float | str, what: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise BadData(f"{what} is {said(text)!r}, which is not a number")
    return number
