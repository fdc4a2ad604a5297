"""What the pages of the dashboard ask for, and what they may do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar

import msgspec
from msgspec import Meta, Struct

from live_trader.core.bars import Ticker, Timeframe
from live_trader.edge.bulletin import ChildText, seen
from live_trader.edge.server.bodies import State
from live_trader.edge.server.calls import Answer, Call
from live_trader.edge.server.dashboard.records import Records, records
from live_trader.edge.server.dashboard.sessions import Pass
from live_trader.edge.server.parts import Parts
from live_trader.edge.server.problems import Problem
from live_trader.edge.server.store import HIGHEST
from live_trader.edge.wire import encode
from live_trader.errors import TraderError

if TYPE_CHECKING:
    from live_trader.core.drift import Tolerance
    from live_trader.edge.shelf import Shelf

Found = TypeVar("Found")

_CLOSES: Final = 48
_POINTS: Final = 2000

Limit = Annotated[int, Meta(ge=1, le=20_000)]
Moment = Annotated[int, Meta(ge=0, le=HIGHEST)]


@dataclass(frozen=True, slots=True)
class House:
    """What the pages look at: the running server, its folder, and the shelf of bundles where it knows one.

    Without a tolerance no bot is held for its drift.
    """

    parts: Parts
    folder: Path
    shelf: Shelf | None
    tolerance: Tolerance | None


@dataclass(frozen=True, slots=True)
class Visit:
    """One request of somebody who is logged in."""

    call: Call
    holder: Pass


class Nothing(Struct, frozen=True, forbid_unknown_fields=True):
    """A page that asks for no part of anything."""


class OfTicker(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which ticker is asked about."""

    symbol: str
    timeframe: str

    @property
    def ticker(self) -> Ticker:
        return Ticker(self.symbol, Timeframe.parse(self.timeframe))


