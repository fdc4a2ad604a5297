"""The account's tables out of the store's file, as CSV or Parquet, whether or not a server has it open."""

from __future__ import annotations

import csv
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal

from live_trader.errors import BadData

Format = Literal["csv", "parquet"]

_TABLES: Final = {
    "orders": """
SELECT orders.id, trade, slot, symbol, timeframe, side, kind, role, quantity, price, status, filled, reason,
    created FROM orders JOIN tickers ON tickers.id = ticker ORDER BY trade, orders.rowid""",
    "fills": """
SELECT fills.id, order_id, quantity, price, fee, time FROM fills ORDER BY seq""",
    "trades": """
SELECT trades.id, slot, symbol, timeframe, direction, quantity, entry, exit, stop, target, opened, closed,
    reason, fees, profit, risked FROM trades JOIN tickers ON tickers.id = ticker ORDER BY trades.id""",
    "positions": """
SELECT trade, slot, symbol, timeframe, quantity, entry, stop, target, opened, leaving
FROM positions JOIN tickers ON tickers.id = ticker ORDER BY trade""",
    "equity": "SELECT number, time, equity, cash, peak FROM equity ORDER BY number",
}
_TIMES: Final = frozenset(("created", "time", "opened", "closed"))
_MONEY: Final = frozenset(
    "quantity price filled fee entry exit stop target fees profit risked equity cash peak".split()  # noqa: SIM905
)


def export(server_folder: Path, out: Path, form: Format) -> dict[str, int]:
    """Write every table into this folder; how many rows each has."""
    out.mkdir(parents=True, exist_ok=True)
    counts = {}
    for name, query in _TABLES.items():
        columns, rows = _read(server_folder / "store.db", query)
        write = _parquet if form == "parquet" else _csv
        write(out / f"{name}.{form}", columns, rows)
        counts[name] = len(rows)
    return counts


def _read(path: Path, query: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as store:
            found = store.execute(query)
            columns = [each[0] for each in found.description]
            return columns, [tuple(_values(columns, row)) for row in found]
    except sqlite3.Error as fault:
        raise BadData(
            f"the store {path} cannot be read: {fault}", "Give the work path of a farm with a desk"
        ) from None


def _values(columns: list[str], row: tuple[Any, ...]) -> Iterator[Any]:
    for name, value in zip(columns, row, strict=True):
        yield datetime.fromtimestamp(value, UTC) if name in _TIMES and value is not None else value


def _csv(path: Path, columns: list[str], rows: list[tuple[Any, ...]]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        for row in rows:
            writer.writerow([each.isoformat() if isinstance(each, datetime) else each for each in row])


def _parquet(path: Path, columns: list[str], rows: list[tuple[Any, ...]]) -> None:
    """Money is written as text, digit for digit, beside which a reader may put any decimals they like."""
    import pyarrow
    import pyarrow.parquet

    kinds = {name: pyarrow.timestamp("us", tz="UTC") for name in columns if name in _TIMES}
    kinds |= {name: pyarrow.string() for name in columns if name in _MONEY}
    data = {name: [row[index] for row in rows] for index, name in enumerate(columns)}
    arrays = [pyarrow.array(data[name], type=kinds.get(name)) for name in columns]
    pyarrow.parquet.write_table(pyarrow.table(arrays, names=columns), path)
