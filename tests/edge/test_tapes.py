"""Tapes on disk come back as they went, and what cannot be a tape is told by file, row and remedy."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from live_trader.core.bars import Tape, Ticker, Timeframe
from live_trader.edge import tapes
from live_trader.errors import BadTape

TICKER = Ticker("AUDUSD", Timeframe.M1)
START = 1_721_037_600  # 2024-07-15T10:00:00Z
HEADER = "time,open,high,low,close,volume\n"
CASES = json.loads((Path(__file__).parent.parent / "cases" / "tapes.json").read_text())
COLUMNS = ("times", "open", "high", "low", "close", "volume")


def tape(minutes: list[int], ticker: Ticker = TICKER) -> Tape:
    times = START + 60 * np.array(minutes, dtype=np.int64)
    random = np.random.default_rng(len(minutes))
    prices = np.sort(random.uniform(0.1, 3.0, (len(minutes), 4)), axis=1)
    return Tape(
        ticker,
        times,
        prices[:, 1],
        prices[:, 3],
        prices[:, 0],
        prices[:, 2],
        random.uniform(0, 9, len(minutes)),
    )


def same(one: Tape, other: Tape) -> bool:
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in COLUMNS)


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".parquet"])
@given(minutes=st.lists(st.integers(0, 10_000), min_size=1, max_size=40, unique=True).map(sorted))
@settings(max_examples=25, deadline=None)
def test_a_tape_comes_back_bit_for_bit(
    tmp_path_factory: pytest.TempPathFactory, suffix: str, minutes: list[int]
) -> None:
    written = tape(minutes)
    path = tmp_path_factory.mktemp("tape") / f"bars{suffix}"
    tapes.write(path, written)
    assert same(tapes.read(path, TICKER).tape, written)
    assert [each.name for each in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("case", CASES, ids=[case["case"] for case in CASES])
def test_what_cannot_be_a_tape_is_told_by_file_row_and_remedy(
    tmp_path: Path, case: dict[str, object]
) -> None:
    path = tmp_path / "bars.csv"
    path.write_text(str(case["csv"]))
    with pytest.raises(BadTape) as told:
        tapes.read(path, TICKER, zone=case.get("zone"), drop=bool(case.get("drop")))
    for part in case["says"]:
        assert part in str(told.value)
    assert str(path) in str(told.value) or "time zone" in str(told.value)
    assert told.value.remedy


def test_bad_rows_are_left_out_only_when_told_to_and_then_named(tmp_path: Path) -> None:
    path = tmp_path / "bars.csv"
    path.write_text(
        HEADER
        + "2024-07-15T10:00:00Z,1,1,1,1,0\n"
        + "2024-07-15T10:01:00Z,1,1,1,nan,0\n"
        + "2024-07-15T09:59:00Z,1,1,1,1,0\n"
        + "2024-07-15T10:02:00Z,2,2,2,2,0\n"
        + "2024-07-15T10:02:00Z,3,3,3,3,0\n"
    )
    reading = tapes.read(path, TICKER, drop=True)
    assert reading.tape.close.tolist() == [1.0, 2.0]
    assert reading.left_out == 3
    assert [reason[:6] for reason in reading.reasons] == ["line 3", "line 4", "line 6"]
    assert "3 rows left out" in reading.summary[-1]


def test_gaps_are_told_and_left_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "bars.csv"
    tapes.write(path, tape([0, 1, 5, 6, 100]))
    reading = tapes.read(path, TICKER)
    assert [(gap.after - START, gap.missing) for gap in reading.gaps] == [(60, 3), (360, 93)]
    assert "2 gaps, 96 bars missing, the longest 93 bars" in reading.summary[1]


def test_bars_of_another_timeframe_within_a_tape_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "bars.csv"
    tapes.write(path, tape([*range(50), *range(60, 60 + 60 * 30, 60)]))
    with pytest.raises(BadTape, match=r"holds H1 bars .* where M1 was asked for"):
        tapes.read(path, TICKER)


@pytest.mark.parametrize(
    ("header", "rows"),
    [
        ("Timestamp;Open;High;Low;Close;Volume", "2024-07-15T12:00:00+02:00;1;1;1;1;0"),
        ("DATE\tVOLUME\tCLOSE\tLOW\tHIGH\tOPEN", "2024-07-15T10:00:00Z\t0\t1\t1\t1\t1"),
        ("time,open,high,low,close,volume,spread", f"{START},1,1,1,1,0,7"),
        ("time,open,high,low,close,volume", f"{START}000,1,1,1,1,0"),
    ],
)
def test_common_spellings_of_the_same_bar_are_read(tmp_path: Path, header: str, rows: str) -> None:
    path = tmp_path / "bars.csv"
    path.write_text(f"{header}\n{rows}\n")
    assert tapes.read(path, TICKER).tape.times.tolist() == [START]


def test_times_without_a_zone_are_read_in_the_zone_that_is_said(tmp_path: Path) -> None:
    path = tmp_path / "bars.csv"
    path.write_text(HEADER + "2024-07-15 11:00:00,1,1,1,1,0\n")
    assert tapes.read(path, TICKER, zone="Europe/London").tape.times.tolist() == [START]


def test_a_file_that_is_cut_short_or_missing_is_told(tmp_path: Path) -> None:
    path = tmp_path / "bars.csv.gz"
    path.write_bytes(gzip.compress((HEADER + "2024-07-15T10:00:00Z,1,1,1,1,0\n" * 100).encode())[:-30])
    with pytest.raises(BadTape, match="cannot be read"):
        tapes.read(path, TICKER)
    with pytest.raises(BadTape, match="there is no file"):
        tapes.read(tmp_path / "none.csv", TICKER)
    with pytest.raises(BadTape, match="not a file of bars by its name"):
        tapes.read(tmp_path / "bars.xlsx", TICKER)


def test_rows_of_parquet_are_counted_from_one(tmp_path: Path) -> None:
    path = tmp_path / "bars.parquet"
    times = pa.array([START, START + 60], pa.int64()).cast(pa.timestamp("s", "UTC"))
    columns = {name: [1.0, 1.0] for name in ("open", "high", "low", "close")}
    pq.write_table(pa.table({"time": times, **columns, "volume": [0.0, -1.0]}), path)
    with pytest.raises(BadTape, match=r"row 2 of .* volume -1.0 is negative"):
        tapes.read(path, TICKER)


@pytest.mark.slow
def test_ten_years_of_minutes_are_read_within_eight_gibibytes(tmp_path: Path) -> None:
    """Ten years of M1; the reading process says its own peak."""
    path = tmp_path / "bars.parquet"
    tapes.write(path, tape(list(range(3_700_000))))
    program = (
        "import sys, resource; from pathlib import Path; from live_trader.edge.tapes import read;"
        "from live_trader.core.bars import Ticker, Timeframe;"
        "tape = read(Path(sys.argv[1]), Ticker('AUDUSD', Timeframe.M1)).tape;"
        "print(len(tape), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)], check=True, capture_output=True, text=True
    )
    bars, peak = map(int, done.stdout.split())
    assert bars == 3_700_000
    unit = 1 if sys.platform == "darwin" else 1024
    assert peak * unit < 8 * 2**30


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz"])
def test_text_is_written_and_read_without_the_library_of_tables(tmp_path: Path, suffix: str) -> None:
    """A feed or a trainer reads its bars without the memory that pandas takes."""
    path = tmp_path / f"bars{suffix}"
    tapes.write(path, tape(list(range(50))))
    program = (
        "import sys; from pathlib import Path; import live_trader.farm.feeder;"
        "before = {'pyarrow', 'pandas'} & set(sys.modules);"
        "from live_trader.edge.tapes import read, write; from live_trader.core.bars import Ticker, Timeframe;"
        "path = Path(sys.argv[1]);"
        "write(path, read(path, Ticker('AUDUSD', Timeframe.M1)).tape);"
        "print(sorted(before), 'pandas' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)], check=True, capture_output=True, text=True
    )
    assert done.stdout.strip() == "[] False"
