"""The tables of the store's file, and how it is opened: whole, or set aside and said."""

from __future__ import annotations

import logging
import os
import sqlite3
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from live_trader.edge.clock import Clock
from live_trader.edge.server.store.tables import HAPPENINGS, TRADING
from live_trader.errors import BadSettings, Refused
from live_trader.experts.bundle.atomic import private

log = logging.getLogger(__name__)

_APPLICATION: Final = 0x17ADE2
_PRAGMAS: Final = (
    "journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "journal_size_limit = 67108864"
)  # fmt: skip
_SMALL: Final = 64 << 20
"""A store of so many bytes is looked through at every start; a larger one, for time, only when in doubt."""

_HEAD_BYTES: Final = 100

_TABLES: Final = (
    """
CREATE TABLE counter (seq INTEGER NOT NULL);
INSERT INTO counter VALUES (0);
CREATE TABLE tickers (
    id INTEGER PRIMARY KEY,
    symbol TEXT NOT NULL,
    timeframe TEXT NOT NULL,
    UNIQUE (symbol, timeframe)
);
CREATE TABLE bars (
    ticker INTEGER NOT NULL REFERENCES tickers,
    time INTEGER NOT NULL,
    open REAL NOT NULL, high REAL NOT NULL, low REAL NOT NULL, close REAL NOT NULL, volume REAL NOT NULL,
    seq INTEGER NOT NULL UNIQUE,
    received REAL NOT NULL,
    PRIMARY KEY (ticker, time),
    CHECK (0 < low AND low <= open AND low <= close AND open <= high AND close <= high AND 0 <= volume)
) WITHOUT ROWID;
CREATE TABLE revisions (
    seq INTEGER PRIMARY KEY,
    ticker INTEGER NOT NULL REFERENCES tickers,
    time INTEGER NOT NULL,
    open REAL NOT NULL, high REAL NOT NULL, low REAL NOT NULL, close REAL NOT NULL, volume REAL NOT NULL,
    received REAL NOT NULL,
    replaced REAL NOT NULL
);
CREATE INDEX revisions_of_bar ON revisions (ticker, time);
CREATE TABLE signals (
    seq INTEGER PRIMARY KEY,
    ticker INTEGER NOT NULL REFERENCES tickers,
    bot TEXT NOT NULL,
    time INTEGER NOT NULL,
    shadow INTEGER NOT NULL CHECK (shadow IN (0, 1)),
    signal REAL NOT NULL CHECK (signal IN (-1, 0.5, 1)),
    models TEXT NOT NULL,
    probabilities TEXT NOT NULL,
    bundle TEXT NOT NULL,
    late INTEGER NOT NULL CHECK (late IN (0, 1)),
    received REAL NOT NULL,
    UNIQUE (ticker, bot, time, shadow)
);
CREATE INDEX signals_of_ticker ON signals (ticker);
CREATE TABLE portfolios (
    version INTEGER PRIMARY KEY,
    seq INTEGER NOT NULL UNIQUE,
    state TEXT NOT NULL CHECK (state IN ('ACTIVE', 'REDUCING', 'HALTED')),
    allocations TEXT NOT NULL,
    received REAL NOT NULL
);
CREATE TABLE bots (
    ticker INTEGER NOT NULL REFERENCES tickers,
    bot TEXT NOT NULL,
    time INTEGER NOT NULL,
    signal REAL NOT NULL,
    bundle TEXT NOT NULL,
    received REAL NOT NULL,
    PRIMARY KEY (ticker, bot)
) WITHOUT ROWID;
CREATE TABLE states (
    seq INTEGER PRIMARY KEY,
    ticker INTEGER NOT NULL REFERENCES tickers,
    bot TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('FRESH', 'STALE', 'ABSENT')),
    received REAL NOT NULL
);
CREATE TABLE places (
    ticker INTEGER NOT NULL REFERENCES tickers,
    reader TEXT NOT NULL,
    time INTEGER NOT NULL,
    portfolio INTEGER NOT NULL,
    received REAL NOT NULL,
    PRIMARY KEY (ticker, reader)
) WITHOUT ROWID;
""",
    TRADING,
    "ALTER TABLE signals ADD COLUMN held TEXT NOT NULL DEFAULT '';",
    HAPPENINGS,
    "ALTER TABLE signals ADD COLUMN lags TEXT NOT NULL DEFAULT '';",
    """
ALTER TABLE tickers ADD COLUMN revision INTEGER NOT NULL DEFAULT 0;
UPDATE tickers SET revision = (SELECT count(*) FROM revisions WHERE revisions.ticker = tickers.id);
""",
)
"""One script per version of the tables, each leading from the version before it."""


@dataclass(slots=True)
class Opened:
    """An open store: one connection that writes, one that reads, the highest seq, and what was set aside."""

    writer: sqlite3.Connection
    reader: sqlite3.Connection
    mark: Mark
    seq: int
    set_aside: str
    lock: sqlite3.Connection

    def close(self) -> None:
        """Close the files; what was acknowledged is in them."""
        self.reader.close()
        self.writer.close()
        self.mark.close()
        self.lock.close()


