"""The desk's hand: it writes down every step before it takes it, and every answer before it counts."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from pathlib import Path

from msgspec.structs import replace

from live_trader.core.bars import Ticker
from live_trader.core.book import Book, advance
from live_trader.core.events import Cancel, Event, Inquire, Refuse, Report, Submit, Unanswered
from live_trader.core.venue import at_once
from live_trader.edge import diary
from live_trader.edge.brokers import Broker
from live_trader.edge.diary import Entry, Opened, Page
from live_trader.edge.journal import Journal
from live_trader.edge.terms import Terms, now_of
from live_trader.errors import BadSettings, Unknown

_log = logging.getLogger(__name__)
_PART = 50_000


class Hand:
    """The one way by which the book moves.

    Each record of the journal is an event and the commands that follow from it. It is on the disk before
    any of them is carried out; only those of the last record can be open when the process dies, and all of
    them may be carried out twice, since the broker knows an order by its client id.
    """

    def __init__(
        self, folder: Path, journal: Journal, broker: Broker, terms: Terms, refuse: Callable[[str], None]
    ) -> None:
        self._journal = journal
        self._broker = broker
        self._terms = terms
        self._refuse = refuse
        self._unheard: list[str] = []
        self._page = diary.latest(folder)

    @property
    def page(self) -> Page | None:
        """Where the journal stands; None for an account that was never opened."""
        return self._page

    @property
    def now(self) -> Page:
        """Where the journal of an opened account stands."""
        assert self._page is not None, "an account is opened before anything happens to it"
        return self._page

    @property
    def book(self) -> Book:
        """All that is known."""
        return self.now.book

    def open(self, book: Book, seq: int) -> None:
        """Begin a new account with this book, as of this fact of the stream."""
        self._begin(Opened(
            number=0, seq=seq, answer=0, book=book, market=self._terms.market,
            settings=self._terms.word, why="opened",
        ))  # fmt: skip

    def renew(self, why: str, tickers: Iterable[Ticker] = (), seq: int | None = None) -> None:
        """Begin a new part of the journal with the book as it is, under the terms as they are now.

        `seq` is where a server that counts anew stands.
        """
        now, terms = self.now, self._terms
        if terms.currency != now.book.currency:
            raise BadSettings(
                f"desk.currency is {terms.currency}, and the account is kept in {now.book.currency}",
                "Set it back, or give this farm a work path of its own",
            )
        known = [seat.stake.ticker for seat in now.book.seats.values()]
        instruments = {**now.book.instruments, **terms.tradable((*known, *tickers))}
        book = replace(now.book, limits=terms.limits, instruments=instruments)
        self._begin(Opened(
            number=now.number + 1, seq=now.seq if seq is None else seq, answer=now.answer, book=book,
            market=terms.market, settings=terms.word, why=why,
        ))  # fmt: skip

    def turn(self) -> None:
        """Begin a new part of the journal where this one has become long."""
        if self.now.number - self.now.opened.number >= _PART:
            self.renew("length")

    def keep(self) -> None:
        """Return when everything written is on the disk; what was acted on is already."""
        self._journal.sync()

    def feed(self, event: Event, seq: int = 0, answer: int = 0) -> None:
        """Advance the book by one event: written down first, then carried out."""
        now = self.now
        book, commands = advance(now.book, event)
        entry = Entry(number=now.number + 1, event=event, commands=commands, seq=seq, answer=answer)
        self._journal.append(diary.encode(entry))
        now.book, now.number, now.last = book, entry.number, entry
        now.seq, now.answer = seq or now.seq, answer or now.answer
        self._act(entry)

    def again(self) -> None:
        """Carry out once more what the last record asked for; whoever wrote it may have died over it."""
        last = self.now.last
        if isinstance(last, Entry):
            self._act(last, again=True)

    def settle(self) -> None:
        """Hear the broker until it has nothing more to say."""
        while True:
            if self._unheard:
                order = self._unheard.pop(0)
                if order in self.book.orders:
                    self.feed(Unanswered(order, now_of(self.book)))
                continue
            answer = self._broker.answer(self.now.answer)
            if answer is None:
                return
            self.feed(answer.event, answer=answer.number)

    def _begin(self, record: Opened) -> None:
        self._journal.begin(diary.encode(record))
        self._page = Page(record.book, record.number, record.seq, record.answer, record, record)

    def _act(self, entry: Entry, *, again: bool = False) -> None:
        """Carry out the commands of an entry that is on the disk."""
        if any(not isinstance(command, Refuse | Report) for command in entry.commands):
            self._journal.sync()
        now = now_of(self.book)
        for command in entry.commands:
            if isinstance(command, Submit):
                try:
                    self._broker.submit(command.orders)
                except Unknown:
                    self._unheard += [order.id for order in command.orders]
            elif isinstance(command, Cancel):
                self._broker.cancel(command.order)
            elif again:
                continue  # whose fate is open is asked for when all answers so far are heard
            elif isinstance(command, Inquire):
                self._broker.inquire(command.order, now)
            else:
                self._tell(command)
        due = at_once(self.book, entry.event, entry.commands, self._terms.market)
        if due:
            self._broker.settle(due, now)

    def _tell(self, command: Refuse | Report) -> None:
        if isinstance(command, Refuse):
            self._refuse(command.refusal.sentence)
        else:
            trade = command.trade
            _log.info("%s: closed by %s with %s", trade.slot, trade.reason, trade.profit)
