"""What the v1 protocol can do."""

from __future__ import annotations

import asyncio
import time
from typing import Annotated, Final

from msgspec import UNSET, Meta, Struct, UnsetType, structs
from msgspec.json import Decoder

from live_trader.core.bars import Bar, Ticker, Timeframe, closes, epoch
from live_trader.edge.server.bodies import (
    BotList,
    FiledBody,
    FiledList,
    PortfolioBody,
    PutAnswer,
    PutBody,
    State,
    TallyBody,
)
from live_trader.edge.server.calls import Answer, Call
from live_trader.edge.server.gate import own
from live_trader.edge.server.hearing import refused_bars
from live_trader.edge.server.parts import Parts, counted
from live_trader.edge.server.presence import POLL_S
from live_trader.edge.server.problems import Problem
from live_trader.edge.server.store import HIGHEST, SIGNALS
from live_trader.edge.server.store.bars import BEFORE_ALL
from live_trader.edge.server.store.signals import Filter, Posted
from live_trader.edge.wire import bot_id, decode, encode, opening
from live_trader.edge.wire.portfolio import Entry, read
from live_trader.edge.wire.v1 import MOST_BARS, BarsText, SignalsText, SignalText, Time, signal
from live_trader.errors import BadBar, BadData

_AHEAD_S: Final = 5.0
"""How far a feed's clock may be ahead of ours before its bar counts as still forming."""

_MOST_TOLD: Final = 20
_USUAL: Final = 500

Limit = Annotated[int, Meta(ge=1, le=MOST_BARS, description="at most so many")]
Later = Annotated[Time, Meta(description="only bars that opened later; without it, the newest")]
After = Annotated[int, Meta(ge=0, le=HIGHEST, description="only higher seqs; without it, the newest")]
Wait = Annotated[float, Meta(ge=0, le=POLL_S, description="with nothing to give, wait up to so many seconds")]


class BarsQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which bars are asked for, and by which bot."""

    symbol: str
    timeframe: str
    after: Later | UnsetType = UNSET
    limit: Limit = _USUAL
    wait: Wait = 0.0
    id: Annotated[str, Meta(description="the bot that asks: it is then known to be alive")] = ""


class SignalsQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which signals are asked for."""

    symbol: str = ""
    timeframe: str = ""
    id: str = ""
    shadow: Annotated[bool, Meta(description="the challengers' signals in place of the traded ones")] = False
    after: After | UnsetType = UNSET
    limit: Limit = _USUAL
    wait: Wait = 0.0


class NoQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """An operation that takes no query."""


_BARS: Final[Decoder[BarsText | tuple[BarsText, ...]]] = Decoder(BarsText | tuple[BarsText, ...])
_SIGNALS: Final[Decoder[SignalText | tuple[SignalText, ...]]] = Decoder(SignalText | tuple[SignalText, ...])
_PUT: Final[Decoder[PutBody | tuple[Entry, ...]]] = Decoder(PutBody | tuple[Entry, ...])


async def get_bars(parts: Parts, call: Call) -> Answer:
    """Closed bars after a time, or the newest; waits for one when there is none."""
    query = call.query(BarsQuery)
    ticker = Ticker(query.symbol, Timeframe.parse(query.timeframe))
    speaks_for = call.holder.bot if call.holder else ""
    if query.id and speaks_for not in ("", bot_id(query.id)):
        raise Problem("forbidden", f"this token does not speak for {query.id}")
    if not (query.id and speaks_for):
        return await _bars(parts, call, query, ticker)
    with parts.presence.polling(query.id, ticker):
        answer = await _bars(parts, call, query, ticker)
    parts.presence.told(query.id, ticker, parts.store.portfolios.now.version)
    return answer


async def _bars(parts: Parts, call: Call, query: BarsQuery, ticker: Ticker) -> Answer:
    store, before = parts.store, parts.store.portfolios.now.version
    revision = store.bars.revision(ticker)
    waiting = Waiting(parts, call, query.wait)
    while True:
        if query.after is UNSET:
            bars = await store.bars.last(ticker, query.limit)
        else:
            bars = await store.bars.after(ticker, epoch(query.after), query.limit)
        told = (store.portfolios.now.version, store.bars.revision(ticker))
        if bars or told != (before, revision) or not await waiting.more(ticker):
            break
    text = BarsText(
        symbol=ticker.symbol,
        timeframe=ticker.timeframe.name,
        bars=tuple(bars),
        portfolio_version=told[0],
        revision=told[1],
    )
    return Answer(encode(text))


