"""The live table can be read at every width, with few tickers and many, without colour and without signs."""

from __future__ import annotations

import io
import os
import re
from dataclasses import asdict
from datetime import UTC, datetime, timedelta

import pytest
from rich.console import Console

from live_trader.farm.supervisor import Child, Spec
from live_trader.farm.table import drawn
from live_trader.farm.view import HEAD, Row, lines, row, rows

NOW = datetime(2026, 11, 20, 12, 0, 30, tzinfo=UTC)
BAR = f"{NOW - timedelta(seconds=60):%Y-%m-%dT%H:%M:%SZ}"
EVENTS = [
    f"11:59:{second:02} AUDUSD M1 died (killed by SIGKILL) and starts again in 0.5 s" for second in range(9)
]


def made(name: str = "AUDUSD M1", **other: object) -> Row:
    """A worker that does well, except for what is said."""
    figures: dict[str, object] = {
        "name": name, "state": "RUNNING", "phase": "serving", "reason": "", "pid": 7, "restarts": 0,
        "since_s": 100.0, "beat_age_s": 0.2, "last_bar": BAR, "signal": 1.0, "long": 0.712, "short": 0.104,
        "long_needs": 0.3, "short_needs": 0.3, "lag_s": 0.0123, "answered": 9, "refused": 0, "faults": 0,
        "bundle": "v1", "memory_mb": 61.3,
    }  # fmt: skip
    return Row(**{**figures, **other})


def village(count: int) -> list[Row]:
    """So many tickers, the third in quarantine and the fourth waiting, as the farm sorts them."""
    found = [made(f"TICK{number:03} M1", signal=(-1.0, 0.5, 1.0)[number % 3]) for number in range(count)]
    reason = "quarantined: 11 crashes within 300 s, the last: killed by SIGSEGV"
    empty = dict.fromkeys(("last_bar", "signal", "long", "short", "lag_s", "pid", "memory_mb"))
    found[2] = made(found[2].name, state="FATAL", phase="", reason=reason, restarts=10, **empty)
    found[3] = made(found[3].name, reason="the server does not answer", signal=-1.0, long=0.2, short=0.31)
    return sorted(found, key=lambda each: each.trouble)


def shown(children: list[Row], width: int, height: int = 30, *, plain: bool = False) -> list[str]:
    """What the terminal would show, without colour."""
    console = Console(file=io.StringIO(), width=width, height=height, record=True, no_color=True)
    console.print(drawn("Instant Trader", children, EVENTS, NOW, width, height, plain=plain))
    return console.export_text().splitlines()


@pytest.mark.parametrize("width", [40, 60, 80, 100, 130, 200])
@pytest.mark.parametrize("count", [4, 200])
def test_it_fits_and_what_needs_a_person_is_read_first(width: int, count: int) -> None:
    text = shown(village(count), width)
    assert max(map(len, text)) <= width
    assert len(text) <= 30
    assert text[2].startswith("TICK002 M1")
    assert "FATAL" in text[2]
    assert any("quarantined: 11" in line for line in text)
    assert text[3].startswith("TICK003 M1")
    assert "▼ -1" in text[3]
    tickers = [line.split()[0] for line in text[2:] if " M1 " in line and line.startswith("TICK")]
    tickers = [each for each, line in zip(tickers, text[2:], strict=False) if "M1:" not in line]
    if count == 4:
        assert tickers == ["TICK002", "TICK003", "TICK000", "TICK001"]
    else:
        hidden = next(line for line in text if line.startswith("and "))
        assert hidden.startswith(f"and {200 - len(tickers)} more: {200 - len(tickers)} RUNNING")


def test_probabilities_stand_against_their_thresholds() -> None:
    """The bar passes its mark exactly when the vote is yes."""
    for value, needed, bar in (
        (0.712, 0.3, "█│█░"), (0.31, 0.3, "█│█░"), (0.3, 0.3, "█│░░"), (0.0, 0.3, "░│░░"),
        (1.0, 1.0, "███│"), (1.0, 0.0, "│███"),
    ):  # fmt: skip
        line = next(each for each in shown([made(long=value, long_needs=needed)], 80) if "AUDUSD" in each)
        drawn_bar = line.split()[6]
        passed = "█" in drawn_bar.partition("│")[2]
        assert passed is (value > needed), (value, needed, drawn_bar)
        assert len(drawn_bar) == len(bar)


