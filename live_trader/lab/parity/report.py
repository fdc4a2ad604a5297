"""What parity found: the shares of equal signals and trades, and each difference with its cause."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from live_trader.core.bars import Ticker, closes, moment
from live_trader.core.drift import Tolerance
from live_trader.core.events import BarSeen, Report
from live_trader.core.positions import Trade
from live_trader.core.signals import Decision, Direction, Signal
from live_trader.edge import diary
from live_trader.edge.diary import Entry, Opened, Record
from live_trader.edge.journal import holder, parts
from live_trader.edge.server.store.witness import Witness, Witnessed
from live_trader.edge.shelf import Shelf
from live_trader.edge.terms import Terms
from live_trader.lab.parity.causes import Cause
from live_trader.lab.parity.hearing import Hearing, hearings, same
from live_trader.lab.parity.rerun import AS_IT_WAS, Now, Then, rerun
from live_trader.lab.parity.sides import Side, Span, traded, within
from live_trader.lab.progress import QUIET, Progress


@dataclass(frozen=True, slots=True)
class Difference:
    """One signal or trade that is another now, and why."""

    kind: str
    ticker: Ticker
    when: datetime
    live: str
    past: str
    cause: Cause

    @property
    def facts(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "ticker": str(self.ticker),
            "time": f"{self.when:%Y-%m-%dT%H:%M:%SZ}",
            "live": self.live,
            "past": self.past,
            "cause": self.cause.value,
        }


@dataclass(frozen=True, slots=True)
class Parity:
    """The proof: how many signals and trades there were, how many are equal, and what is not."""

    signals: int
    equal_signals: int
    trades: int
    equal_trades: int
    differences: tuple[Difference, ...]
    tickers: Mapping[Ticker, tuple[int, int]]
    """How many signals each ticker has, and how many of them are equal."""
    live: Side | None
    past: Side | None

    @property
    def equal_share(self) -> float:
        return self.equal_signals / self.signals if self.signals else 1.0

    @property
    def equal_trades_share(self) -> float:
        return self.equal_trades / self.trades if self.trades else 1.0


def parity(
    work: Path,
    shelf: Shelf,
    terms: Terms,
    threshold: float | None,
    span: Span = (None, None),
    tolerance: Tolerance | None = None,
    progress: Progress = QUIET,
) -> Parity:
    """Compare what server and desk of this work path kept with the same functions over the same bars."""
    witnessed = Witness(work / "server").signals()
    records = _recorded(work / "desk")
    tickers = {each.signal.ticker for each in witnessed} | _seen(records)
    heard = hearings(work / "server", shelf, threshold, tickers, tolerance)
    progress.expect(len(tickers) + 1)
    said, differences = _signals(heard, witnessed, span, progress)
    counted = Counter(each.signal.ticker for each in witnessed if within(span, each.signal.opened))
    unequal = Counter(each.ticker for each in differences)

    def wish(ticker: Ticker, opened: datetime) -> Direction | None:
        return said.get((terms.bot, ticker, opened))

    now = Now(lambda ticker, opened: heard[ticker].bar(opened), wish, terms)
    live, past = _sides(records, now, span)
    shared = sum((Counter(map(traded, live.trades)) & Counter(map(traded, past.trades))).values())
    found = _first(live.trades, past.trades)
    if found is not None:
        cause = _trade_cause(records, now, live.trades, span, found, differences)
        differences.append(_difference(found, live.trades, past.trades, cause))
    progress.done("trades")
    return Parity(
        signals=counted.total(),
        equal_signals=counted.total() - unequal.total(),
        trades=max(len(live.trades), len(past.trades)),
        equal_trades=shared,
        differences=tuple(sorted(differences, key=lambda each: each.when)),
        tickers={each: (count, count - unequal[each]) for each, count in counted.items()},
        live=live if records else None,
        past=past if records else None,
    )


def _recorded(folder: Path) -> list[Record]:
    """The desk's journal; while a desk writes it, up to the bar that the broker may still answer."""
    records = [record for path in parts(folder) for _, record in diary.read(path)]
    if not records or holder(folder) is None:
        return records
    closed = [
        closes(record.event.ticker.timeframe, record.event.bar.opened)
        if isinstance(record, Entry) and isinstance(record.event, BarSeen)
        else None
        for record in records
    ]
    newest = max(filter(None, closed), default=None)
    return records[: closed.index(newest)] if newest else records


