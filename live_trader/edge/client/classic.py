"""A classic server as one bot sees it."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from live_trader.core.bars import Bar, Ticker, closes, epoch
from live_trader.core.portfolio import Portfolio, TradingState
from live_trader.core.signals import Signal
from live_trader.edge.client.remarks import Remarks
from live_trader.edge.client.server import News
from live_trader.edge.client.transport import Ask
from live_trader.edge.client.verdict import content, understood
from live_trader.edge.clock import Clock
from live_trader.edge.settings import Classic as Options
from live_trader.edge.wire import classic
from live_trader.edge.wire.portfolio import Reading
from live_trader.errors import BadAnswer, Conflict, TraderError

_MOST_UNASKED: Final = 20_000


@dataclass(slots=True)
class _Fill:
    """A history on its way: it may come in several pieces, and its last bar may still be forming."""

    count: int
    moved: float
    bars: dict[datetime, Bar] = field(default_factory=dict)


class Classic:
    """Speaks the classic protocol for one bot.

    `getbars` gives every bar once, so what it gave is kept until the history it belongs to is complete.
    """

    protocol = "classic"

    def __init__(
        self,
        ask: Ask,
        bot: str,
        clock: Clock,
        rest: Callable[[float], None],
        options: Options,
        timeout: float,
    ) -> None:
        self._ask = ask
        self._bot = bot
        self._clock = clock
        self._rest = rest
        self._options = options
        self._timeout = timeout
        self._fills: dict[Ticker, _Fill] = {}
        self._pushed: Portfolio | None = None
        self._remarks = Remarks()

    def portfolio(self) -> Portfolio:
        """The portfolio in force."""
        body = self._call("GET", "getportfolio")
        return self._portfolio(understood(classic.portfolio, body, "getportfolio"))

    def history(self, ticker: Ticker, count: int) -> list[Bar]:
        """The last `count` closed bars, oldest first; fewer when no more have come within the timeout."""
        fill = self._fills.get(ticker)
        if fill is None or fill.count != count:
            fill = self._arm(ticker, count)
        until = self._clock.monotonic() + self._timeout
        while True:
            try:
                batch = self._take(ticker)
            except TraderError:
                self._fills.pop(ticker, None)  # what the lost answer held will not come again
                raise
            self._remarks.make("refused a bar", batch.refused)
            if not batch.bars and len(fill.bars) >= count:
                self._fills.pop(ticker, None)
                break
            if self._clock.monotonic() >= until:
                break
            if not batch.bars:
                self._rest(self._options.poll_s)
        return [fill.bars[opened] for opened in sorted(fill.bars)][-count:]

    def after(self, ticker: Ticker, opened: datetime, limit: int) -> list[Bar]:
        """The closed bars that opened later than this, oldest first.

        The server has closed bars, or nobody could ask for those after one: no bar at all means that the
        answer that held them was lost, since `getbars` gives every bar once.
        """
        missed = (epoch(self._clock.now()) - epoch(opened)) // ticker.timeframe.seconds
        bars = self.history(ticker, min(limit, max(1, missed)))
        if not bars:
            self._fills.pop(ticker, None)
            raise BadAnswer("getbars: there is none of the bars that fillbars asked for")
        return [bar for bar in bars if bar.opened > opened]

    def next(self, ticker: Ticker, after: datetime, wait: float) -> News:
        """What comes after this bar: asked for shortly after its close, then again and again.

        It is asked for at least once, whatever the hour, because a new portfolio comes the same way.
        """
        until = self._clock.monotonic() + wait
        pause = self._until_due(ticker, after)
        while True:
            self._rest(max(0.0, min(pause, until - self._clock.monotonic())))
            batch = self._take(ticker, breakable=True)
            portfolio, self._pushed = self._pushed, None
            if batch.bars or batch.refused or portfolio or self._clock.monotonic() >= until:
                return News(batch.bars, batch.refused, None, portfolio)
            pause = self._options.poll_s + self._jitter()

    def revision(self, ticker: Ticker) -> None:
        """A classic server does not say whether it revised a bar."""

    def signals(self, ticker: Ticker, count: int) -> list[Signal]:
        """A classic server does not tell its signals."""
        return []

    def send(self, signals: Sequence[Signal]) -> None:
        """Post these signals one by one; those that another stands for raise Conflict in the end."""
        conflicts: list[Conflict] = []
        for signal in signals:
            body = classic.spell_result(signal, zero_is_short=self._options.zero_is_short)
            try:
                self._call("POST", "result", body)
            except Conflict as conflict:
                conflicts.append(conflict)
        if conflicts:
            raise conflicts[0]

    def _call(self, method: str, target: str, body: bytes = b"", *, breakable: bool = False) -> bytearray:
        answer = self._ask(method, target, body, breakable=breakable)
        return content(answer, target.partition("?")[0], self._clock)

    def _arm(self, ticker: Ticker, count: int) -> _Fill:
        """Have the server fill its buffer: one more than needed, since the last may be forming."""
        self._call("GET", f"fillbars?count={count + 1}&{classic.query(ticker, self._bot)}")
        fill = self._fills[ticker] = _Fill(count, self._clock.monotonic())
        return fill

    def _take(self, ticker: Ticker, *, breakable: bool = False) -> classic.Batch:
        """What the server's buffer holds now, less a bar that is forming."""
        body = self._call("GET", f"getbars?{classic.query(ticker, self._bot)}", breakable=breakable)
        batch = understood(lambda text: classic.pushed(text, ticker), body, "getbars")
        if batch.reading is not None:
            self._pushed = self._portfolio(batch.reading)
        fill = self._fills.get(ticker)
        if fill is None:
            return batch
        if batch.bars:
            return self._keep(ticker, fill, batch)
        if self._clock.monotonic() - fill.moved > self._timeout:
            del self._fills[ticker]
        return batch

    def _keep(self, ticker: Ticker, fill: _Fill, batch: classic.Batch) -> classic.Batch:
        now = self._clock.now()
        closed = tuple(bar for bar in batch.bars if closes(ticker.timeframe, bar.opened) <= now)
        fill.moved = self._clock.monotonic()
        fill.bars.update((bar.opened, bar) for bar in closed)
        if len(fill.bars) > fill.count + _MOST_UNASKED:
            raise BadAnswer(f"getbars: the server gives bars without end where {fill.count} were asked for")
        return classic.Batch(closed, batch.refused, batch.reading)

    def _until_due(self, ticker: Ticker, after: datetime) -> float:
        """Seconds until the bar after this one should be there."""
        due = epoch(after) + 2 * ticker.timeframe.seconds + self._options.delay_after_close_s
        return max(0.0, due - self._clock.now().timestamp()) + self._jitter()

    def _jitter(self) -> float:
        return self._options.jitter_s * self._clock.chance()

    def _portfolio(self, reading: Reading) -> Portfolio:
        """A portfolio under a version made of its content, since a classic server gives it none."""
        self._remarks.make("cannot serve all of the portfolio", reading.skipped)
        version = zlib.crc32(classic.spell_portfolio(reading.allocations))
        put = bool(reading.allocations or reading.skipped)  # an empty answer may mean that nobody has put one
        return Portfolio(version, TradingState.ACTIVE, reading.allocations, put)