async def post_bars(parts: Parts, call: Call) -> Answer:
    """Bars of one ticker, or of several: what can be is stored, what cannot is refused with the reason."""
    call.query(NoQuery)
    posted = decode(await call.body(), _BARS)
    stored = known = revised = 0
    refused: list[str] = []
    groups = [
        _possible(parts, text, refused) for text in (posted if isinstance(posted, tuple) else (posted,))
    ]
    parts.metrics.count("trader_bars_total", "refused", by=len(refused))
    if refused:
        await refused_bars(parts, [ticker for ticker, _ in groups], len(refused), refused[0])
    if refused and not any(bars for _, bars in groups):
        raise Problem("invalid", refused[0])
    for tally in await asyncio.gather(*(parts.store.bars.add(*group) for group in groups)):
        stored, known, revised = stored + tally.stored, known + tally.known, revised + tally.revised
    for ticker, bars in groups:
        if len(bars) == 1:  # a live one; more at once are history
            parts.since_close("bar_stored", ticker, epoch(bars[0].opened))
    for result, count in (("stored", stored), ("known", known), ("revised", revised)):
        parts.metrics.count("trader_bars_total", result, by=count)
    return Answer(encode(TallyBody(stored, known, revised, tuple(refused[:_MOST_TOLD]))))


def _possible(parts: Parts, text: BarsText, refused: list[str]) -> tuple[Ticker, list[Bar]]:
    """The bars of a post that can be and are closed; the others are told in `refused`."""
    ticker = Ticker(text.symbol, Timeframe.parse(text.timeframe))
    latest = parts.clock.now().timestamp() + _AHEAD_S
    bars: list[Bar] = []
    for each in text.bars:
        try:
            opened = opening(ticker, each.time)
            if epoch(opened) + ticker.timeframe.seconds > latest:
                raise BadBar(
                    f"{ticker}: the bar of {opened} is not closed before {closes(ticker.timeframe, opened)}"
                )
            bars.append(Bar(opened, each.open, each.high, each.low, each.close, each.volume))
        except BadBar as fault:
            refused.append(str(fault))
    return ticker, bars


async def get_signals(parts: Parts, call: Call) -> Answer:
    """Stored signals after a seq, or the newest; waits for one when there is none."""
    query = call.query(SignalsQuery)
    if bool(query.symbol) != bool(query.timeframe):
        raise BadData("a ticker is a symbol with a timeframe", "Name both, or neither")
    ticker = Ticker(query.symbol, Timeframe.parse(query.timeframe)) if query.symbol else None
    chosen = Filter(ticker, bot_id(query.id) if query.id else "", query.shadow)
    waiting = Waiting(parts, call, query.wait)
    while True:
        if query.after is UNSET:
            signals = await parts.store.signals.newest(chosen, query.limit)
        else:
            signals = await parts.store.signals.listed(chosen, query.after, query.limit)
        if signals or not await waiting.more(SIGNALS):
            return Answer(encode(SignalsText(tuple(signals))))


async def post_signals(parts: Parts, call: Call) -> Answer:
    """One signal, or a list of which each is judged on its own; acknowledged when durable."""
    call.query(NoQuery)
    posted = decode(await call.body(), _SIGNALS)
    texts = posted if isinstance(posted, tuple) else (posted,)
    for bot in {text.id for text in texts}:
        if not own(call.holder, bot_id(bot)):
            raise Problem("forbidden", f"this token does not speak for {bot}")
    filed = await file_signals(parts, [possible_signal(parts, text) for text in texts])
    worst = max((body.status for body in filed), default=200, key=(200, 201, 409).index)
    if worst == 409:
        raise _conflict(filed, single=not isinstance(posted, tuple))
    body = encode(FiledList(tuple(filed)) if isinstance(posted, tuple) else filed[0])
    return Answer(body, worst)


