"""The routes that old clients know, over the same store."""

from __future__ import annotations

from typing import Annotated, Final

from msgspec import Meta, Struct
from msgspec.json import Decoder

from live_trader.core.bars import Bar, Ticker, Timeframe, epoch
from live_trader.core.signals import Coefficients
from live_trader.edge.server.bodies import PutBody
from live_trader.edge.server.calls import TEXT, Answer, Call
from live_trader.edge.server.gate import is_of_this_machine
from live_trader.edge.server.parts import Parts
from live_trader.edge.server.problems import Problem
from live_trader.edge.server.store.bars import BEFORE_ALL
from live_trader.edge.server.store.places import Place
from live_trader.edge.server.v1 import file_signals, possible_signal, reduce, replace_portfolio
from live_trader.edge.wire import bot_id, classic, decode, encode, value
from live_trader.edge.wire.portfolio import Entry, read
from live_trader.edge.wire.v1 import SignalText

_PIECE: Final = 5000
_MOST_PLACES: Final = 10_000
_MOST_BARS: Final = 1_000_000

_TEXT: Final = Decoder(str)
_ENTRIES: Final[Decoder[tuple[Entry, ...]]] = Decoder(tuple[Entry, ...])


class BufferQuery(Struct, frozen=True, kw_only=True):
    """Whose buffer is meant; what else old clients send is ignored."""

    symbol: str
    timeframe: str
    id: str


class FillQuery(BufferQuery, frozen=True, kw_only=True):
    """Whose buffer is meant, and how many bars it shall hold."""

    count: Annotated[int, Meta(ge=0, le=_MOST_BARS)]


async def get_portfolio(parts: Parts, call: Call) -> Answer:
    """The portfolio's entries."""
    _admit(parts, call)
    return Answer(encode(parts.store.portfolios.now.allocations) + b"\n")


async def fill_bars(parts: Parts, call: Call) -> Answer:
    """Arm a buffer with the last `count` closed bars."""
    _admit(parts, call)
    query = call.query(FillQuery)
    ticker = _ticker(parts, query)
    start = await parts.store.bars.before_last(ticker, query.count)
    version = parts.store.portfolios.now.version
    await parts.store.places.set(query.id, ticker, Place(BEFORE_ALL if start is None else start, version))
    return Answer(b"filled\n", kind=TEXT)


async def get_bars(parts: Parts, call: Call) -> Answer:
    """Drain a buffer: a piece of its bars, the portfolio where it changed, or nothing new."""
    _admit(parts, call)
    query = call.query(BufferQuery)
    ticker = _ticker(parts, query)
    store, portfolio = parts.store, parts.store.portfolios.now
    parts.presence.heard(parts.settings.classic_id, ticker, polls_until_close=True)
    parts.presence.told(parts.settings.classic_id, ticker, portfolio.version)
    place = store.places.of(query.id, ticker)
    if place is None:
        place = Place(store.bars.newest.get(ticker, BEFORE_ALL), portfolio.version)
        await store.places.set(query.id, ticker, place)
    if place.portfolio != portfolio.version:
        await store.places.set(query.id, ticker, Place(place.time, portfolio.version))
        return Answer(encode(portfolio.allocations) + b"\n")
    texts = await store.bars.after(ticker, place.time, _PIECE)
    if texts:
        await store.places.set(query.id, ticker, Place(epoch(texts[-1].time), place.portfolio))
    bars = (Bar(text.time, text.open, text.high, text.low, text.close, text.volume) for text in texts)
    return Answer(classic.spell_bars(bars) + b"\n")


async def post_result(parts: Parts, call: Call) -> Answer:
    """One value per model for one bar; as a signal it belongs to the bot that stands for all classic ones."""
    _admit(parts, call)
    settings = parts.settings
    result = classic.result(await call.body(), zero_is_short=settings.classic_zero_is_short)
    signal = result.signal(settings.classic_id, _named(parts, result.ticker))
    due = epoch(signal.opened) + 2 * result.ticker.timeframe.seconds
    text = SignalText(
        id=signal.bot,
        symbol=result.ticker.symbol,
        timeframe=result.ticker.timeframe.name,
        bar_time=signal.opened,
        signal=value(signal.direction),
        models={name: value(vote) for name, vote in result.votes.items()},
        late=parts.clock.now().timestamp() > due,
    )
    (filed,) = await file_signals(parts, [possible_signal(parts, text)])
    if filed.status == 409:
        raise Problem(
            "conflict", "a different result is stored for this bar, and stands", more={"stored": filed.stored}
        )
    return Answer(b"stored\n" if filed.status == 201 else b"known\n", kind=TEXT)


async def only_close(parts: Parts, call: Call) -> Answer:
    """From now on no order may enlarge a position."""
    _admit(parts, call)
    state = (await reduce(parts)).state
    return Answer(f"{state}\n".encode(), kind=TEXT)


async def rebalance(parts: Parts, call: Call) -> Answer:
    """Replace the portfolio; every buffer then gives it out once."""
    _admit(parts, call)
    body = await call.body()
    if body.lstrip()[:1] == b'"':
        body = decode(body, _TEXT).encode("utf-8", "replace")
    await replace_portfolio(parts, PutBody(allocations=decode(body, _ENTRIES)))
    return Answer(f"version {parts.store.portfolios.now.version}\n".encode(), kind=TEXT)


def _admit(parts: Parts, call: Call) -> None:
    """Old clients have no tokens, so who may come is told by where from; a page in a browser may never."""
    if call.header(b"origin") or call.header(b"sec-fetch-site") not in ("", "none", "same-origin"):
        raise Problem("cross_site", "a web page of another site may not ask this")
    if parts.settings.classic == "anyone":
        return
    if not is_of_this_machine(call):
        raise Problem("forbidden", "the classic routes are for programs of this machine")


def _ticker(parts: Parts, query: BufferQuery) -> Ticker:
    ticker, reader = Ticker(query.symbol, Timeframe.parse(query.timeframe)), bot_id(query.id)
    if len(parts.store.places) >= _MOST_PLACES and parts.store.places.of(reader, ticker) is None:
        raise Problem("too_many_polls", f"there are {_MOST_PLACES} buffers already, which is the most")
    return ticker


def _named(parts: Parts, ticker: Ticker) -> Coefficients | None:
    """The models the portfolio names for a ticker."""
    rows = [
        each for each in read(parts.store.portfolios.now.allocations).allocations if each.ticker == ticker
    ]
    positive = {name: weight for row in rows for name, weight in row.coefficients.positive.items()}
    negative = {name: weight for row in rows for name, weight in row.coefficients.negative.items()}
    return Coefficients(positive, negative) if positive or negative else None
