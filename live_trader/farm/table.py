"""The live table of a running farm on a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from textwrap import wrap

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from live_trader.farm.view import HEAD, Cells, Row, cells, tally

_STYLE = {"RUNNING": "green", "STARTING": "cyan", "BACKOFF": "yellow", "FATAL": "bold red", "STOPPED": "dim"}
_EVENTS, _FEWEST, _WHYS = 6, 2, 3
_AROUND = 4  # lines: head, what is hidden, a gap, the cursor's
_RIGHT = frozenset({"age", "signal", "lag", "memory", "restarts"})
_NAMES = {"restarts": "RST", "memory": "MEM"}


@dataclass(frozen=True, slots=True)
class Layout:
    """What a terminal of some width has room for."""

    columns: tuple[str, ...]
    bar: int
    """How many cells a probability's bar has."""


_FIRST = ("ticker", "state", "age", "long", "short", "signal", "lag", "memory", "restarts")
_MOST = ("ticker", "state", "last_bar", *_FIRST[2:])
_LAYOUTS = (
    (0, Layout(("ticker", "state", "long", "short", "signal"), 0)),
    (60, Layout(_FIRST, 0)),
    (80, Layout(_MOST, 3)),
    (100, Layout(_MOST, 8)),
    (130, Layout(Cells._fields, 12)),
)
_BESIDE = 101  # columns of the widest layout that are not the reason's


@dataclass(frozen=True, slots=True)
class Pen:
    """The signs a bar is drawn with, which a terminal must know."""

    full: str = "█"
    empty: str = "░"
    needed: str = "│"
    up: str = "▲"
    down: str = "▼"
    neither: str = "·"


_PLAIN = Pen("#", ".", "|", "^", "v", "-")


class Screen:
    """Redraws one table in place for as long as it is open."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._console = Console()
        self._live = Live(console=self._console, auto_refresh=False, screen=False, transient=False)
        self._size = self._console.size

    def __enter__(self) -> Screen:
        self._live.__enter__()
        return self

    def __exit__(self, *why: object) -> None:
        self._live.__exit__(None, None, None)

    def show(self, rows: Sequence[Row], events: Sequence[str], now: datetime) -> None:
        """Draw the rows that fit, those in trouble first, and the last events below."""
        width, height = size = self._console.size
        if size != self._size:  # the terminal has broken the lines it shows anew: begin on a clean one
            self._size = size
            self._console.clear()
        plain = self._console.options.ascii_only
        self._live.update(drawn(self._title, rows, events, now, width, height, plain=plain), refresh=True)


def drawn(
    title: str,
    rows: Sequence[Row],
    events: Sequence[str],
    now: datetime,
    width: int,
    height: int,
    *,
    plain: bool = False,
) -> RenderableType:
    """The table for a terminal of this size; `plain` when it knows letters only."""
    pen = _PLAIN if plain else Pen()
    layout = [each for least, each in _LAYOUTS if width >= least][-1]
    told = [_line(each, "yellow") for each in _reasons(rows, now, layout, width, height)]
    told += [_line(each, "dim") for each in events[min(-_FEWEST, len(told) - _EVENTS) :]]
    head = [f"{title} · {tally(rows)}"]
    if len(head[0]) > width:
        head = [title, tally(rows)]
    room = max(3, height - _AROUND - len(head) - len(told))
    whole = "why" in layout.columns
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), expand=whole)
    for name in layout.columns:
        label = getattr(HEAD, name) if width >= 130 else _NAMES.get(name, getattr(HEAD, name))
        table.add_column(
            label,
            no_wrap=True,
            justify="right" if name in _RIGHT else "left",
            overflow="ellipsis",
            ratio=1 if name == "why" else None,
        )
    for each in rows[:room]:
        table.add_row(*_row(each, cells(each, now), layout, pen))
    return Group(*map(_line, head), table, *_hidden(rows[room:]), Text(), *told)


def _reasons(rows: Sequence[Row], now: datetime, layout: Layout, width: int, height: int) -> list[str]:
    """Why the first rows need a person, whole, as far as the table has no room to say it; and the account."""
    room = width - _BESIDE if "why" in layout.columns else 0
    whys = [f"{each.name}: {cells(each, now).why}" for each in rows if each.reason or each.name == "desk"]
    told: list[str] = []
    for why in [each for each in whys if len(each.partition(": ")[2]) > room][:_WHYS]:
        lines = wrap(why, width, max_lines=max(3, height // 4), placeholder=" …")
        if told and len(told) + len(lines) > height // 3:
            break
        told += lines
    return told


def _row(each: Row, words: Cells, layout: Layout, pen: Pen) -> list[Text]:
    drawn = {name: Text(word) for name, word in zip(Cells._fields, words, strict=True)}
    if each.state == "RUNNING" and each.phase and words.why == each.phase:
        drawn["state"] = Text(each.phase)
    drawn["state"].stylize(_STYLE.get(each.state, ""))
    drawn["long"] = _gauge(each.long, each.long_needs, words.long, layout.bar, pen)
    drawn["short"] = _gauge(each.short, each.short_needs, words.short, layout.bar, pen)
    drawn["signal"] = _signal(each.signal, words.signal, pen)
    return [drawn[name] for name in layout.columns]


def _hidden(rows: Sequence[Row]) -> list[Text]:
    return [_line(f"and {len(rows)} more: {tally(rows)}")] if rows else []


def _line(text: str, style: str = "bold") -> Text:
    return Text(text, style=style, no_wrap=True, overflow="ellipsis")


def _gauge(value: float | None, needed: float | None, figure: str, length: int, pen: Pen) -> Text:
    """A probability and a small bar with a mark at its threshold: filled beyond the mark, it is a yes."""
    if value is None:
        return Text("")
    yes = needed is not None and value > needed
    text = Text(figure, style="bold" if yes else "")
    if length:
        filled = round(value * length)
        bar = [pen.full] * filled + [pen.empty] * (length - filled)
        if needed is not None:
            mark = min(length, round(needed * length))
            filled = max(filled, mark + 1) if yes else min(filled, mark)
            bar = [pen.full] * min(filled, length) + [pen.empty] * (length - filled)
            bar.insert(mark, pen.needed)
        text.append(" " + "".join(bar), style="green" if yes else "blue")
    return text


def _signal(value: float | None, figure: str, pen: Pen) -> Text:
    if value is None:
        return Text("")
    sign, style = {1.0: (pen.up, "bold green"), -1.0: (pen.down, "bold red")}.get(value, (pen.neither, ""))
    return Text(f"{sign} {figure}", style=style)
