"""The demonstration: where nothing is configured, a market, trained experts and a farm of their own."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any

from live_trader.core.bars import Tape, Ticker, Timeframe
from live_trader.edge.clock import Clock
from live_trader.edge.feeds.replay import restamped
from live_trader.edge.feeds.simulated import Market
from live_trader.edge.settings import Settings
from live_trader.edge.shelf import Shelf
from live_trader.edge.tapes import read, write
from live_trader.errors import BadSettings
from live_trader.farm.feeder import coming_path, history_path
from live_trader.verbs import Context

_MEMORY, _EACH = 4 << 30, 1 << 30
_OTHERS = "* tick=0.00001 lot=1"
_RATES = ("CAD 0.73", "CHF 1.12", "GBP 1.31", "JPY 0.0067", "NZD 0.57")  # in USD, for what paper earns


def prepared(context: Context) -> Settings:
    """The settings of the demonstration, with its market begun and its bundles deployed."""
    demo = context.settings.demo
    names = [_played_name(demo.tape)] if demo.market == "replay" else list(demo.tickers)
    overrides: dict[str, Any] = {"feed.market": demo.market, "farm.tickers": names, "demo.tickers": names}
    why = ""
    if not context.loaded.configured:
        overrides |= {"desk.enabled": True, "desk.instruments": [_OTHERS], "desk.rates": _RATES}
        why = "Nothing is configured, so this is the demonstration: "
    settings = context.also(overrides).settings
    tickers = [Ticker.parse(text) for text in settings.demo.tickers]
    now = Clock().now()
    shelf = Shelf.of(settings)
    fresh = [ticker for ticker in tickers if shelf.deployed(ticker) is None]
    tapes = [_begun(settings, ticker, now) for ticker in tickers]
    if fresh:
        context.say(
            f"{why}a {demo.market} market of {', '.join(names)}. "
            "Their experts are trained now, once; it takes a minute or two."
        )
        _train([tape for tape in tapes if tape.ticker in fresh], shelf, settings, now)
    return settings


def begun(settings: Settings) -> bool:
    """Whether the market these settings make up has a history to begin with."""
    if settings.demo.market == "replay":
        return False  # which ticker it is, its tape says
    tickers = map(Ticker.parse, settings.demo.tickers)
    return all(history_path(settings, ticker).exists() for ticker in tickers)


def _played_name(tape: str) -> str:
    """The ticker a replayed tape is served as: what its file's name begins with, in bars of 5 seconds."""
    found = re.match(r"[A-Za-z0-9]+", Path(tape).name)
    return f"{found[0].upper() if found else 'TAPE'} S5"


def _begun(settings: Settings, ticker: Ticker, now: datetime) -> Tape:
    """The history of a ticker's market, made at the first start and kept."""
    path = history_path(settings, ticker)
    if path.exists() and (settings.demo.market == "simulated" or coming_path(settings, ticker).exists()):
        return read(path, ticker).tape
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    count, moment = settings.demo.history_bars, int(now.timestamp())
    if settings.demo.market == "replay":
        history, coming = restamped(_played(settings, ticker), ticker, count, moment)
        write(coming_path(settings, ticker), coming)
    else:
        history = Tape.of(ticker, list(Market(ticker, settings.demo.seed).history(moment, count)))
    write(path, history)
    return history


def _played(settings: Settings, ticker: Ticker) -> Tape:
    """The tape to replay, which must be longer than the history that is cut from it."""
    path = Path(settings.demo.tape)
    tape = read(path, Ticker(ticker.symbol, Timeframe.parse(settings.demo.tape_timeframe))).tape
    if len(tape) <= settings.demo.history_bars:
        raise BadSettings(
            f"{path} has {len(tape)} bars, and {settings.demo.history_bars} of them are history",
            "Play a longer tape, or set demo.history_bars",
        )
    return tape


def _train(tapes: Sequence[Tape], shelf: Shelf, settings: Settings, now: datetime) -> None:
    from live_trader.lab.families import demand
    from live_trader.lab.progress import Shown
    from live_trader.lab.stages import Stages
    from live_trader.lab.training import Plan, Training, quick
    from live_trader.lab.workshop import Workshop, hands

    demand()
    with ExitStack() as stack:
        workshop = stack.enter_context(Workshop(hands(_MEMORY, _EACH)))
        progress = stack.enter_context(Shown(sys.stderr))
        stages = Stages(Path(settings.farm.work_path) / "demo" / "stages")
        training = Training(quick(Plan()), workshop, stages, progress)
        for shelved in training.run(tapes, shelf.folder, now):
            shelf.deploy(shelved.ticker, force=True, at=now)
