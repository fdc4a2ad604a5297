"""Files of bars as they stand: CSV, gzipped CSV or Parquet under our column names, not yet checked."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from live_trader.errors import BadTape

PRICES = ("open", "high", "low", "close", "volume")
_TIMES = ("time", "timestamp", "datetime", "date", "opened")
_SUFFIXES = (".csv", ".csv.gz", ".parquet")


class Rows:
    """How a row of this file is called in a sentence."""

    def __init__(self, path: Path) -> None:
        self._path, self._parquet = path, suffix_of(path) == ".parquet"

    def __call__(self, index: int) -> str:
        return f"row {index + 1} of {self._path}" if self._parquet else f"line {index + 2} of {self._path}"

    def __str__(self) -> str:
        return str(self._path)


def suffix_of(path: Path) -> str:
    """The ending that says what kind of file this is."""
    for suffix in _SUFFIXES:
        if path.name.lower().endswith(suffix):
            return suffix
    raise BadTape(f"{path} is not a file of bars by its name", f"Use one of {', '.join(_SUFFIXES)}")


def load(path: Path) -> pa.Table:
    """The rows of a CSV, gzipped CSV or Parquet file, its columns under our names."""
    parquet = suffix_of(path) == ".parquet"
    if not path.is_file():
        raise BadTape(f"there is no file {path}", "Give the path of a CSV or Parquet file of bars")
    try:
        table = pq.read_table(path) if parquet else _csv(path)
    except (pa.ArrowInvalid, OSError, EOFError) as error:
        reason = str(error).splitlines()[0].rstrip(".")
        raise BadTape(
            f"{path} cannot be read: {reason}", "Give a whole CSV or Parquet file with one header line"
        ) from error
    if not table.num_rows:
        raise BadTape(f"{path} holds no bar", "Give a file with at least one row under its header")
    return _named(table, path)


def _csv(path: Path) -> pa.Table:
    with pa.input_stream(str(path)) as stream:  # unzips by the name's ending
        head = stream.read(4096).split(b"\n", 1)[0]
    counts = {mark: head.count(mark.encode()) for mark in ",;\t"}
    delimiter = max(counts, key=lambda mark: counts[mark])
    crooked: list[Any] = []

    def refuse(line: Any) -> str:
        crooked.append(line)
        return "error"

    def table(threads: bool) -> pa.Table:
        return pacsv.read_csv(
            path,
            read_options=pacsv.ReadOptions(use_threads=threads),
            parse_options=pacsv.ParseOptions(delimiter=delimiter, invalid_row_handler=refuse),
            convert_options=pacsv.ConvertOptions(timestamp_parsers=[pacsv.ISO8601]),
        )

    try:
        return table(True)
    except pa.ArrowInvalid:
        if not crooked:
            raise
    with suppress(pa.ArrowInvalid):
        table(False)  # lines are counted only by one thread alone
    line = crooked[-1]
    raise BadTape(
        f"line {line.number} of {path} has {line.actual_columns} columns, "
        f"its first line {line.expected_columns}",
        "Mend that line: every bar needs all columns, with one mark between them",
    )


def _named(table: pa.Table, path: Path) -> pa.Table:
    """The columns under our names, whatever their capitals and order."""
    found = {str(name).strip().lower(): at for at, name in enumerate(table.column_names)}
    time = next((name for name in _TIMES if name in found), None)
    missing = [name for name in PRICES if name not in found] + ([] if time else ["time"])
    if time is None or missing:
        columns = ", ".join(map(str, table.column_names))
        raise BadTape(
            f"{path} has the columns {columns} and lacks {', '.join(missing)}",
            "Its first line must name time, open, high, low, close and volume (capitals do not matter); "
            "where there is no volume, add a column of zeros",
        )
    return pa.table({"time": table.column(found[time])} | {n: table.column(found[n]) for n in PRICES})
