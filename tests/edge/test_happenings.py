"""What happens to a farm is written by every process of it and read once, whatever becomes of the file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from live_trader.edge.clock import Clock
from live_trader.edge.happenings import _MOST_BYTES, FILE, Happenings, Place, read
from tests.edge.server.house import started, until


class Moved(Clock):
    """A clock that stands until it is moved."""

    at = 0.0

    def monotonic(self) -> float:
        return self.at


def every(folder: Path, place: Place) -> tuple[list[str], Place]:
    """All texts after this place, and the place after them."""
    texts: list[str] = []
    while True:
        told, following = read(folder, place)
        texts += [each.text for each in told]
        if following == place:
            return texts, place
        place = following


def test_each_line_is_read_once_also_when_the_file_is_turned(tmp_path: Path) -> None:
    """Across a long file and its successor nothing is lost and nothing told twice."""
    happenings = Happenings(tmp_path, Clock())
    wanted, found, place = [], [], Place()
    for number in range(9000):
        wanted.append(f"{number} {'x' * 100}")
        happenings.add("restart", "AUDUSD M1", wanted[-1])
        if number % 2500 == 7:
            some, place = every(tmp_path, place)
            found += some
    found += every(tmp_path, place)[0]
    assert (tmp_path / FILE).with_suffix(".old").exists()
    assert found == wanted
    assert (tmp_path / FILE).stat().st_size < _MOST_BYTES
    assert (tmp_path / FILE).stat().st_mode & 0o077 == 0


def test_a_torn_line_is_passed_over(tmp_path: Path) -> None:
    happenings = Happenings(tmp_path, Clock())
    happenings.add("fault", "server", "died")
    with (tmp_path / FILE).open("a") as file:
        file.write('{"at":"2026-11-20T1\n')
    happenings.add("restart", "server", "runs")
    with (tmp_path / FILE).open("a") as file:
        file.write('{"at":"2026-11-20T18:00:00Z","sort":"fault","who":"a","te')
    assert every(tmp_path, Place())[0] == ["died", "runs"]


def test_the_same_trouble_is_told_once_in_a_while_with_its_number(tmp_path: Path) -> None:
    """Other trouble, and the same of another part, is told meanwhile."""
    clock = Moved()
    happenings = Happenings(tmp_path, clock)
    one, other = happenings.of("AUDUSD M1"), happenings.of("EURUSD M1")
    for number in range(5):
        one("fault", "waits", f"waits {number}")
    one("refusal", "bars", "a bar was refused")
    other("fault", "waits", "waits too")
    clock.at += 11
    one("fault", "waits", "waits again")
    told = every(tmp_path, Place())[0]
    assert told == ["waits 0", "a bar was refused", "waits too", "waits again (and 4 more since the last)"]


def test_a_folder_that_cannot_be_written_costs_the_line_only(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("a file where the folder should be")
    Happenings(tmp_path / "run", Clock()).add("restart", "farm", "starts")


def test_the_server_takes_in_what_happened_while_it_was_away_and_streams_it(tmp_path: Path) -> None:
    """Its own death is in the timeline once it is back, each line once, under a seq of the store."""
    happenings = Happenings(tmp_path / "run", Clock())
    happenings.add("fault", "server", "died (killed by SIGKILL) and starts again in 0.4 s")
    stay(tmp_path, happenings)
    rows = stay(tmp_path, happenings)
    assert [row[1:] for row in rows] == [("fault", "server"), *2 * [("restart", "AUDUSD M1")]]
    assert [row[0] for row in rows] == [1, 2, 4]


def stay(folder: Path, happenings: Happenings) -> list[Any]:
    """A server that comes, hears of a restart while it is there, and goes; what it then keeps."""
    house = started(folder / "server")
    kept = house.server.parts.store.happenings
    try:
        until(lambda: kept.place.offset > 0)
        happenings.add("restart", "AUDUSD M1", "runs")
        before = kept.place
        until(lambda: kept.place != before)
        house.feed(1)
        return house.server.parts.store._disk.read("SELECT seq, sort, who FROM happenings ORDER BY seq")
    finally:
        house.stop()


def test_bars_a_feed_brought_that_cannot_be_are_in_the_timeline(tmp_path: Path) -> None:
    """Once with the reason, not a line for each."""
    house = started(tmp_path / "server")
    try:
        bad = {"time": "2024-01-01T00:00:00Z", "open": 1, "high": 0.5, "low": 1, "close": 1, "volume": 1}
        for _ in range(3):
            house.ask("POST", "/v1/bars", {"symbol": "AUDUSD", "timeframe": "M1", "bars": [bad, bad]}, "feed")
        rows = house.server.parts.store._disk.read("SELECT sort, who, text FROM happenings")
    finally:
        house.stop()
    assert len(rows) == 1
    assert rows[0][:2] == ("refusal", "AUDUSD M1")
    assert rows[0][2].startswith("2 bars of a post were refused, the first: ")
