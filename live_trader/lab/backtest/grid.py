"""A grid of back-tests: every strategy on every tape with every set of parameters, side by side."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from itertools import product
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from live_trader.core.bars import Tape, Ticker, Timeframe, epoch
from live_trader.core.drift import Tolerance
from live_trader.core.outcome import DAY, Equity
from live_trader.core.performance import Performance, measure
from live_trader.core.plans import plan_of
from live_trader.core.positions import Trade
from live_trader.core.resample import resample
from live_trader.core.strategies import Strategy
from live_trader.core.strategies.registry import Parameter, make
from live_trader.edge.homemade import strategy
from live_trader.edge.tapes import read
from live_trader.errors import BadData
from live_trader.experts.bundle import glance, load
from live_trader.lab.backtest import run
from live_trader.lab.backtest.ledger import columns, equity
from live_trader.lab.backtest.observed import Table, at_entries
from live_trader.lab.backtest.setting import Entrant, Terms, fingerprint
from live_trader.lab.progress import Progress
from live_trader.lab.workshop import Job, Workshop

_ROWS = 20_000
_TAPES = 2


@dataclass(frozen=True, slots=True)
class Source:
    """A file of bars; with bids and asks apart, two."""

    ticker: Ticker
    path: Path
    ask: Path | None = None
    zone: str | None = None
    drop: bool = False


@dataclass(frozen=True, slots=True)
class Task:
    """One back-test: which bars, which of them, and which strategy with which parameters and plan.

    `strategy` is the name of one of the house, a file, or the folder of a bundle; `called` is what the
    settings call it, where they do. Beyond the tolerance a bundle is held at neutral, as its bot would be.
    """

    source: Source
    timeframe: Timeframe
    strategy: str
    parameters: Mapping[str, Parameter]
    plan: Mapping[str, object]
    terms: Terms
    since: int | None = None
    until: int | None = None
    cache: Path | None = None
    called: str = ""
    tolerance: Tolerance | None = None

    @property
    def ticker(self) -> Ticker:
        return Ticker(self.source.ticker.symbol, self.timeframe)

    @property
    def name(self) -> str:
        """What the run is called."""
        return f"{self.bot} {self.ticker}"

    @property
    def bot(self) -> str:
        """The strategy with its parameters."""
        given = ",".join(f"{name}={value}" for name, value in self.parameters.items())
        kind = self.called or Path(self.strategy).stem
        return f"{kind}({given})" if given else kind


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """What one back-test gave; `equity` keeps the last bar of each hour or day where there are very many.

    `models` are those a bundle was run with, and `taught` counts the bars that its training had seen.
    """

    task: Task
    bars: int
    first: int
    last: int
    trades: tuple[Trade, ...]
    refused: Mapping[str, int]
    performance: Performance
    equity: Equity
    factors: Table | None
    seconds: float
    models: tuple[str, ...] = ()
    taught: int = 0

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.trades)


def tasks(
    sources: Iterable[Source],
    timeframes: Sequence[Timeframe],
    strategies: Sequence[str],
    parameters: Mapping[str, Sequence[Parameter]],
    **common: Any,
) -> list[Task]:
    """Every combination, those on the same tape together; without timeframes, each tape's own."""
    sets = [dict(zip(parameters, values, strict=True)) for values in product(*parameters.values())]
    return [
        Task(source, timeframe, name, each, **common)
        for source in sources
        for timeframe in timeframes or [source.ticker.timeframe]
        for name in strategies
        for each in sets
    ]


def grid(asked: Sequence[Task], hands: int, progress: Progress) -> list[Result]:
    """The result of each task, in their order; the first fault of any is raised when all are done."""
    progress.expect(len(asked))
    if hands == 1 or len(asked) == 1:
        results = []
        for each in asked:
            results.append(perform(each))
            progress.done(each.name)
        return results
    found: dict[str, Result] = {}
    with Workshop(min(hands, len(asked))) as workshop:
        outcomes = []
        for outcome in workshop.run([Job(str(at), perform, (task,)) for at, task in enumerate(asked)]):
            progress.done(asked[int(outcome.job.name)].name)
            outcomes.append(outcome)
    for outcome in outcomes:
        found[outcome.job.name] = outcome.given
    return [found[str(at)] for at in range(len(asked))]


