"""What stands on the shelf and what of it is deployed, at a glance or examined to the last file."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from live_trader.core.bars import Ticker
from live_trader.edge.shelf.shelf import Shelf
from live_trader.errors import TraderError
from live_trader.experts.bundle import glance, load


@dataclass(frozen=True, slots=True)
class Item:
    """One bundle of the shelf; `fault` says why its manifest cannot be read."""

    ticker: Ticker
    version: str
    made: str
    models: tuple[str, ...]
    verdict: str
    place: str
    heavy: tuple[str, ...] = ()
    fault: str = ""

    @property
    def facts(self) -> dict[str, Any]:
        """The same as plain values."""
        return {
            "symbol": self.ticker.symbol,
            "timeframe": self.ticker.timeframe.name,
            "version": self.version,
            "created": self.made,
            "models": list(self.models),
            "verdict": self.verdict,
            "deployed": self.place,
            "heavy": list(self.heavy),
            "fault": self.fault,
        }


@dataclass(frozen=True, slots=True)
class Finding:
    """What an examination of one bundle found, and how long its self-test took."""

    folder: str
    fault: str
    seconds: float


def inventory(shelf: Shelf) -> list[Item]:
    """Every bundle of the shelf, by ticker, oldest first."""
    return [_item(shelf, ticker, version) for ticker in shelf.shelved() for version in shelf.versions(ticker)]


def examine(folder: Path) -> Finding:
    """Load the bundle of this folder, and say what that came to."""
    began = time.perf_counter()
    try:
        load(folder)
        fault = ""
    except TraderError as error:
        fault = str(error)
    return Finding(str(folder), fault, time.perf_counter() - began)


def folders(shelf: Shelf, ticker: Ticker | None = None, version: str | None = None) -> Iterator[Path]:
    """Each bundle of the shelf and each deployed copy, or those of one ticker, or one version."""
    if ticker and version:
        yield shelf.bundle(ticker, version)
        return
    for each in [ticker] if ticker else shelf.shelved():
        yield from (shelf.bundle(each, version) for version in shelf.versions(each))
    for each in [ticker] if ticker else shelf.tickers():
        yield from (folder for folder in (shelf.deployed(each), shelf.shadow(each)) if folder)


def _item(shelf: Shelf, ticker: Ticker, version: str) -> Item:
    place = _place(shelf, ticker, version)
    try:
        manifest = glance(shelf.bundle(ticker, version))
    except TraderError as error:
        return Item(ticker, version, "", (), "damaged", place, fault=str(error))
    made = f"{manifest.created:%Y-%m-%dT%H:%M:%SZ}"
    return Item(ticker, version, made, manifest.names, manifest.verdict.decision, place, manifest.heavy)


def _place(shelf: Shelf, ticker: Ticker, version: str) -> str:
    try:
        record = shelf.record(ticker)
    except TraderError:
        return "record damaged"
    slots = (
        {"champion": record.champion, "shadow": record.shadow, "previous": record.previous} if record else {}
    )
    return ", ".join(name for name, slot in slots.items() if slot and slot.version == version)