def test_where_the_reasons_do_not_fit_they_stand_below() -> None:
    """A quarantine is told in full under a narrow table, in several lines if need be; a wide one has room."""
    whole = "TICK002 M1: quarantined: 11 crashes within 300 s, the last: killed by SIGSEGV"
    assert whole in shown(village(200), 80)
    assert whole in " ".join(shown(village(200), 40))
    assert whole not in shown(village(200), 200)
    remedy = "Train it again, or instant-trader rollback EURUSD M1"
    damaged = made("EURUSD M1", state="FATAL", reason=f"{'its bundle is damaged ' * 5}: {remedy}")
    assert remedy in " ".join(shown([damaged], 200)).replace("  ", " ")


def test_a_worker_that_does_not_serve_yet_says_what_it_is_at() -> None:
    for width in (40, 80, 200):
        assert "priming" in shown([made(phase="priming")], width)[2]


def test_a_title_that_is_too_long_leaves_the_counts_whole() -> None:
    children = [made(f"T{at} M1", state=state) for at, state in enumerate(("FATAL", "BACKOFF", "STARTING"))]
    text = shown(children, 40)
    assert text[:2] == ["Instant Trader", "1 FATAL, 1 BACKOFF, 1 STARTING"]


def test_eighty_columns_have_every_figure_and_forty_the_probabilities() -> None:
    wide, narrow = shown([made()], 200), shown([made()], 80)
    assert wide[1].split()[:4] == ["TICKER", "STATE", "LAST", "BAR"]
    assert "61MB" in wide[2]
    assert "0.012s" in wide[2]
    assert "11:59:30" in wide[2]
    assert {"11:59:30", "61MB", "0.012s", "60s", "0.712", "0.104"} <= set(narrow[2].split())
    assert {"0.712", "0.104", "1"} <= set(shown([made()], 40)[2].split())


def test_a_terminal_that_knows_letters_only_gets_letters() -> None:
    assert all(
        line.replace("·", "-").replace("…", ".").isascii() for line in shown([made()], 200, plain=True)
    )


def test_no_color_is_respected(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing but text, bold and dim reaches a terminal whose owner wants no colour."""
    monkeypatch.setenv("NO_COLOR", "1")
    console = Console(file=io.StringIO(), force_terminal=True, width=100)
    with console.capture() as captured:
        console.print(drawn("Instant Trader", village(4), EVENTS, NOW, 100, 30))
    assert set(re.findall(r"\x1b\[([0-9;]*)m", captured.get())) <= {"0", "1", "2"}


def test_plain_lines_say_the_same() -> None:
    """For whoever is no terminal: a head and a line for each, in columns, with no sign but letters."""
    text = lines(village(4), NOW)
    assert re.split(" {2,}", text[0]) == list(HEAD)
    assert len(text) == 5
    assert all(line.isascii() for line in text)
    assert text[1].startswith("TICK002 M1  FATAL")


def test_ages_stay_short() -> None:
    for seconds, word in (
        (0, "0s"),
        (599, "599s"),
        (600, "10m"),
        (7200, "2h"),
        (400_000, "5d"),
        (3e8, "3472d"),
    ):
        bar = f"{NOW - timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%SZ}"
        assert word in lines([made(last_bar=bar)], NOW)[1].split()


def test_memory_is_that_of_the_process_and_a_row_travels(tmp_path: object) -> None:
    class Living:
        pid = os.getpid()

    child = Child(Spec("AUDUSD M1", print, (), page=tmp_path / "none.pulse"))
    assert row(child, 0.0).memory_mb is None
    child.process = Living()
    seen = row(child, 0.0)
    assert seen.memory_mb is not None
    assert seen.memory_mb > 10
    assert rows({"children": [asdict(seen)]}) == [seen]


def test_a_worker_that_has_to_import_the_heavy_libraries_says_so() -> None:
    light, heavy = lines([made(), made("EURUSD M1", heavy=True)], NOW)[1:]
    assert light.split()[-1] == "0"
    assert heavy.endswith("heavy: its bundle is served by the pipeline itself")