def possible_signal(parts: Parts, text: SignalText) -> Posted:
    """A signal that can be: of a bar that is closed, and that this server still keeps."""
    meant = signal(text)
    opened = epoch(meant.opened)
    given_out = opened <= parts.store.bars.newest.get(meant.ticker, BEFORE_ALL)
    if not (given_out or parts.is_closed(meant.ticker, opened, _AHEAD_S)):
        raise Problem("not_closed", f"{meant.ticker}: the bar of {meant.opened} is not closed yet")
    days = parts.settings.retention.signals_days
    if days and opened < parts.clock.now().timestamp() - days * 86400:
        raise Problem("not_kept", f"signals are kept for {days} days, and the bar of {meant.opened} is older")
    return Posted(text, meant.ticker, opened)


async def file_signals(parts: Parts, signals: list[Posted]) -> list[FiledBody]:
    """Store signals, and note that their bots live."""
    filed = await parts.store.signals.add(signals)
    results = {200: "known", 201: "new", 409: "different"}
    for (text, ticker, opened), body in zip(signals, filed, strict=True):
        parts.metrics.count("trader_signals_total", results[body.status])
        if body.status == 201 and not text.late:
            parts.since_close("durable", ticker, opened)
        parts.presence.heard(text.id, ticker)
    return filed


def _conflict(filed: list[FiledBody], *, single: bool) -> Problem:
    different = next(body for body in filed if body.status == 409)
    more: dict[str, object] = {"stored": different.stored} if single else {"results": filed}
    return Problem("conflict", "a different signal is stored under this key, and stands", more=more)


async def get_portfolio(parts: Parts, call: Call) -> Answer:
    """The portfolio in force."""
    call.query(NoQuery)
    return Answer(encode(parts.store.portfolios.now))


async def put_portfolio(parts: Parts, call: Call) -> Answer:
    """Replace the portfolio; waiting bots are told at once."""
    call.query(NoQuery)
    wanted = decode(await call.body(), _PUT)
    if isinstance(wanted, tuple):
        wanted = PutBody(allocations=wanted)
    return await replace_portfolio(parts, wanted)


async def replace_portfolio(parts: Parts, wanted: PutBody) -> Answer:
    """Put a portfolio in force, saying what in it no bot can serve."""
    skipped = read(wanted.allocations or ()).skipped
    version = None if wanted.version is UNSET else wanted.version

    def follows(held: State) -> State:
        if wanted.state is not UNSET:
            return wanted.state
        return "HALTED" if held == "HALTED" else "ACTIVE"

    put = await parts.store.portfolios.put(wanted.allocations, follows, version, renew=True)
    if put is None:
        now = parts.store.portfolios.now.version
        raise Problem(
            "conflict", f"version {version} is not in force any more, {now} is", more={"version": now}
        )
    return Answer(encode(PutAnswer(**structs.asdict(put), skipped=skipped)))


async def only_close(parts: Parts, call: Call) -> Answer:
    """From now on no order may enlarge a position; a halt stays a halt."""
    call.query(NoQuery)
    return Answer(encode(await reduce(parts)))


async def reduce(parts: Parts) -> PortfolioBody:
    """Put REDUCING in force where the state is ACTIVE."""

    def follows(held: State) -> State:
        return "REDUCING" if held == "ACTIVE" else held

    put = await parts.store.portfolios.put(None, follows)
    return put or parts.store.portfolios.now


async def get_bots(parts: Parts, call: Call) -> Answer:
    """Every bot: whether it is FRESH, STALE or ABSENT, and what it said last."""
    call.query(NoQuery)
    return Answer(encode(BotList(tuple(await parts.presence.bots()))))


class Waiting:
    """The patience of one long poll."""

    def __init__(self, parts: Parts, call: Call, seconds: float) -> None:
        self._parts = parts
        self._call = call
        self._until = asyncio.get_running_loop().time() + seconds

    async def more(self, topic: object) -> bool:
        """Wait for something new, and say whether it is worth looking again."""
        left = self._until - asyncio.get_running_loop().time()
        if left <= 0 or self._parts.hub.closing:
            return False
        name = self._call.holder.name if self._call.holder else self._call.address
        limits = self._parts.settings.limits
        began = time.perf_counter()
        with counted(self._parts.polls, name, limits.polls_per_token, "too_many_polls"):
            await self._parts.hub.wait(topic, left, self._call.gone)
        self._call.waited += time.perf_counter() - began
        return not self._call.gone.done()
