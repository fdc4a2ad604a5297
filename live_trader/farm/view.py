"""What the farm shows of itself: plain figures for programs, and lines a person can read at a glance."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, NamedTuple

from psutil import Error, Process

from live_trader.core.bars import moment
from live_trader.farm.pulse import NONE, Beat, Phase
from live_trader.farm.states import State
from live_trader.farm.supervisor import Child, Event, Supervisor

_TROUBLE = {State.FATAL: 0, State.BACKOFF: 1, State.STOPPED: 2, State.STOPPING: 3, State.STARTING: 4}


@dataclass(frozen=True, slots=True)
class Row:
    """One child as of now; absent figures are None."""

    name: str
    state: str
    phase: str
    reason: str
    pid: int | None
    restarts: int
    since_s: float
    beat_age_s: float | None
    last_bar: str | None
    signal: float | None
    long: float | None
    short: float | None
    long_needs: float | None
    short_needs: float | None
    lag_s: float | None
    answered: int
    refused: int
    faults: int
    bundle: str
    heavy: bool = False
    memory_mb: float | None = None
    held: str = ""

    @property
    def trouble(self) -> tuple[int, str]:
        """Sorts what needs a person first."""
        waits = self.state == State.RUNNING.value and bool(self.reason or self.held)
        return (5 if waits else _TROUBLE.get(State(self.state), 6), self.name)


def row(child: Child, now: float) -> Row:
    """A child's life and its page in one row."""
    beat = child.beat()
    shown = beat or Beat()
    return Row(
        name=child.spec.name,
        state=child.life.state.value,
        phase=shown.phase.name.lower() if beat else "",
        reason=child.life.reason or shown.reason,
        pid=child.process.pid if child.process else None,
        restarts=child.life.restarts,
        since_s=round(now - child.life.since, 1),
        beat_age_s=round(now - shown.beaten, 1) if beat else None,
        last_bar=None if shown.last_bar == NONE else f"{moment(shown.last_bar):%Y-%m-%dT%H:%M:%SZ}",
        signal=_number(shown.signal),
        long=_number(shown.long),
        short=_number(shown.short),
        long_needs=_number(shown.long_needs),
        short_needs=_number(shown.short_needs),
        lag_s=_number(shown.lag),
        answered=shown.answered,
        refused=shown.refused,
        faults=shown.faults,
        bundle=shown.version,
        heavy=shown.heavy,
        memory_mb=_memory(child.process.pid if child.process else None),
        held=shown.held,
    )


def snapshot(supervisor: Supervisor, now: float) -> dict[str, Any]:
    """Every child and the last events, as plain figures; what needs a person comes first."""
    rows = sorted((row(child, now) for child in supervisor.children.values()), key=lambda each: each.trouble)
    return {
        "children": [asdict(each) for each in rows],
        "events": [
            {"at": f"{event.at:%Y-%m-%dT%H:%M:%SZ}", "name": event.name, "text": event.text}
            for event in supervisor.events
        ],
    }


def mends(each: Row) -> str:
    """What ends the trouble a child is in: a command, or patience."""
    if each.state == State.BACKOFF.value:
        return "It starts again by itself."
    if each.state != State.FATAL.value:
        return ""
    return f"Look: instant-trader logs {each.name}. Once it is mended: instant-trader restart {each.name}"


def rows(facts: Mapping[str, Any]) -> list[Row]:
    """The rows of a snapshot that came over the control door."""
    return [Row(**each) for each in facts["children"]]


def sentence(event: Event) -> str:
    """An event as one line."""
    return f"{event.at:%H:%M:%S} {event.name} {event.text}"


class Cells(NamedTuple):
    """One row's figures as the words people read."""

    ticker: str
    state: str
    last_bar: str
    age: str
    long: str
    short: str
    signal: str
    lag: str
    memory: str
    restarts: str
    why: str


HEAD = Cells(*(name.upper().replace("_", " ") for name in Cells._fields))


def lines(children: Iterable[Row], now: datetime) -> list[str]:
    """The rows as plain text, for whoever is no terminal."""
    return _columns([HEAD, *(cells(each, now) for each in children)])


def cells(each: Row, now: datetime) -> Cells:
    """What a row says in words."""
    old = (now - datetime.fromisoformat(each.last_bar)).total_seconds() if each.last_bar else None
    return Cells(
        ticker=each.name,
        state=each.state,
        last_bar=each.last_bar[11:19] if each.last_bar else "",
        age="" if old is None else _ago(old),
        long="" if each.long is None else f"{each.long:.3f}",
        short="" if each.short is None else f"{each.short:.3f}",
        signal="" if each.signal is None else f"{each.signal:g}",
        lag="" if each.lag_s is None else f"{each.lag_s:.3f}s" if each.lag_s < 100 else _ago(each.lag_s),
        memory="" if each.memory_mb is None else f"{each.memory_mb:.0f}MB",
        restarts=str(each.restarts),
        why=each.reason or (f"held at 0.5: {each.held}" if each.held else _busy(each)),
    )


def tally(children: Iterable[Row]) -> str:
    """How many children are in which state, in a few words."""
    counts = Counter(each.state for each in children)
    ordered = sorted(counts.items(), key=lambda each: _TROUBLE.get(State(each[0]), 6))
    return ", ".join(f"{count} {state}" for state, count in ordered) or "nobody yet"


def _ago(seconds: float) -> str:
    """So many seconds in four letters at most, for anything up to ten years."""
    for unit, size in (("s", 1), ("m", 60), ("h", 3600)):
        if seconds < 100 * size or (unit == "s" and seconds < 600):
            return f"{seconds / size:.0f}{unit}"
    return f"{seconds / 86400:.0f}d"


def _memory(pid: int | None) -> float | None:
    """Megabytes that are resident for a process, unless it is gone."""
    try:
        return round(Process(pid).memory_info().rss / 2**20, 1) if pid else None
    except Error:
        return None


def _busy(each: Row) -> str:
    """What a child is at, unless that is its usual work; of the desk, its account."""
    if each.phase != Phase.SERVING.name.lower():
        return each.phase
    if each.heavy:
        return "heavy: its bundle is served by the pipeline itself"
    return each.bundle if each.name == "desk" else ""


def _columns(table: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(len(line[index]) for line in table) for index in range(len(table[0]) - 1)]
    return [
        "  ".join(
            [*(cell.ljust(width) for cell, width in zip(line, widths, strict=False)), line[-1]]
        ).rstrip()
        for line in table
    ]


def _number(value: float) -> float | None:
    return None if math.isnan(value) else round(value, 6)