def _sides(records: Sequence[Record], now: Now, span: Span) -> tuple[Side, Side]:
    """What the desk did, and what the same functions do with the same facts now."""
    began = next((float(each.book.equity) for each in records if isinstance(each, Opened)), 0.0)
    account = rerun(records, now, Then())
    live = [each for each in _live(records) if within(span, each.opened)]
    past = [each for each in account.trades if within(span, each.opened)]
    worth = rerun(records, now, AS_IT_WAS).worth
    return Side.of(live, worth, began, span), Side.of(past, account.worth, began, span)


def _signals(
    heard: dict[Ticker, Hearing], witnessed: Sequence[Witnessed], span: Span, progress: Progress
) -> tuple[dict[tuple[str, Ticker, datetime], Direction], list[Difference]]:
    """What every signal would be now, and those that are another."""
    said: dict[tuple[str, Ticker, datetime], Direction] = {}
    differences = []
    gathered: dict[Ticker, list[Witnessed]] = {ticker: [] for ticker in sorted(heard)}
    for each in witnessed:
        gathered[each.signal.ticker].append(each)
    for ticker, some in gathered.items():
        for each in sorted(some, key=lambda each: each.signal.opened):
            signal = each.signal
            decision = heard[ticker].answer(each)
            if decision is not None:
                said[signal.bot, ticker, signal.opened] = decision.direction
            if within(span, signal.opened) and (decision is None or not same(decision, each)):
                past = "no answer" if decision is None else _wish(decision)
                cause = heard[ticker].cause(each)
                differences.append(Difference("signal", ticker, signal.opened, _wish(signal), past, cause))
        progress.done(str(ticker))
    return said, differences


def _wish(said: Decision | Signal) -> str:
    return f"{said.direction.value}, held" if said.held else said.direction.value


_SWAPS: tuple[tuple[Cause, Callable[[Then], Then]], ...] = (
    (Cause.LATE, lambda then: replace(then, late=True)),
    (Cause.REVISED, lambda then: replace(then, bars=True)),
    (Cause.UNKNOWN, lambda then: replace(then, wishes=True)),
    (Cause.SETTINGS, lambda then: replace(then, settings=True)),
    (Cause.MARKET, lambda then: replace(then, answers=True)),
)


def _trade_cause(
    records: Sequence[Record],
    now: Now,
    live: Sequence[Trade],
    span: Span,
    first: Trade,
    differences: Sequence[Difference],
) -> Cause:
    """The one thing that, taken as it was then, puts the first difference off the furthest."""
    best, chosen = first.opened, Cause.UNKNOWN
    for cause, swap in _SWAPS:
        past = [each for each in rerun(records, now, swap(Then())).trades if within(span, each.opened)]
        found = _first(live, past)
        if found is None or found.opened > best:
            best, chosen = (moment(2**35) if found is None else found.opened), cause
        if found is None:
            break
    if chosen is Cause.REVISED and any(each.cause is Cause.GAP for each in differences):
        return Cause.GAP
    if chosen is Cause.UNKNOWN and differences:
        return min(differences, key=lambda each: each.when).cause
    return chosen


def _first(live: Sequence[Trade], past: Sequence[Trade]) -> Trade | None:
    """The earliest trade that only one of them has."""
    here, there = Counter(map(traded, live)), Counter(map(traded, past))
    alone = [each for each in live if traded(each) not in there]
    alone += [each for each in past if traded(each) not in here]
    return min(alone, key=lambda each: (each.opened, each.slot), default=None)


def _difference(found: Trade, live: Sequence[Trade], past: Sequence[Trade], cause: Cause) -> Difference:
    def told(trades: Sequence[Trade]) -> str:
        near = [each for each in trades if (each.slot, each.opened) == (found.slot, found.opened)]
        return _sentence(near[0]) if near else "no such trade"

    return Difference("trade", found.ticker, found.opened, told(live), told(past), cause)


def _sentence(trade: Trade) -> str:
    return (
        f"{trade.direction.value} {trade.quantity} from {trade.entry} to {trade.exit} by {trade.reason}, "
        f"{trade.profit}"
    )


def _live(records: Sequence[Record]) -> list[Trade]:
    return [
        command.trade
        for record in records
        if isinstance(record, Entry)
        for command in record.commands
        if isinstance(command, Report)
    ]


def _seen(records: Sequence[Record]) -> set[Ticker]:
    return {
        record.event.ticker
        for record in records
        if isinstance(record, Entry) and isinstance(record.event, BarSeen)
    }