def cores() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def perform(task: Task) -> Result:
    """Run one task."""
    alone = entrant(task, Decimal(1))
    tape = alone.tape
    began = perf_counter()
    walked = run(alone, task.terms)
    seconds = perf_counter() - began
    worth = equity([(alone, walked.trades)], task.terms)
    factors = None if task.cache is None else at_entries(tape, walked.trades, task.cache)
    return Result(
        task,
        len(tape),
        int(tape.times[0]),
        int(tape.times[-1]),
        walked.trades,
        walked.refused,
        measure(columns(walked.trades, task.terms), worth),
        thinned(worth),
        factors,
        seconds,
        models(task),
        _schooled(task, tape),
    )


def models(task: Task) -> tuple[str, ...]:
    """The model that a bundle is run with; a strategy without models has none."""
    folder = Path(task.strategy)
    return glance(folder).names[:1] if folder.is_dir() else ()


def _schooled(task: Task, tape: Tape) -> int:
    """How many of these bars the training of a bundle had seen."""
    folder = Path(task.strategy)
    if not folder.is_dir():
        return 0
    manifest = glance(folder)
    seen = np.zeros(len(tape), dtype=np.bool_)
    for span in manifest.training.spans:
        if span.purpose == "train":
            seen |= (tape.times >= epoch(span.first)) & (tape.times <= epoch(span.last))
    return int(seen.sum())


def entrant(task: Task, weight: Decimal) -> Entrant:
    """The strategy of a task, made and set on its tape."""
    tape, ask = _tapes(task)
    made, kind = _strategy(task)
    return Entrant(task.bot, tape, made, plan_of(kind, **task.plan), weight, ask)


def thinned(whole: Equity, rows: int = _ROWS) -> Equity:
    """The same equity at every bar, or where that is too much at the last of each hour, or of each day."""
    for step in (1, 3600, DAY):
        labels = whole.times // step
        last = np.append(np.flatnonzero(np.diff(labels)), len(labels) - 1)
        if len(last) <= rows:
            break
    return Equity(whole.initial, whole.times[last], whole.values[last])


def bars_of(source: Source) -> Tape:
    """All bars of a tape, as its file has them."""
    return _read(source, source.path)


def _strategy(task: Task) -> tuple[Strategy, type[object]]:
    folder = Path(task.strategy)
    if folder.is_dir():
        bundle = load(folder)
        if bundle.ticker != task.ticker:
            raise BadData(f"the bundle of {folder} serves {bundle.ticker}, not {task.ticker}")
        made = bundle.strategy(tolerance=task.tolerance)
        return made, type(made)
    kind = strategy(task.strategy)
    return make(kind, task.timeframe, task.parameters), kind


def _tapes(task: Task) -> tuple[Tape, Tape | None]:
    """The bars of a task, and their asks: of its timeframe, and between its ends."""
    source = task.source
    bid, ask = bars_of(source), None if source.ask is None else _read(source, source.ask)
    if ask is not None:
        bid, ask = _common(bid, ask)
    tapes = [each if each is None else _cut(task, each) for each in (bid, ask)]
    assert tapes[0] is not None
    return tapes[0], tapes[1]


def _cut(task: Task, tape: Tape) -> Tape:
    longer = tape if task.timeframe is tape.ticker.timeframe else resample(tape, task.timeframe).tape
    start = 0 if task.since is None else int(np.searchsorted(longer.times, task.since))
    stop = len(longer) if task.until is None else int(np.searchsorted(longer.times, task.until))
    if start >= stop:
        raise BadData(
            f"{task.ticker} has no bar between the ends given", "Give other ends with --from and --to"
        )
    return longer.cut(start, stop)


def _common(bid: Tape, ask: Tape) -> tuple[Tape, Tape]:
    """The bars that both have."""
    _, mine, theirs = np.intersect1d(bid.times, ask.times, assume_unique=True, return_indices=True)
    return _picked(bid, mine), _picked(ask, theirs)


def _picked(tape: Tape, rows: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Tape:
    prices = (tape.open, tape.high, tape.low, tape.close, tape.volume)
    return Tape(tape.ticker, tape.times[rows], *(column[rows] for column in prices))


@lru_cache(maxsize=_TAPES)
def _read(source: Source, path: Path) -> Tape:
    return read(path, source.ticker, zone=source.zone, drop=source.drop).tape
