"""What a farm counts of its children, as Prometheus reads it: in a file the embedded server passes on."""

from __future__ import annotations

import contextlib
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from operator import attrgetter
from pathlib import Path
from typing import Final

from live_trader.edge import bulletin
from live_trader.edge.bulletin import ChildText
from live_trader.edge.clock import Clock
from live_trader.edge.server.metrics import LAG, LAG_FAMILY, Families, Metrics
from live_trader.farm.pulse import NONE, Beat
from live_trader.farm.states import State
from live_trader.farm.supervisor import KILLED, Child, Event
from live_trader.farm.view import Row, mends, row

FAMILIES: Final[Families] = {
    "trader_children": ("gauge", "Children of the farm by state.", ("state",)),
    "trader_restarts": ("gauge", "How often a child was started again since the farm began.", ("child",)),
    "trader_memory_bytes": ("gauge", "What is resident for a child.", ("child",)),
    "trader_bars_answered": ("gauge", "Bars answered by a worker since it was born.", ("child",)),
    "trader_bars_refused": ("gauge", "Impossible bars a worker was sent since it was born.", ("child",)),
    "trader_faults": ("gauge", "Errors a worker waited out since it was born.", ("child",)),
    "trader_errors_total": ("counter", "What went wrong, by cause, since the farm began.", ("cause",)),
    "trader_drift": (
        "gauge",
        "How far half of a bundle's features have moved from training at least, as a PSI.",
        ("child",),
    ),
    "trader_held": ("gauge", "1 for a bot that is held at 0.5, 0 for one that is not.", ("child",)),
    LAG: LAG_FAMILY,
}
"""Every metric of the farm: its kind, its meaning, its labels."""

_STAGES: Final = ("received", "features", "models", "posted")
_CAUSES: Final = {
    "unreachable": attrgetter("unreachable"),
    "bad_answer": attrgetter("garbled"),
    "conflict": attrgetter("conflicts"),
    "signal_refused": attrgetter("unaccepted"),
    "bar_refused": attrgetter("refused"),
    "late": attrgetter("late"),
}

_EVERY = 5.0


class Figures:
    """Looks at the children's pages once a second; tells what it saw every few seconds and on a change."""

    def __init__(self, run_path: Path, bot_id: str, children: Mapping[str, Child], clock: Clock) -> None:
        self._run_path = run_path
        self._id = bot_id
        self._children = children
        self._clock = clock
        self._metrics = Metrics(FAMILIES)
        self._told: dict[str, int] = {}
        self._wrong: dict[str, Beat] = {}
        self._looked = self._wrote = -math.inf
        self._changed = False
        self.drift: dict[str, float] = {}

    def event(self, event: Event) -> None:
        """Something happened to a child: its fault is counted, and its state told at the next tick."""
        self._changed = True
        if event.fault and event.fault != KILLED:
            self._metrics.count("trader_errors_total", event.fault)

    def tick(self) -> None:
        """Look and write, when it is time."""
        now = self._clock.monotonic()
        if now - self._looked >= 1.0:
            self._looked = now
            for name, child in self._children.items():
                if beat := child.beat():
                    self._observe(name, beat)
                    self._count(name, beat)
        if self._changed or now - self._wrote >= _EVERY:
            self._wrote, self._changed = now, False
            self._write([row(child, now) for child in self._children.values()])

    def _observe(self, name: str, beat: Beat) -> None:
        """Add the lags of the bar a worker answered last, unless that was seen before."""
        if beat.last_bar == NONE or math.isnan(beat.lag):
            return
        known = self._told.get(name)
        self._told[name] = beat.last_bar
        if known is not None and beat.last_bar > known:
            for stage, lag in zip(
                _STAGES, (beat.received, beat.features, beat.models, beat.lag), strict=True
            ):
                self._metrics.observe(LAG, lag, stage)

    def _count(self, name: str, beat: Beat) -> None:
        """Add what went wrong since the last look; a process that is new has begun from nothing."""
        known = self._wrong.get(name)
        before = known if known and known.pid == beat.pid else Beat()
        for cause, of in _CAUSES.items():
            if more := of(beat) - of(before):
                self._metrics.count("trader_errors_total", cause, by=more)
        self._wrong[name] = beat

    def _write(self, rows: list[Row]) -> None:
        bulletin.post(self._run_path, self._id, (_child(each, self.drift.get(each.name)) for each in rows))
        states = Counter(each.state for each in rows)
        self._gauge("trader_children", ((state.value, states[state.value]) for state in State))
        self._gauge("trader_restarts", ((each.name, each.restarts) for each in rows))
        self._gauge("trader_memory_bytes", ((each.name, (each.memory_mb or 0) * 2**20) for each in rows))
        self._gauge("trader_bars_answered", ((each.name, each.answered) for each in rows))
        self._gauge("trader_bars_refused", ((each.name, each.refused) for each in rows))
        self._gauge("trader_faults", ((each.name, each.faults) for each in rows))
        self._gauge("trader_drift", sorted(self.drift.items()))
        self._gauge(
            "trader_held", ((each.name, int(bool(each.held))) for each in rows if each.long is not None)
        )
        draft = self._run_path / "farm.prom.new"
        with contextlib.suppress(OSError):  # a full disk costs the figures, not the farm
            draft.write_text(self._metrics.text())
            draft.replace(self._run_path / "farm.prom")

    def _gauge(self, name: str, read: Iterable[tuple[str, float]]) -> None:
        found = [((label,), value) for label, value in read]
        self._metrics.gauge(name, lambda: found)


def _child(each: Row, drift: float | None) -> ChildText:
    return ChildText(
        name=each.name,
        state=each.state,
        reason=each.reason,
        mends=mends(each),
        restarts=each.restarts,
        drift=drift,
        held=each.held,
    )
