"""Tapes on disk: bars read from CSV, gzipped CSV or Parquet and checked row by row, and written back."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from live_trader.core.bars import Bar, Floats, Tape, Ticker, Timeframe, Times, moment
from live_trader.edge.sheets import PRICES, Rows, load, suffix_of
from live_trader.errors import BadBar, BadTape

_SAME_STEP = 24  # so many equal steps in a row are no accident of a thin market
_SHOWN = 5
_WRITTEN = "Write times as 2024-07-15T10:00:00Z"
_END = 7_258_118_400  # the year 2200


@dataclass(frozen=True, slots=True)
class Gap:
    """Bars that are missing after the bar that opened at this second of 1970."""

    after: int
    missing: int


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """A tape with what was seen while reading it: its gaps, how many rows were left out, and why."""

    tape: Tape
    gaps: tuple[Gap, ...]
    left_out: int
    reasons: tuple[str, ...]

    @property
    def summary(self) -> tuple[str, ...]:
        """What a person should know about this tape, one sentence each."""
        tape = self.tape
        said = [f"{tape.ticker}: {len(tape)} bars from {_day(tape.times[0])} to {_day(tape.times[-1])} UTC"]
        if self.gaps:
            longest = max(self.gaps, key=lambda gap: gap.missing)
            missing = sum(gap.missing for gap in self.gaps)
            said.append(
                f"{len(self.gaps)} gaps, {missing} bars missing, the longest {longest.missing} bars "
                f"after {_day(longest.after)}; they are left as they are"
            )
        if self.left_out:
            more = self.left_out - len(self.reasons)
            tail = f"; and {more} more" if more else ""
            said.append(f"{self.left_out} rows left out: {'; '.join(self.reasons)}{tail}")
        return tuple(said)


def read(path: Path, ticker: Ticker, *, zone: str | None = None, drop: bool = False) -> Reading:
    """The bars of a file; a row that cannot be a bar is an error, or with `drop` is left out and told.

    `zone` says in which time zone times are that name none.
    """
    table = load(path)
    row = Rows(path)
    times = _times(table, row, zone)
    columns = [_numbers(table, name, row) for name in PRICES]
    bad = np.flatnonzero(_bad(ticker, times, columns))
    reasons = tuple(_fault(ticker, times, columns, int(at), row) for at in bad[:_SHOWN])
    if reasons and not drop:
        raise BadTape(
            reasons[0], f"Rows like that: {len(bad)}. Mend the file, or leave them out with --drop-bad-rows"
        )
    keep = np.ones(len(times), dtype=np.bool_)
    keep[bad] = False
    tape = Tape(ticker, *(np.ascontiguousarray(column[keep]) for column in (times, *columns)))
    if not len(tape):
        raise BadTape(f"no row of {path} is a possible bar", "Give a file of bars")
    return Reading(tape, gaps(tape, path), len(bad), reasons)


def write(path: Path, tape: Tape) -> None:
    """The tape as CSV, gzipped CSV or Parquet, whole or not at all."""
    stamps = _column(tape.times, pa.int64()).cast(pa.timestamp("s", "UTC"))
    columns = {name: _column(getattr(tape, name), pa.float64()) for name in PRICES}
    partial = path.with_name(f".{os.getpid()}.{path.name}")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        if suffix_of(path) == ".parquet":
            pq.write_table(pa.table({"time": stamps, **columns}), partial)
        else:
            text = pc.strftime(stamps, format="%Y-%m-%dT%H:%M:%SZ")
            options = pacsv.WriteOptions(quoting_style="none")
            with pa.output_stream(str(partial)) as out:  # gzips by the name's ending
                pacsv.write_csv(pa.table({"time": text, **columns}), out, options)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def gaps(tape: Tape, path: Path) -> tuple[Gap, ...]:
    """Where bars are missing; steps that are all of another length mean another timeframe."""
    steps = np.diff(tape.times) // tape.ticker.timeframe.seconds
    wide = np.flatnonzero(steps > 1)
    _refuse_other_timeframe(tape, steps, path)
    return tuple(Gap(int(tape.times[at]), int(steps[at]) - 1) for at in wide)


def _times(table: pa.Table, row: Rows, zone: str | None) -> Times:
    column = table.column("time")
    kind = column.type
    if pa.types.is_date(kind):
        column, kind = column.cast(pa.timestamp("s")), pa.timestamp("s")
    if column.null_count:
        at = int(np.flatnonzero(column.is_null().to_numpy())[0])
        raise BadTape(f"{row(at)} has no time", "Every row needs the time its bar opened")
    if pa.types.is_integer(kind):
        return _counted(_plain(column.cast(pa.int64())), row)
    if not pa.types.is_timestamp(kind):
        _refuse_text(column, row)
    if kind.tz is None:
        column = _localised(column, row, zone)
    fine = _plain(column.cast(pa.timestamp("us", "UTC"), safe=False).cast(pa.int64()))
    if len(off := np.flatnonzero(fine % 1_000_000)):
        raise BadTape(f"{row(int(off[0]))} opens between two seconds", "Give the opening times of whole bars")
    return np.asarray(fine // 1_000_000, dtype=np.int64)


def _plain(column: pa.ChunkedArray) -> NDArray[Any]:
    """The numbers of a column that lacks none; `to_numpy` would bring in all of pandas."""
    return np.from_dlpack(column.combine_chunks())


def _column(numbers: NDArray[Any], kind: pa.DataType) -> pa.Array:
    """These numbers as a column; `pa.array` would bring in all of pandas."""
    return pa.Array.from_buffers(kind, len(numbers), [None, pa.py_buffer(np.ascontiguousarray(numbers))])


def _counted(stamps: Times, row: Rows) -> Times:
    """Whole seconds, or thousandths of them, since 1970."""
    seconds = stamps // 1000 if stamps[0] >= _END else stamps
    if len(off := np.flatnonzero((seconds < 0) | (seconds >= _END))):
        raise BadTape(
            f"{row(int(off[0]))} has the time {stamps[off[0]]}, neither seconds nor milliseconds since 1970",
            _WRITTEN,
        )
    return seconds


def _localised(column: Any, row: Rows, zone: str | None) -> Any:
    if zone is None:
        raise BadTape(
            f"the times of {row} name no time zone, as in {column[0].as_py()}",
            "Write them as 2024-07-15T10:00:00Z, or say the zone with --zone, as in --zone UTC",
        )
    try:
        ZoneInfo(zone)
        return pc.assume_timezone(column, zone)
    except ZoneInfoNotFoundError:
        raise BadTape(f"{zone!r} is not a time zone", "Use a name such as UTC or Europe/London") from None
    except pa.ArrowInvalid as error:
        raise BadTape(
            f"{row} has times that {zone} has twice or never: {error}", "Export the bars in UTC"
        ) from error


def _refuse_text(column: Any, row: Rows) -> None:
    """Some time of the column cannot be read, or only some of them name a zone: say where."""
    zoned = None
    for at, text in enumerate(column.to_pylist()):
        try:
            named = datetime.fromisoformat(str(text)).tzinfo is not None
        except ValueError:
            raise BadTape(f"{row(at)} has the time {text!r}, which is not of ISO 8601", _WRITTEN) from None
        if zoned is not None and named != zoned:
            says = "names" if named else "lacks"
            raise BadTape(
                f"{row(at)} has the time {text!r}, which {says} a time zone unlike the rows before it",
                f"{_WRITTEN}, all alike",
            )
        zoned = named
    raise BadTape(f"the times of {row} cannot be read", _WRITTEN)


def _numbers(table: pa.Table, name: str, row: Rows) -> Floats:
    column = table.column(name)
    try:
        numbers = column.cast(pa.float64())
        return _plain(numbers) if not numbers.null_count else np.asarray(numbers.to_numpy())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        pass
    for at, value in enumerate(column.to_pylist()):
        try:
            float(value if value is not None else "nan")
        except (TypeError, ValueError):
            remedy = "Write numbers with a point and no other mark"
            raise BadTape(f"{row(at)} has {value!r} as its {name}", remedy) from None
    raise BadTape(f"the column {name} of {row} holds {column.type}", "Write it as decimal numbers")


def _bad(ticker: Ticker, times: Times, columns: list[Floats]) -> NDArray[np.bool_]:
    """Which rows cannot be a bar, or not the next one after the good rows before."""
    open, high, low, close, volume = columns
    possible = (low > 0.0) & (low <= open) & (open <= high) & (low <= close) & (close <= high)
    possible &= (volume >= 0.0) & np.isfinite(high) & np.isfinite(volume)
    possible &= times % ticker.timeframe.seconds == 0
    newest = np.maximum.accumulate(np.where(possible, times, np.iinfo(np.int64).min))
    possible[1:] &= times[1:] > newest[:-1]
    return ~possible


def _fault(ticker: Ticker, times: Times, columns: list[Floats], at: int, row: Rows) -> str:
    """Why this row cannot be a bar here."""
    opened = int(times[at])
    try:
        Bar(moment(opened), *(float(column[at]) for column in columns))
    except BadBar as error:
        return f"{row(at)}: {error.what}"
    if opened % ticker.timeframe.seconds:
        return f"{row(at)} opens at {_day(opened)}, when no {ticker.timeframe.name} bar opens"
    if opened in times[:at]:
        return f"{row(at)} repeats the bar of {_day(opened)}"
    return f"{row(at)} is out of order: {_day(opened)} comes after {_day(times[:at].max())}"


def _refuse_other_timeframe(tape: Tape, steps: Times, path: Path) -> None:
    changes = np.flatnonzero(np.diff(steps)) + 1
    starts = np.concatenate(([0], changes))
    lengths = np.diff(np.concatenate((starts, [len(steps)])))
    for start, length in zip(starts.tolist(), lengths.tolist(), strict=True):
        if length >= _SAME_STEP and steps[start] > 1:
            seconds = int(steps[start]) * tape.ticker.timeframe.seconds
            name = next((each.name for each in Timeframe if each.seconds == seconds), f"{seconds} s")
            raise BadTape(
                f"{path} holds {name} bars from {_day(tape.times[start])} on, where "
                f"{tape.ticker.timeframe.name} was asked for",
                "Give a file of one timeframe, and name that one with --timeframe",
            )


def _day(second: int | np.int64) -> str:
    return f"{datetime.fromtimestamp(int(second), UTC):%Y-%m-%d %H:%M:%S}"