class OfChart(OfTicker, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which part of a chart is asked for."""

    id: str = ""
    before: Moment = HIGHEST
    limit: Limit = 2000


class OfSignal(OfTicker, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which bot's word on which bar is asked for."""

    id: str
    time: Moment


class OfEvents(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which events are asked for."""

    text: Annotated[str, Meta(max_length=100)] = ""
    kind: Annotated[str, Meta(max_length=20)] = ""
    before: Moment = HIGHEST
    limit: Limit = 200


class Wish(Struct, frozen=True, forbid_unknown_fields=True):
    """The trading state a person wants, on condition that this version is in force."""

    state: State
    version: int


async def overview(house: House, visit: Visit) -> Answer:
    """Every bot with its last closes and opinions, the portfolio, the account, and what the farm tells."""
    visit.call.query(Nothing)
    parts = house.parts
    bots = await parts.presence.bots()
    portfolio = parts.store.portfolios.now
    seq = parts.store.seq

    def look(store: Records) -> dict[str, Any]:
        return {
            "bots": [_tile(house, store, msgspec.to_builtins(bot)) for bot in bots],
            "account": _account(store),
        }

    told = await looked(house, look)
    about = {"farm": seen(parts.run_path, parts.clock), "seq": seq, "fault": parts.store.fault}
    return as_json({**told, "portfolio": portfolio, **about})


def _tile(house: House, store: Records, bot: dict[str, Any]) -> dict[str, Any]:
    ticker = Ticker(bot["symbol"], Timeframe[bot["timeframe"]])
    opinions = msgspec.json.decode(store.probabilities(ticker, bot["id"], HIGHEST))
    return {
        **bot,
        "closes": store.closes(ticker, _CLOSES),
        "opinions": opinions,
        "held": store.held(ticker, bot["id"]),
        "needs": _thresholds(house, ticker),
    }


def _thresholds(house: House, ticker: Ticker) -> dict[str, dict[str, float]]:
    """What the deployed models need; nothing where no bundle is deployed or it cannot be read."""
    try:
        folder = house.shelf.deployed(ticker) if house.shelf else None
        return _needs(folder) if folder else {}
    except TraderError:
        return {}


@lru_cache(maxsize=1024)
def _needs(folder: Path) -> dict[str, dict[str, float]]:
    from live_trader.experts.bundle import glance

    return {str(side): each for side, each in glance(folder).thresholds.items()}


def _account(store: Records) -> dict[str, Any] | None:
    return {"curve": store.equity(_POINTS)} if store.told_of_account() else None


async def chart(house: House, visit: Visit) -> Answer:
    """A run of bars with the bot's signals and what was held."""
    query = visit.call.query(OfChart)
    ticker = query.ticker
    known = sorted(
        {bot for bot, each in house.parts.store.signals.last if each == ticker},
        key=lambda bot: bot != query.id,
    )
    bot = query.id or next(iter(known), "")
    others = [each.timeframe.name for each in house.parts.store.tickers if each.symbol == ticker.symbol]
    if ticker not in house.parts.store.tickers:
        raise Problem("not_found", f"nothing is stored of {ticker}")
    told = await looked(house, lambda store: store.chart(ticker, bot, query.before, query.limit))
    needs = _thresholds(house, ticker)
    frames = sorted(others, key=lambda name: Timeframe[name].seconds)
    seconds = ticker.timeframe.seconds
    about = {"bot": bot, "bots": known, "needs": needs, "timeframes": frames, "seconds": seconds}
    return as_json({**told, **about, "child": _child(house, ticker), "seq": house.parts.store.seq})


def _child(house: House, ticker: Ticker) -> ChildText | None:
    """What the farm tells of the worker of this ticker."""
    told = seen(house.parts.run_path, house.parts.clock)
    return next((each for each in told.children if each.name == str(ticker)), None) if told else None


async def why(house: House, visit: Visit) -> Answer:
    """Why there is this signal as of a bar, or why there is none."""
    from live_trader.edge.server.dashboard import reasons

    query = visit.call.query(OfSignal)
    ticker = query.ticker
    around = await looked(house, lambda store: store.around(ticker, query.id, query.time))
    if around["seq"] is None:
        now = house.parts.clock.now().timestamp()
        sentence = reasons.silence(ticker, query.id, query.time, around, now)
        bars = await looked(house, lambda store: reasons.shown(store, ticker, query.time))
        return as_json({"signal": None, "sentence": sentence, "bars": bars})
    stored = (await house.parts.store.signals.listed(reasons.ANY, around["seq"] - 1, 1))[:1]
    if not stored or stored[0].seq != around["seq"]:
        raise Problem("not_found", "only a challenger answered this bar, and it is not traded")
    return as_json(
        await looked(house, lambda store: reasons.why(house.shelf, house.tolerance, store, stored[0]))
    )


async def bundles(house: House, visit: Visit) -> Answer:
    """What is deployed and shelved for every ticker."""
    from live_trader.edge.server.dashboard import shelved

    visit.call.query(Nothing)
    shelf = _shelf(house)
    told = seen(house.parts.run_path, house.parts.clock)
    return as_json(await asyncio.to_thread(shelved.listed, shelf, told, house.tolerance))


async def bundle(house: House, visit: Visit) -> Answer:
    """Champion and challenger of a ticker: judged figures, agreement, drift, calibration, age."""
    from live_trader.edge.server.dashboard import shelved

    ticker, shelf = visit.call.query(OfTicker).ticker, _shelf(house)

    def look(store: Records) -> dict[str, Any]:
        return shelved.rivals(shelf, house.tolerance, store, ticker, house.parts.clock.now())

    return as_json(await looked(house, look))


async def events(house: House, visit: Visit) -> Answer:
    """What happened to farm, bots, portfolios and bars; newest first."""
    query = visit.call.query(OfEvents)
    found = await looked(house, lambda store: store.events(query.text, query.kind, query.before, query.limit))
    return as_json({"events": found, "seq": house.parts.store.seq})


async def put_state(house: House, visit: Visit) -> Answer:
    """Put the trading state in force that a person confirmed."""
    try:
        wish = msgspec.json.decode(await visit.call.body(), type=Wish)
    except msgspec.MsgspecError as fault:
        raise Problem("invalid", f"that is no wish for a trading state: {fault}") from None
    if not visit.holder.admin:
        raise Problem("forbidden", "this session may only look: ask for a link without --read-only")
    put = await house.parts.store.portfolios.put(None, lambda _: wish.state, wish.version)
    if put is None:
        raise Problem("conflict", "somebody changed the portfolio meanwhile: look again, then decide")
    return as_json(put)


def _shelf(house: House) -> Shelf:
    if house.shelf is None:
        raise Problem("not_found", "this server was not told where bundles are")
    return house.shelf


async def looked(house: House, look: Callable[[Records], Found]) -> Found:
    """What a look at the store's file finds, on a thread, so that no bot waits for a page."""

    def looked() -> Found:
        with records(house.folder) as store:
            return look(store)

    return await asyncio.to_thread(looked)


def as_json(value: object) -> Answer:
    """Whatever was found, as the answer to a page."""
    return Answer(encode(value))
