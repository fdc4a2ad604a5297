"""The parts a server is made of, as every operation gets them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from live_trader.core.bars import Ticker
from live_trader.edge.clock import Clock
from live_trader.edge.happenings import Sparing
from live_trader.edge.server.hub import Hub
from live_trader.edge.server.metrics import LAG, Metrics
from live_trader.edge.server.options import ServerSettings
from live_trader.edge.server.presence import Presence
from live_trader.edge.server.problems import Problem
from live_trader.edge.server.store import Store
from live_trader.edge.server.tokens import SHORTEST, Guard, Registry


@dataclass(frozen=True, slots=True)
class Parts:
    """What the operations of one server share."""

    settings: ServerSettings
    clock: Clock
    hub: Hub
    metrics: Metrics
    store: Store
    guard: Guard
    presence: Presence
    run_path: Path
    sparing: Sparing
    polls: Counter[str] = field(default_factory=Counter)
    streams: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, settings: ServerSettings, folder: Path, clock: Clock) -> Parts:
        """The parts of the server that keeps its facts in this folder; they belong to the running loop."""
        hub, metrics = Hub(), Metrics()
        run_path = folder.parent / "run"
        metrics.include(run_path / "farm.prom", clock)

        def measure(writes: int, seconds: float) -> None:
            metrics.count("trader_commits_total")
            metrics.count("trader_writes_total", by=writes)
            metrics.observe("trader_commit_seconds", seconds)

        store = Store(folder, clock, hub, measure)
        parts = cls(
            settings=settings,
            clock=clock,
            hub=hub,
            metrics=metrics,
            store=store,
            guard=Guard(Registry(folder, clock), clock, 0 if settings.is_local else SHORTEST),
            presence=Presence(store, clock, settings.grace_s),
            run_path=run_path,
            sparing=Sparing(clock),
        )
        parts._read_gauges()
        return parts

    def _read_gauges(self) -> None:
        store, gauge = self.store, self.metrics.gauge
        gauge("trader_waiting_polls", lambda: [((), self.hub.waiting)])
        gauge("trader_seq", lambda: [((), store.seq)])
        gauge("trader_portfolio_version", lambda: [((), store.portfolios.now.version)])
        gauge("trader_store_bytes", lambda: [((), store.bytes)])
        gauge("trader_store_damaged", lambda: [((), int(bool(store.set_aside)))])
        gauge(
            "trader_bots",
            lambda: [((state,), n) for state, n in store.conditions.counted().items()],
        )

    def since_close(self, stage: str, ticker: Ticker, opened: int) -> None:
        """Note how long after its bar's close this stage was reached."""
        lag = self.clock.now().timestamp() - opened - ticker.timeframe.seconds
        self.metrics.observe(LAG, lag, stage)

    def is_closed(self, ticker: Ticker, opened: int, ahead: float = 0.0) -> bool:
        """Whether a bar that opened then is over, by a clock that may be ahead of ours by so much."""
        return opened + ticker.timeframe.seconds <= self.clock.now().timestamp() + ahead


@contextmanager
def counted(held: Counter[str], name: str, most: int, code: str) -> Iterator[None]:
    """Count one more of something under this name while inside, or refuse when there are too many."""
    if held[name] >= most:
        raise Problem(
            code, f"{name} has {most} of these open, which is the most", headers=[(b"retry-after", b"5")]
        )
    held[name] += 1
    try:
        yield
    finally:
        held[name] -= 1
        if not held[name]:
            del held[name]
