"""The panic: whoever holds the desk's journal is ended, and everything is cancelled and closed."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from live_trader.core.bars import Bar, Ticker
from live_trader.core.book import Book
from live_trader.core.portfolio import Portfolio, TradingState
from live_trader.edge import diary
from live_trader.edge.client.account import connect_desk
from live_trader.edge.clock import Clock
from live_trader.edge.journal import Journal, holder
from live_trader.edge.settings import Settings
from live_trader.edge.terms import Terms
from live_trader.errors import NotRunning, Refused, TimedOut, TraderError
from live_trader.farm.dealing import broker_of, desk_path
from live_trader.farm.desk import Desk, World
from live_trader.farm.ledger import Ledger

_PATIENCE_S: Final = 10.0
_ANSWER_S: Final = 5.0
_AT_ONCE: Final = getattr(signal, "SIGKILL", signal.SIGTERM)  # which on Windows is as sudden


@dataclass(frozen=True, slots=True)
class Panicked:
    """What a panic left: what it ended, cancelled and closed, and why the server does not know of it yet."""

    ended: int | None
    cancelled: int
    closed: int
    book: Book
    untold: str


def panic(settings: Settings, say: Callable[[str], None]) -> Panicked:
    """Take the journal from the desk, cancel all orders, close all positions, and leave it HALTED.

    A desk can be killed at any of its steps, so nobody is asked: this also ends one that hangs.
    """
    folder = desk_path(settings)
    before = diary.latest(folder)
    if before is None:
        raise NotRunning("no desk has ever traded from this work path, so nothing is held")
    terms = Terms.of(settings)
    ended, journal = _taken(folder)
    with closing(broker_of(settings, terms, before.book.instruments)) as broker, journal:
        desk = Desk(folder, journal, broker, terms, World(_nothing, _no_bars, tuple), Clock(), say)
        desk.recover()
        held = len(desk.book.held)
        orders = len(broker.working())
        desk.panic()
    return Panicked(ended, orders, held, desk.book, _untold(settings, folder, desk.number))


def _untold(settings: Settings, folder: Path, number: int) -> str:
    """Let the server know at once; why it does not know, if so: then the desk tells it when it starts."""
    limit = min(settings.server.timeout_s, _ANSWER_S)
    prompt = replace(settings, server=replace(settings.server, timeout_s=limit))
    try:
        with connect_desk(prompt) as (_, _, account):
            Ledger(folder, account).bring(number)
    except TraderError as fault:
        return fault.what
    return ""


def _taken(folder: Path) -> tuple[int | None, Journal]:
    """The journal, and the process that had to be ended for it."""
    until, ended, suspect = time.monotonic() + _PATIENCE_S, None, None
    while True:
        try:
            return ended, Journal(folder)
        except Refused:
            found = holder(folder)
            if found is not None and found == suspect:  # seen twice, it is not a name left by one that died
                ended = found
                os.kill(found, _AT_ONCE)
            suspect = found
            if time.monotonic() > until:
                raise TimedOut(
                    f"process {found} would not let go of the journal", "End it by hand, then panic again"
                ) from None
            time.sleep(0.05)


def _nothing() -> Portfolio:
    return Portfolio(0, TradingState.HALTED, (), put=False)


def _no_bars(_: Ticker, __: int) -> list[Bar]:
    return []
