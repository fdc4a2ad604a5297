"""Opening the store: whole, or set aside and said; never half-read, and never by two at once."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal as signals
import sqlite3
import stat
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from live_trader.core.bars import Ticker, Timeframe
from live_trader.edge.server.hub import Hub
from live_trader.edge.server.store import Store, schema
from live_trader.edge.server.store.schema import open_store
from live_trader.errors import BadSettings, Refused
from tests.edge.server.house import Hands
from tests.edge.server.test_store import bar, posted

TICKER = Ticker("AUDUSD", Timeframe.M1)


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store whose process was killed with some facts in its file and some in the log beside it."""
    folder = tmp_path_factory.mktemp("killed")
    code = (
        "import asyncio, os, signal, sys; from pathlib import Path\n"
        "from tests.edge.server.test_schema import filled\n"
        "asyncio.run(filled(Path(sys.argv[1]))); os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(folder)], check=False)
    assert done.returncode == -signals.SIGKILL
    assert (folder / "store.db-wal").stat().st_size > 20_000
    return folder


async def filled(folder: Path) -> None:
    store = Store(folder, Hands(), Hub(), lambda *_: None)
    await store.bars.add(TICKER, [bar(minute) for minute in range(-3000, 0)])
    store._disk._opened.writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    for minute in range(0, 40, 4):
        await store.bars.add(TICKER, [bar(each) for each in range(minute, minute + 4)])
        await store.signals.add([posted(each) for each in range(minute, minute + 4)])


def copied(killed: Path, folder: Path) -> Path:
    shutil.copytree(killed, folder, dirs_exist_ok=True)
    return folder


def look(folder: Path) -> tuple[int, int, str, str]:
    """Open the store: how many bars, which seq, what was set aside, in which state is trading."""

    async def work() -> tuple[int, int, str, str]:
        store = Store(folder, Hands(), Hub(), lambda *_: None)
        bars = len(await store.bars.last(TICKER, 9999))
        state = store.portfolios.now.state
        found = (bars, store.seq, store.set_aside, state)
        await store.close()
        return found

    return asyncio.run(work())


def test_a_killed_store_opens_whole_and_at_once(killed: Path, tmp_path: Path) -> None:
    folder = copied(killed, tmp_path)
    began = time.monotonic()
    assert look(folder) == (3040, 3080, "", "ACTIVE")
    assert time.monotonic() - began < 2


@pytest.mark.parametrize("part", range(12))
@pytest.mark.parametrize("name", ["store.db", "store.db-wal"])
def test_a_store_that_was_cut_is_set_aside_and_said(
    killed: Path, tmp_path: Path, name: str, part: int
) -> None:
    folder = copied(killed, tmp_path)
    (folder / "store.db-shm").unlink()
    size = (folder / name).stat().st_size
    os.truncate(folder / name, size * part // 12)
    bars, seq, said, state = look(folder)
    assert "damaged" in said, "a cut store must not be served"
    assert (bars, state) == (0, "HALTED")
    assert seq > 3080, "no seq is ever given twice"
    (aside,) = (folder / "damaged").iterdir()
    assert (aside / "store.db").exists()
    assert str(aside) in said
    assert look(folder)[2:] == ("", "HALTED"), "it is said once; the new store is whole"


def test_a_large_store_that_was_cut_is_set_aside_too(
    killed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("live_trader.edge.server.store.schema._SMALL", 0)
    folder = copied(killed, tmp_path)
    os.truncate(folder / "store.db", (folder / "store.db").stat().st_size // 2)
    assert "damaged" in look(folder)[2]


def test_a_cut_that_the_log_makes_good_loses_nothing(killed: Path, tmp_path: Path) -> None:
    folder = copied(killed, tmp_path)
    os.truncate(folder / "store.db", (folder / "store.db").stat().st_size - 1)
    assert look(folder)[:3] == (3040, 3080, "")


@pytest.mark.parametrize("content", [b"", b"not a database at all" * 500, b"\x00" * 8192])
def test_something_else_in_its_place_is_set_aside(killed: Path, tmp_path: Path, content: bytes) -> None:
    folder = copied(killed, tmp_path)
    (folder / "store.db-wal").unlink()
    (folder / "store.db").write_bytes(content)
    assert "damaged" in look(folder)[2]


def test_a_store_that_vanished_is_said_to_have(killed: Path, tmp_path: Path) -> None:
    folder = copied(killed, tmp_path)
    for name in ("store.db", "store.db-wal", "store.db-shm"):
        (folder / name).unlink()
    bars, _, said, state = look(folder)
    assert (bars, state) == (0, "HALTED")
    assert "acknowledged" in said


def test_a_mark_that_got_lost_does_no_harm(killed: Path, tmp_path: Path) -> None:
    folder = copied(killed, tmp_path)
    (folder / "store.mark").write_bytes(b"\xff\xff")
    assert look(folder)[:3] == (3040, 3080, "")


def test_two_servers_cannot_have_one_store(tmp_path: Path) -> None:
    first = open_store(tmp_path, Hands())
    with pytest.raises(Refused, match="cannot be taken"):
        open_store(tmp_path, Hands())
    first.close()
    open_store(tmp_path, Hands()).close()


def test_a_store_of_a_newer_program_is_left_alone(tmp_path: Path) -> None:
    open_store(tmp_path, Hands()).close()
    with sqlite3.connect(tmp_path / "store.db") as store:
        store.execute("PRAGMA user_version = 99")
    store.close()
    with pytest.raises(Refused, match="newer program"):
        open_store(tmp_path, Hands())
    assert not (tmp_path / "damaged").exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises((BadSettings, OSError)):
        open_store(tmp_path, Hands())


def test_the_stores_files_are_for_their_user_alone(tmp_path: Path) -> None:
    opened = open_store(tmp_path / "server", Hands())
    opened.writer.execute("INSERT INTO tickers (symbol, timeframe) VALUES ('A', 'M1')")
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "server").iterdir()}
    opened.close()
    assert set(modes) >= {"store.db", "store.db-wal", "store.mark"}
    assert set(modes.values()) == {0o600}


def test_a_store_from_before_bots_could_be_held_is_carried_on(tmp_path: Path) -> None:
    """Its signals were not held, and those after can be; revisions are counted on."""
    with closing(sqlite3.connect(tmp_path / "store.db")) as old, old:
        old.executescript("".join(schema._TABLES[:2]) + "PRAGMA user_version = 2;")
        old.execute("INSERT INTO tickers VALUES (1, 'A', 'M1')")
        old.execute("INSERT INTO signals VALUES (1, 1, 'a', 60, 0, 1, '{}', '{}', 'v', 0, 0)")
        old.execute("INSERT INTO revisions VALUES (2, 1, 60, 1, 1, 1, 1, 1, 0, 0)")
    opened = open_store(tmp_path, Hands())
    assert opened.reader.execute("SELECT revision FROM tickers").fetchall() == [(1,)]
    assert opened.reader.execute("SELECT signal, held FROM signals").fetchall() == [(1.0, "")]
    opened.close()


def test_impossible_rows_are_impossible(tmp_path: Path) -> None:
    opened = open_store(tmp_path, Hands())
    writer = opened.writer
    writer.execute("INSERT INTO tickers VALUES (1, 'A', 'M1', 0)")
    for row in (
        "INSERT INTO bars VALUES (1, 60, 1, 0.5, 1, 1, 1, 1, 0)",
        "INSERT INTO bars VALUES (2, 60, 1, 1, 1, 1, 1, 1, 0)",
        "INSERT INTO signals VALUES (1, 1, 'a', 60, 0, 0.7, '', '', '', 0, 0, '', '')",
        "INSERT INTO portfolios VALUES (1, 1, 'OPEN', '[]', 0)",
        "INSERT INTO states VALUES (1, 1, 'a', 'GONE', 0)",
    ):
        with pytest.raises(sqlite3.IntegrityError):
            writer.execute(row)
    opened.close()


def test_the_mark_is_said_in_the_log(killed: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = copied(killed, tmp_path)
    os.truncate(folder / "store.db-wal", 0)
    look(folder)
    (record,) = [each for each in caplog.records if each.levelname == "CRITICAL"]
    assert "everything up to 3080 was acknowledged" in record.getMessage()
    assert json.dumps(str(vars(record)["cause"]))
