"""The desk's process: it takes up the journal, follows the stream, and tells the server what it did."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Final

from live_trader.core.bars import Ticker
from live_trader.core.book import Book
from live_trader.core.instruments import Instrument
from live_trader.edge.brokers.paper import Paper
from live_trader.edge.client.account import connect_desk
from live_trader.edge.client.stream import Stream
from live_trader.edge.client.verdict import understood
from live_trader.edge.clock import Clock
from live_trader.edge.happenings import Happened, unheard
from live_trader.edge.journal import Journal
from live_trader.edge.settings import Settings
from live_trader.edge.shelf import Shelf
from live_trader.edge.terms import Terms
from live_trader.edge.wire.stream import KINDS, told
from live_trader.errors import BadAnswer, BadSettings, Refused, Unauthorised, Unreachable
from live_trader.farm.beforehand import refuse_live
from live_trader.farm.desk import Desk, World
from live_trader.farm.ledger import Ledger
from live_trader.farm.process import Stop
from live_trader.farm.pulse import Beat, Phase
from live_trader.farm.waiting import wait_out

_log = logging.getLogger(__name__)
_POLL: Final = 1.0
_AGAIN: Final = 0.5
_LOCK_S: Final = 60.0


def desk_path(settings: Settings) -> Path:
    """Where the desk keeps its journal and the paper broker its file."""
    return Path(settings.farm.work_path) / "desk"


def broker_of(settings: Settings, terms: Terms, held: Mapping[str, Instrument] | None = None) -> Paper:
    """The broker of these settings; what they no longer name is dealt as it was when it was taken up."""
    refuse_live(settings)

    def known(symbol: str) -> Instrument:
        found = terms.instrument(symbol) or (held or {}).get(symbol)
        if found is None:
            raise BadSettings(f"desk.instruments has no {symbol} any more", "Name it until it is flat")
        return found

    return Paper(desk_path(settings), known, terms.market, terms.mischief)


def served(settings: Settings) -> tuple[Ticker, ...]:
    """The tickers to trade where no portfolio was put."""
    if settings.farm.tickers:
        return tuple(Ticker.parse(text) for text in settings.farm.tickers)
    return tuple(Shelf.of(settings).tickers())


def keep_dealing(
    settings: Settings,
    stop: Stop,
    clock: Clock,
    show: Callable[[Beat], None],
    beat: Beat,
    happened: Happened = unheard,
) -> None:
    """Trade the server's signals until the stop."""
    terms, folder = Terms.of(settings), desk_path(settings)
    broker = broker_of(settings, terms)
    with (
        closing(broker),
        _journal(folder, stop, clock, show, beat) as journal,
        connect_desk(settings, wake=stop.descriptor, clock=clock) as (facts, stream, account),
    ):
        world = World(facts.portfolio, facts.history, lambda: served(settings))
        desk = Desk(folder, journal, broker, terms, world, clock, *_said(happened))
        dealing = _Dealing(desk, stream, Ledger(folder, account), clock, show, beat, happened)
        while True:
            try:
                dealing.go_on()
            except (Unreachable, BadAnswer) as fault:
                dealing.trouble(str(fault))
                pause = getattr(fault, "retry_after", None) or _AGAIN * (1 + clock.chance())
                wait_out(pause, settings.farm.silent_after_s / 3, stop.rest, dealing.alive)


def _said(happened: Happened) -> tuple[Callable[[str], None], Callable[[str], None]]:
    """Where the desk's remarks go, and where risk's refusals: into the log, and to the farm's timeline."""

    def say(text: str) -> None:
        _log.warning(text)
        happened("fault", text.partition(":")[0], text)

    def refuse(text: str) -> None:
        _log.warning(text)
        happened("refusal", text.partition(":")[0], text)

    return say, refuse


class _Dealing:
    """A desk with its ear at the stream."""

    def __init__(
        self,
        desk: Desk,
        stream: Stream,
        ledger: Ledger,
        clock: Clock,
        show: Callable[[Beat], None],
        beat: Beat,
        happened: Happened,
    ) -> None:
        self._desk = desk
        self._happened = happened
        self._stream = stream
        self._ledger = ledger
        self._clock = clock
        self._show = show
        self._beat = beat
        self._listening = False
        self._booted = False

    def go_on(self) -> None:
        """Hear what there is, and tell the server what came of it."""
        if not self._listening:
            self._stream.open(KINDS, self._desk.seq)
            self._listening = True
        for fact in self._stream.heard(_POLL):
            if not self._booted:
                self._desk.boot(fact.seq, self._told)
                self._booted = True
            if not fact.kind and fact.seq < (self._desk.seq or 0):
                self._ledger.forget()
                self._desk.lost(fact.seq, self._told)
            if fact.kind:
                self._desk.hear(fact.seq, understood(partial(told, fact.kind), fact.data, "v1/stream"))
                self._beat.answered += 1
        if self._booted:
            self._desk.keep()
            self._pulse(Phase.SERVING, self._told())

    def _told(self) -> str:
        """Bring the server's tables up to date; why they are not, if they cannot be."""
        try:
            self._ledger.bring(self._desk.number)
        except Unauthorised:
            raise
        except Refused as fault:
            return f"the server's tables stay behind: {fault.what}"
        return ""

    def trouble(self, why: str) -> None:
        """Begin to listen anew, and show why."""
        self._listening = False
        self._stream.close()
        self._ledger.forget()
        self._beat.faults += 1
        if why != self._beat.reason:
            self._happened("fault", "waits", f"waits: {why}")
        self._pulse(Phase.CONNECTING, why)

    def _pulse(self, phase: Phase, reason: str) -> None:
        self._beat.phase, self._beat.reason = phase, reason
        if self._booted:
            self._beat.version = line(self._desk.book)
        self.alive()

    def alive(self) -> None:
        """Show a beat."""
        self._beat.beaten = self._clock.monotonic()
        self._show(self._beat)


def line(book: Book) -> str:
    """The account in one line."""
    held = sum(1 for each in book.positions.values() if each.held)
    state = "" if book.state.value == "ACTIVE" else f", {book.state.value}"
    return f"{held} held, equity {book.equity:,.2f} {book.currency}{state}"


def _journal(folder: Path, stop: Stop, clock: Clock, show: Callable[[Beat], None], beat: Beat) -> Journal:
    """The journal, once whoever has it open has let go of it."""
    until = clock.monotonic() + _LOCK_S
    while True:
        try:
            return Journal(folder)
        except Refused as fault:
            if clock.monotonic() > until:
                raise
            beat.phase, beat.reason, beat.beaten = Phase.CONNECTING, fault.what, clock.monotonic()
            show(beat)
            stop.rest(_AGAIN)
