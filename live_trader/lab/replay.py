"""The replay: a recorded journal runs again, and must give the same commands and the same book."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from msgspec.structs import replace

from live_trader.core.book import Book, advance
from live_trader.edge import diary
from live_trader.edge.diary import Entry, Opened
from live_trader.edge.journal import parts
from live_trader.errors import BadData
from live_trader.lab.progress import QUIET, Progress


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a replay found; `difference` is empty when everything came out as it did."""

    records: int
    parts: int
    difference: str
    at: int | None
    fingerprint: str
    equity: str

    @property
    def same(self) -> bool:
        return not self.difference


def replay(folder: Path, progress: Progress = QUIET) -> Replayed:
    """Run every part of the journal in this folder again, up to the first difference."""
    found = parts(folder)
    if not found:
        raise BadData(f"there is no journal in {folder}", "A desk writes one: desk.enabled = true")
    progress.expect(len(found))
    count, book, digest = 0, None, hashlib.sha256()
    for path in found:
        for _, record in diary.read(path):
            count += 1
            if isinstance(record, Opened):
                wrong = "" if book is None else _other_book(book, record)
                book = record.book
            else:
                assert book is not None
                book, wrong = _again(book, record)
                digest.update(diary.encode(record.commands))
            if wrong:
                return Replayed(count, len(found), wrong, record.number, digest.hexdigest(), str(book.equity))
        progress.done(path.name)
    assert book is not None
    digest.update(diary.encode(book))
    return Replayed(count, len(found), "", None, digest.hexdigest(), str(book.equity))


def _again(book: Book, entry: Entry) -> tuple[Book, str]:
    after, commands = advance(book, entry.event)
    if commands == entry.commands:
        return after, ""
    kind = type(entry.event).__name__
    return after, f"{kind} gives {_names(commands)} where the desk had {_names(entry.commands)}"


def _other_book(book: Book, opened: Opened) -> str:
    """What differs between a part's last book and the next one's first, limits and instruments apart."""
    same = replace(book, limits=opened.book.limits, instruments=opened.book.instruments)
    names = [name for name in book.__struct_fields__ if getattr(same, name) != getattr(opened.book, name)]
    return f"the book goes on with other {', '.join(names)}" if names else ""


def _names(commands: Iterable[object]) -> str:
    return ", ".join(type(each).__name__ for each in commands) or "nothing"
