"""What a desk's journal holds: the book each part begins with, then every event with its commands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from msgspec import Struct
from msgspec.json import Decoder, Encoder

from live_trader.core.book import Book, advance
from live_trader.core.events import Command, Event
from live_trader.core.fills import Market
from live_trader.edge.journal import parts, records
from live_trader.errors import BadData


class Opened(Struct, frozen=True, tag=True, kw_only=True):
    """The beginning of a part: the book as it then was, and how far everything had been heard.

    `seq` is the last fact of the server that is in the book, `answer` the last one of the broker's;
    `settings` is one word for all settings of trading, and `market` what the paper broker dealt by.
    """

    number: int
    seq: int
    answer: int
    book: Book
    market: Market
    settings: str
    why: str


class Entry(Struct, frozen=True, tag=True, kw_only=True):
    """One event and the commands that followed from it; `seq` and `answer` say whence it came, if not 0."""

    number: int
    event: Event
    commands: tuple[Command, ...] = ()
    seq: int = 0
    answer: int = 0


Record = Opened | Entry
Turned = tuple[Book, Entry, Book]
encode: Final = Encoder().encode
_RECORD: Final[Decoder[Record]] = Decoder(Record)


@dataclass(slots=True)
class Page:
    """Where a diary stands: its book, the last record, and how far server and broker were heard."""

    book: Book
    number: int
    seq: int
    answer: int
    last: Record
    opened: Opened

    def turn(self, record: Record) -> None:
        """Go on by one record; an entry that does not follow from the book before it is an error."""
        if isinstance(record, Opened):
            self.book, self.seq, self.answer = record.book, record.seq, record.answer
            self.opened = record
        else:
            book, commands = advance(self.book, record.event)
            if commands != record.commands:
                raise BadData(
                    f"record {record.number} of the journal gives other commands than it did",
                    "Run the version of this program that wrote it; instant-trader replay tells more",
                )
            self.book = book
            self.seq, self.answer = record.seq or self.seq, record.answer or self.answer
        self.number, self.last = record.number, record


def read(path: Path, offset: int = 0) -> Iterator[tuple[int, Record]]:
    """The records of one part, with where the next one begins."""
    for end, text in records(path, offset):
        yield end, _RECORD.decode(text)


def opened(path: Path) -> Page:
    """The page a part begins with."""
    for _, record in read(path):
        if isinstance(record, Opened):
            return Page(record.book, record.number, record.seq, record.answer, record, record)
        break
    raise BadData(f"{path} does not begin with a book")


def latest(folder: Path) -> Page | None:
    """The newest page of the diary in this folder, or None when there is none."""
    kept = parts(folder)
    if not kept:
        return None
    page = opened(kept[-1])
    for _, record in read(kept[-1]):
        if record.number > page.number:
            page.turn(record)
    return page


class Follower:
    """Reads a diary while it grows, from one part to the next, and never a record twice."""

    def __init__(self, folder: Path, number: int) -> None:
        self._folder = folder
        self._number = number
        self._path: Path | None = None
        self._page: Page | None = None
        self._offset = 0

    def turned(self) -> Iterator[Turned]:
        """Every entry after the number it began with that was not told yet."""
        while (path := self._path or self._first()) is not None:
            if self._page is None:
                self._path, self._page, self._offset = path, opened(path), 0
            for offset, record in read(path, self._offset):
                self._offset = offset
                if isinstance(record, Entry):
                    before = self._page.book
                    self._page.turn(record)
                    if record.number > self._number:
                        yield before, record, self._page.book
            following = [each for each in parts(self._folder) if each > path]
            if not following:
                return
            self._path, self._page = following[0], None

    def _first(self) -> Path | None:
        """The part that holds the first record it has to tell."""
        found = None
        for path in parts(self._folder):
            if found is not None and opened(path).number > self._number:
                break
            found = path
        return found


def since(folder: Path, number: int) -> Iterator[Turned]:
    """Every entry after this one, with the book before and after it."""
    return Follower(folder, number).turned()
