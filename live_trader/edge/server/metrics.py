"""Counters and histograms as Prometheus text; small enough to be kept rather than depended on."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Final

from live_trader.edge.clock import Clock

Families = Mapping[str, tuple[str, str, tuple[str, ...]]]

LAG: Final = "trader_lag_seconds"
LAG_FAMILY: Final = (
    "histogram",
    "From a bar's close until it was bar_stored and received by its worker, which had the features, asked "
    "the models and posted the signal, which is durable; what is made late is left out by the server.",
    ("stage",),
)
"""The server knows the first stage and the last, the farm those in between."""

FAMILIES: Final[Families] = {
    "trader_requests_total": ("counter", "Requests answered, by route and status.", ("route", "status")),
    "trader_request_seconds": (
        "histogram",
        "From the head of a request to its answer, waits left out.",
        ("route",),
    ),
    "trader_bars_total": ("counter", "Bars posted, by what became of them.", ("result",)),
    "trader_signals_total": ("counter", "Signals posted, by what became of them.", ("result",)),
    LAG: LAG_FAMILY,
    "trader_commits_total": ("counter", "Commits of the store.", ()),
    "trader_commit_seconds": ("histogram", "From the first statement of a commit until it is durable.", ()),
    "trader_writes_total": ("counter", "Writes that were committed; over commits, how many shared one.", ()),
    "trader_problems_total": ("counter", "Requests answered with no, by code.", ("code",)),
    "trader_refused_connections_total": ("counter", "Connections closed at once, by cause.", ("cause",)),
    "trader_bot_changes_total": ("counter", "Bots that became FRESH, STALE or ABSENT.", ("state",)),
    "trader_bots": ("gauge", "Bots by state now.", ("state",)),
    "trader_waiting_polls": ("gauge", "Requests that wait for something to be stored.", ()),
    "trader_connections": ("gauge", "Open connections.", ()),
    "trader_seq": ("gauge", "The highest seq given out.", ()),
    "trader_portfolio_version": ("gauge", "The version of the portfolio in force.", ()),
    "trader_store_bytes": ("gauge", "Size of the store's files.", ()),
    "trader_store_damaged": ("gauge", "1 when a damaged store was set aside at this start.", ()),
}
"""Every metric of the server: its kind, its meaning, its labels."""

_BOUNDS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)

_FRESH: Final = 60.0  # seconds

Labels = tuple[str, ...]
Reading = Iterable[tuple[Labels, float]]


class Metrics:
    """What a process counts."""

    def __init__(self, families: Families = FAMILIES) -> None:
        self._families = families
        self._included: tuple[Path, Clock] | None = None
        self._counts: dict[str, dict[Labels, float]] = {name: {} for name in families}
        self._seconds: dict[tuple[str, Labels], list[float]] = {}
        self._gauges: dict[str, Callable[[], Reading]] = {}

    def count(self, name: str, *labels: str, by: float = 1) -> None:
        """Add to a counter."""
        held = self._counts[name]
        held[labels] = held.get(labels, 0) + by

    def observe(self, name: str, seconds: float, *labels: str) -> None:
        """Add one duration to a histogram."""
        cells = self._seconds.setdefault((name, labels), [0.0] * (len(_BOUNDS) + 2))
        cells[bisect_left(_BOUNDS, seconds)] += 1
        cells[-1] += seconds

    def gauge(self, name: str, read: Callable[[], Reading]) -> None:
        """Have a gauge read when it is asked for."""
        self._gauges[name] = read

    def counted(self, name: str, *labels: str) -> float:
        """What a counter stands at."""
        return self._counts[name].get(labels, 0)

    def include(self, path: Path, clock: Clock) -> None:
        """Have what another process counts and keeps writing to this file told too, while it is fresh."""
        self._included = (path, clock)

    def text(self) -> str:
        """Everything, as Prometheus reads it."""
        told = self._from_file()
        lines: list[str] = []
        for name, (kind, meaning, labels) in self._families.items():
            lines += [f"# HELP {name} {meaning}", f"# TYPE {name} {kind}"]
            if kind == "histogram":
                lines += self._histogram(name, labels)
            else:
                read = self._gauges[name]() if name in self._gauges else self._counts[name].items()
                lines += [f"{name}{_spelled(labels, values)} {number}" for values, number in read]
            lines += told.pop(name, [])[2:]
        return "\n".join([*lines, *(line for group in told.values() for line in group)]) + "\n"

    def _from_file(self) -> dict[str, list[str]]:
        """The lines of the included file by their family, each group with its two lines of head."""
        if self._included is None:
            return {}
        path, clock = self._included
        try:
            age = clock.now().timestamp() - path.stat().st_mtime
            text = path.read_text() if age < _FRESH else ""
        except OSError:
            return {}
        groups: dict[str, list[str]] = {}
        name = ""
        for line in text.splitlines():
            if line.startswith("# HELP "):
                name = line.split(" ", 3)[2]
            groups.setdefault(name, []).append(line)
        return groups

    def _histogram(self, name: str, labels: Labels) -> Iterable[str]:
        for (family, values), cells in self._seconds.items():
            if family != name:
                continue
            total = 0.0
            for bound, cell in zip((*_BOUNDS, float("inf")), cells, strict=False):
                total += cell
                spelled = _spelled(
                    (*labels, "le"), (*values, "+Inf" if bound == float("inf") else f"{bound:g}")
                )
                yield f"{name}_bucket{spelled} {total:.0f}"
            yield f"{name}_sum{_spelled(labels, values)} {cells[-1]:g}"
            yield f"{name}_count{_spelled(labels, values)} {total:.0f}"


def _spelled(names: Labels, values: Labels) -> str:
    if not names:
        return ""
    told = (value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n") for value in values)
    return "{" + ",".join(f'{name}="{value}"' for name, value in zip(names, told, strict=True)) + "}"
