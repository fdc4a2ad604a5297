"""A v1 server as one bot sees it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Final

from live_trader.core.bars import Bar, Ticker, moment
from live_trader.core.portfolio import Portfolio
from live_trader.core.signals import Signal
from live_trader.edge.client.remarks import Remarks
from live_trader.edge.client.server import News
from live_trader.edge.client.transport import Ask
from live_trader.edge.client.verdict import content, understood
from live_trader.edge.clock import Clock
from live_trader.edge.wire import encode, owner, said, v1
from live_trader.errors import BadAnswer, Conflict

_PORTFOLIO: Final = "v1/portfolio"
_BARS: Final = "v1/bars"
_SIGNALS: Final = "v1/signals"
_LONGEST_WAIT: Final = 20.0
_MOST_POSTED: Final = 256 << 10
_NEWS: Final = 500


class V1:
    """Speaks the v1 protocol for one bot."""

    protocol = "v1"

    def __init__(self, ask: Ask, bot: str, clock: Clock) -> None:
        self._ask = ask
        self._bot = bot
        self._clock = clock
        self._revisions: dict[Ticker, int | None] = {}
        self._remarks = Remarks()

    def portfolio(self) -> Portfolio:
        """The portfolio in force."""
        portfolio, skipped = understood(owner.portfolio, self._get(_PORTFOLIO, _PORTFOLIO), _PORTFOLIO)
        self._remarks.make("cannot serve all of the portfolio", skipped)
        return portfolio

    def history(self, ticker: Ticker, count: int) -> list[Bar]:
        """The last `count` closed bars, oldest first; fewer when the server has no more."""
        asked = min(count, v1.MOST_BARS)
        batch = self._batch(ticker, None, asked)
        bars = self._in_order(batch)
        there_may_be_more = len(batch.bars) + len(batch.refused) >= asked
        while there_may_be_more and bars and len(bars) < count:
            earlier = self._before(ticker, bars[0].opened, count - len(bars))
            if not earlier:
                break
            bars = earlier + bars
        return bars[-count:]

    def after(self, ticker: Ticker, opened: datetime, limit: int) -> list[Bar]:
        """The closed bars that opened later than this, oldest first."""
        return self._some(ticker, opened, min(limit, v1.MOST_BARS))

    def next(self, ticker: Ticker, after: datetime, wait: float) -> News:
        """What comes after this bar, waiting for it up to so many seconds; Interrupted ends the wait."""
        batch = self._batch(ticker, after, _NEWS, min(wait, _LONGEST_WAIT))
        if batch.refused and not batch.bars:
            raise BadAnswer(f"{_BARS}: {batch.refused[0]}")
        return News(batch.bars, batch.refused, batch.portfolio_version, None, batch.revision)

    def revision(self, ticker: Ticker) -> int | None:
        """How often bars that were known of this ticker had changed when the server last answered."""
        return self._revisions.get(ticker)

    def signals(self, ticker: Ticker, count: int) -> list[Signal]:
        """The `count` signals of this bot for this ticker stored last."""
        body = self._get(v1.signals_query(ticker, self._bot, limit=count), _SIGNALS)
        signals = understood(v1.stored, body, _SIGNALS)
        if any(each.ticker != ticker or each.bot != self._bot for each in signals):
            raise BadAnswer(
                f"{_SIGNALS}: the answer is about another bot or ticker than {self._bot} {ticker}"
            )
        return list(signals)

    def send(self, signals: Sequence[Signal]) -> None:
        """Have these signals stored; those that another stands for raise Conflict in the end."""
        conflicts: list[Conflict] = []
        for bodies in _batches([encode(v1.spell_signal(each)) for each in signals]):
            conflicts += self._post(bodies)
        if conflicts:
            raise conflicts[0]

    def _post(self, bodies: Sequence[bytes]) -> list[Conflict]:
        """Post these together; what is in conflict is told for each or, by a plain no, found one by one."""
        if len(bodies) == 1:
            try:
                body = content(self._ask("POST", _SIGNALS, bodies[0]), _SIGNALS, self._clock)
            except Conflict as conflict:
                return [conflict]
            understood(v1.acknowledged, body, _SIGNALS)
            return []
        answer = self._ask("POST", _SIGNALS, b"[" + b",".join(bodies) + b"]")
        if answer.status == 409 and not owner.problem(answer.body).results:
            return [each for body in bodies for each in self._post([body])]
        body = answer.body if answer.status == 409 else content(answer, _SIGNALS, self._clock)
        stored = understood(lambda text: v1.conflicting(text, len(bodies)), body, _SIGNALS)
        return [
            Conflict(f"{_SIGNALS}: the server holds {said(each.decode())}", stored=each) for each in stored
        ]

    def _get(self, target: str, what: str) -> bytearray:
        return content(self._ask("GET", target), what, self._clock)

    def _batch(self, ticker: Ticker, after: datetime | None, limit: int, wait: float = 0.0) -> v1.Batch:
        query = v1.bars_query(ticker, self._bot, limit=limit, after=after, wait=wait)
        answer = self._ask("GET", query, extra=wait, breakable=wait > 0)
        batch = understood(v1.bars, content(answer, _BARS, self._clock), _BARS)
        if batch.ticker != ticker:
            raise BadAnswer(f"{_BARS}: the answer is about {batch.ticker} where {ticker} was asked for")
        self._revisions[ticker] = batch.revision
        return batch

    def _some(self, ticker: Ticker, after: datetime | None, limit: int) -> list[Bar]:
        return self._in_order(self._batch(ticker, after, limit))

    def _in_order(self, batch: v1.Batch) -> list[Bar]:
        self._remarks.make("refused a bar", batch.refused)
        return sorted({bar.opened: bar for bar in batch.bars}.values(), key=attrgetter("opened"))

    def _before(self, ticker: Ticker, opened: datetime, count: int) -> list[Bar]:
        """The last `count` bars that opened earlier: found by looking back twice as far, then further."""
        span = timedelta(seconds=2 * count * ticker.timeframe.seconds)
        while True:
            span = min(span, opened - moment(0))
            bars = list(self._between(ticker, opened - span, opened))
            if len(bars) >= count or opened - span <= moment(0):
                return bars[-count:]
            span *= 4

    def _between(self, ticker: Ticker, start: datetime, stop: datetime) -> Iterator[Bar]:
        while True:
            bars = self._some(ticker, start, v1.MOST_BARS)
            yield from (bar for bar in bars if bar.opened < stop)
            if len(bars) < v1.MOST_BARS or bars[-1].opened >= stop:
                return
            start = bars[-1].opened


def _batches(bodies: Sequence[bytes]) -> Iterator[list[bytes]]:
    """The bodies in order, in groups that one request can carry."""
    group: list[bytes] = []
    size = 0
    for body in bodies:
        if group and size + len(body) > _MOST_POSTED:
            yield group
            group, size = [], 0
        group.append(body)
        size += len(body)
    if group:
        yield group
