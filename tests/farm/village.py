"""A server, a clock and a shelf that live in memory, so that a worker's whole life takes milliseconds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from live_trader.core.bars import Bar, Ticker, Window, closes, epoch, moment
from live_trader.core.portfolio import Allocation, Portfolio, TradingState
from live_trader.core.signals import Coefficients, Decision, Direction, Opinion, Signal
from live_trader.core.strategies import Rows
from live_trader.edge.client import Interrupted, News
from live_trader.errors import Conflict

TICKER = Ticker.parse("AUDUSD M1")
START = 1_760_000_040
MEMORY = 5


def bar(index: int, close: float | None = None) -> Bar:
    """The bar of this slot; its close names it."""
    price = close if close is not None else 100.0 + index % 7
    return Bar(moment(START + 60 * index), price, price + 1.0, price - 1.0, price, 10.0)


@dataclass
class VirtualClock:
    """A clock that moves only when told."""

    at: datetime = field(default_factory=lambda: moment(START))

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.at.timestamp()

    def chance(self) -> float:
        return 0.5

    def pass_by(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


class Last:
    """A strategy whose decision depends on every bar of its window."""

    memory = MEMORY

    def decide(self, window: Window) -> Decision:
        total = float(window.close.sum())
        direction = (Direction.LONG, Direction.SHORT, Direction.NEUTRAL)[int(total) % 3]
        return Decision(direction, {"Last~PC": Opinion(total, float(window.end), direction)})

    def look(self, window: Window) -> Rows:
        """It looks at the bars themselves."""
        return ()

    def judge(self, window: Window, rows: Rows) -> Decision:
        """As decided."""
        return self.decide(window)

    def prepare(self, window: Window) -> None:
        assert len(window) == MEMORY


@dataclass(frozen=True)
class Hamlet:
    """A bundle that answers with that strategy."""

    version: str
    models: tuple[str, ...] = ("Last~PC",)
    heavy: bool = False
    thresholds: Mapping[str, Mapping[str, float]] = field(
        default_factory=lambda: {"long": {"Last~PC": 0.3}, "short": {"Last~PC": 0.4}}
    )

    def strategy(self, coefficients: Coefficients | None, threshold: float | None, tolerance: None) -> Last:
        assert threshold is tolerance is None
        return Last()


@dataclass
class Shelf:
    """What is deployed, as a list of versions."""

    versions: tuple[str, ...] = ("v1",)
    loads: int = 0

    def serving(self, _: Ticker) -> tuple[str, ...]:
        return self.versions

    def load(self, _: Ticker) -> tuple[Hamlet, ...]:
        self.loads += 1
        return tuple(Hamlet(version) for version in self.versions)


@dataclass
class Village:
    """A server that keeps bars and signals; `script` is played step by step, one step for each wait."""

    clock: VirtualClock
    script: list[Callable[[Village], News | None]] = field(default_factory=list)
    bars: dict[datetime, Bar] = field(default_factory=dict)
    kept: dict[object, Signal] = field(default_factory=dict)
    posts: list[Signal] = field(default_factory=list)
    held: Portfolio = field(default_factory=lambda: Portfolio(1, TradingState.ACTIVE, (), put=False))
    revised: int = 0
    remembers: bool = True
    failures: list[Exception] = field(default_factory=list)
    protocol: str = "v1"

    def add(self, *bars: Bar) -> None:
        """Close these bars: the clock stands at the last one's close."""
        for each in bars:
            self.bars[each.opened] = each
            self.clock.at = max(self.clock.at, closes(TICKER.timeframe, each.opened))

    def portfolio(self) -> Portfolio:
        self._fail()
        return self.held

    def history(self, _: Ticker, count: int) -> list[Bar]:
        self._fail()
        return [self.bars[each] for each in sorted(self.bars)][-count:]

    def after(self, _: Ticker, opened: datetime, limit: int) -> list[Bar]:
        self._fail()
        return [self.bars[each] for each in sorted(self.bars) if each > opened][:limit]

    def next(self, ticker: Ticker, after: datetime, wait: float) -> News:
        self._fail()
        found = self.after(ticker, after, 500)
        if not found:
            if not self.script:
                raise Interrupted("the story is over")
            told = self.script.pop(0)(self)
            if told is not None:
                return told
            found = self.after(ticker, after, 500)
        return News(tuple(found), (), self.held.version, None, self.revised)

    def revision(self, _: Ticker) -> int:
        return self.revised

    def signals_of(self, shadow: bool = False) -> list[Signal]:
        """The stored signals, in the order in which they came."""
        return [each for each in self.kept.values() if each.shadow is shadow]

    def signals(self, _: Ticker, count: int) -> list[Signal]:
        self._fail()
        return self.signals_of()[-count:] if self.remembers else []

    def send(self, signals: Sequence[Signal]) -> None:
        self._fail()
        for each in signals:
            self.posts.append(each)
            held = self.kept.setdefault(each.key, each)
            if replace(held, late=False) != replace(each, late=False):
                raise Conflict("another signal is stored")

    def close(self) -> None:
        """Nothing to let go of."""

    def _fail(self) -> None:
        if self.failures:
            raise self.failures.pop(0)

    def answered(self, shadow: bool = False) -> list[int]:
        """The slots that have a signal, in the order in which they came."""
        return [(epoch(each.opened) - START) // 60 for each in self.signals_of(shadow)]


def naming(**weights: Mapping[str, float] | None) -> Portfolio:
    """A portfolio that names these models for the ticker."""
    positive = weights.get("positive") or {}
    allocation = Allocation(TICKER, 1.0, Coefficients(positive, {}), "")
    return Portfolio(2, TradingState.ACTIVE, (allocation,), put=True)