class Mark:
    """The highest seq ever acknowledged, written beside the store after each commit.

    A store that knows less than its mark has lost facts, however whole its file looks: SQLite takes a
    shortened write-ahead log for a shorter history.
    """

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        text = os.read(self._file, 32).strip()
        self.seq = int(text) if text.isdigit() else 0

    def raise_to(self, seq: int) -> None:
        """Remember that everything up to here was acknowledged."""
        os.lseek(self._file, 0, os.SEEK_SET)
        os.write(self._file, b"%020d\n" % seq)
        self.seq = seq

    def close(self) -> None:
        os.close(self._file)


class _Damaged(Exception):
    """The file is not the whole store it should be."""


def open_store(folder: Path, clock: Clock) -> Opened:
    """The store of this folder, made when there is none; a damaged one is set aside and a new one begun."""
    private(folder)
    lock = _locked(folder)
    mark = Mark(folder / "store.mark")
    path = folder / "store.db"
    set_aside = ""
    try:
        try:
            writer = _opened(path, mark.seq)
        except (_Damaged, sqlite3.DatabaseError) as fault:
            if isinstance(fault, sqlite3.OperationalError):
                raise BadSettings(f"the store {path} cannot be opened: {fault}", "See to the disk") from None
            now = clock.now()
            set_aside = _set_aside(folder, str(fault), now)
            writer = _opened(path, 0)
            _begin_halted(writer, mark.seq + 1, now)
        reader = _connected(path)
        reader.execute("PRAGMA query_only = ON")
    except BaseException:
        mark.close()
        lock.close()
        raise
    return Opened(writer, reader, mark, _highest(writer), set_aside, lock)


def _locked(folder: Path) -> sqlite3.Connection:
    """Hold the folder for this process alone, by a lock that dies with the process."""
    path = folder / "store.lock"
    path.touch(0o600)
    lock = sqlite3.connect(path, timeout=1.0, isolation_level=None, check_same_thread=False)
    try:
        lock.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as fault:
        lock.close()
        raise Refused(
            f"the store in {folder} cannot be taken: {fault}",
            "Stop the server that has it, or use another folder",
        ) from None
    return lock


def _connected(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=5.0, isolation_level=None, check_same_thread=False)
    try:
        for pragma in _PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
    except BaseException:
        connection.close()
        raise
    return connection


def _opened(path: Path, mark: int) -> sqlite3.Connection:
    path.touch(0o600)
    doubtful = _too_short(path) or path.stat().st_size <= _SMALL
    connection = _connected(path)
    try:
        if doubtful:
            _look_through(connection)
        _migrated(connection, path)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        seq = _highest(connection)
        if seq < mark:
            raise _Damaged(f"it ends at {seq}, but everything up to {mark} was acknowledged")
    except BaseException:
        connection.close()
        raise
    return connection


def _too_short(path: Path) -> bool:
    """Whether the file is shorter than its own head says; the write-ahead log may still hold the rest."""
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    page_bytes = int.from_bytes(head[16:18], "big")
    pages = int.from_bytes(head[28:32], "big")
    return path.stat().st_size < (65536 if page_bytes == 1 else page_bytes) * pages


def _look_through(connection: sqlite3.Connection) -> None:
    """Have every page looked at for damage."""
    found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found != "ok":
        raise _Damaged(found)


def _migrated(connection: sqlite3.Connection, path: Path) -> None:
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > len(_TABLES):
        raise Refused(
            f"{path} was written by a newer program (version {version})",
            "Update this program, or use another folder",
        )
    for number, script in enumerate(_TABLES[version:], version + 1):
        connection.executescript(
            f"BEGIN; {script} PRAGMA user_version = {number}; PRAGMA application_id = {_APPLICATION}; COMMIT;"
        )


def _highest(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT seq FROM counter").fetchone()[0])


def _begin_halted(connection: sqlite3.Connection, seq: int, now: datetime) -> None:
    """Let the new store count on from where the lost one ended, trading halted until a person acts."""
    connection.execute("BEGIN")
    connection.execute(
        "INSERT INTO portfolios VALUES (?, ?, 'HALTED', 'null', ?)", (seq, seq, now.timestamp())
    )
    connection.execute("UPDATE counter SET seq = ?", (seq,))
    connection.execute("COMMIT")


def _set_aside(folder: Path, fault: str, now: datetime) -> str:
    """Move the damaged files out of the way, keeping them, and say so."""
    aside = folder / "damaged" / now.strftime("%Y%m%dT%H%M%S.%fZ")
    private(aside)
    for name in ("store.db", "store.db-wal", "store.db-shm"):
        if (folder / name).exists():
            (folder / name).rename(aside / name)
    told = f"the store was damaged ({fault}) and lies in {aside}; a new one was begun, trading is HALTED"
    log.critical(told, extra={"cause": fault})
    return told
