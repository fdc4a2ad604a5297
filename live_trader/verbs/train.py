"""The verb that makes bundles: bars in, long and short models judged and shelved."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from live_trader.errors import BadData
from live_trader.verbs import Context, common

if TYPE_CHECKING:
    from live_trader.core.bars import Tape, Ticker
    from live_trader.lab.training import Plan, Shelved

GIB = 2**30


def _pairs(_: click.Context, option: click.Parameter, given: Sequence[str]) -> dict[str, Any]:
    """`name=value` options as a dictionary; values are JSON where they can be, else text."""
    pairs = {}
    for each in given:
        name, equals, text = each.partition("=")
        if not equals or not name:
            raise click.BadParameter(f"{each!r} is not name=value", param=option)
        try:
            pairs[name.strip()] = json.loads(text)
        except json.JSONDecodeError:
            pairs[name.strip()] = text.strip()
    return pairs


def _words(_: click.Context, _option: click.Parameter, given: str | None) -> tuple[str, ...]:
    return tuple(filter(None, (word.strip() for word in (given or "").split(","))))


@click.command(
    epilog="Example: instant-trader train --symbols AUDUSD --timeframe H1 --bars AUDUSD_H1.csv --models gbc"
)
@click.option("--symbols", callback=_words, help="AUDUSD,EURUSD; the tickers of the settings when not given.")
@click.option("--timeframe", help="M1, H1, ...: of all symbols.")
@click.option(
    "--bars",
    default="server",
    show_default=True,
    help="A CSV or Parquet file ({symbol} for each symbol), the address of a server, or: server, store.",
)
@click.option("--count", default=20_000, show_default=True, help="How many bars to ask a server for.")
@click.option("--zone", help="The time zone of times that name none, as in UTC.")
@click.option("--drop-bad-rows", is_flag=True, help="Leave rows out that cannot be bars, and tell them.")
@click.option(
    "--models", callback=_words, help="lightgbm,gbc,rf (the default), any other of PyCaret's, or all."
)
@click.option("--keep", type=int, help="Keep so many models a side, by their score in the newest span.")
@click.option("--train-span", help="36M, 90D, 5000B: what teaches; by default as the timeframe suggests.")
@click.option("--step", help="3M, 5D, 500B: what is judged before the next training.")
@click.option("--spans", default=8, show_default=True, help="Walk so many of the newest spans; 0: all.")
@click.option("--embargo", default=24, show_default=True, help="Bars kept apart beyond the target's horizon.")
@click.option("--target", default="extremes", show_default=True, help="What is predicted.")
@click.option("--target-set", multiple=True, callback=_pairs, help="A setting of the target: prominence=0.5")
@click.option("--threshold", default=0.3, show_default=True, help="What a probability must exceed.")
@click.option("--setup", multiple=True, callback=_pairs, help="An argument of PyCaret's setup: fold=3")
@click.option("--compare", multiple=True, callback=_pairs, help="One of its compare_models: sort=AUC")
@click.option("--placebos", default=2, show_default=True, help="How often to train on meaningless labels.")
@click.option("--spread", type=float, help="What the judge takes as the spread, as a share of the price.")
@click.option("--fee", type=float, help="The fee it takes for each deal, as a share of the price.")
@click.option("--quick", is_flag=True, help="One small span and the first family, not judged: a first look.")
@click.option("--memory", type=float, help="GiB that training may use; half of what is free by default.")
@click.option("--processes", type=click.IntRange(1), help="At most so many at once.")
@common
def train(context: Context, symbols: tuple[str, ...], timeframe: str | None, **asked: Any) -> None:
    """Train, judge and shelve long and short models of each symbol; what is done is not done again."""
    from live_trader.lab.families import demand

    demand()
    if "://" in asked["bars"]:
        context.overrides["server.address"], asked["bars"] = asked["bars"], "server"
    tickers = _tickers(context, symbols, timeframe)
    plan = _plan(context, asked)
    tapes = _tapes(context, tickers, asked)
    shelved = _trained(context, plan, tapes, asked)
    facts = {
        "bundles": [
            {
                "symbol": each.ticker.symbol,
                "timeframe": each.ticker.timeframe.name,
                "version": each.folder.name,
                "folder": str(each.folder),
                "verdict": each.verdict.decision,
                "reasons": list(each.verdict.reasons),
                "left_out": dict(each.left_out),
            }
            for each in shelved
        ]
    }
    context.result(facts, "\n".join(map(_told, shelved)))


def _told(shelved: Shelved) -> str:
    lines = [f"{shelved.ticker}: {shelved.verdict.decision}, {shelved.folder}"]
    lines += [f"  {reason}" for reason in shelved.verdict.reasons]
    lines += [f"  left out {family}: {reason}" for family, reason in shelved.left_out.items()]
    return "\n".join(lines)


def _tickers(context: Context, symbols: Sequence[str], timeframe: str | None) -> list[Ticker]:
    from live_trader.core.bars import Ticker, Timeframe

    if symbols and timeframe:
        return [Ticker(symbol, Timeframe.parse(timeframe)) for symbol in dict.fromkeys(symbols)]
    if symbols or timeframe or not context.settings.farm.tickers:
        raise click.UsageError("Say what to train, as in --symbols AUDUSD --timeframe M1.")
    return [Ticker.parse(text) for text in dict.fromkeys(context.settings.farm.tickers)]


def _plan(context: Context, asked: Mapping[str, Any]) -> Plan:
    from dataclasses import replace

    from live_trader.lab import arguments, families
    from live_trader.lab.cases import Standard
    from live_trader.lab.course import Course
    from live_trader.lab.dealing import Terms
    from live_trader.lab.spans import Length
    from live_trader.lab.training import Plan, quick

    arguments.refuse_unknown("setup", asked["setup"])
    arguments.refuse_unknown("compare_models", asked["compare"])
    course = Course(
        target=asked["target"],
        target_settings=asked["target_set"],
        embargo=asked["embargo"],
        setup=asked["setup"],
        compare=asked["compare"],
    )
    if asked["models"]:
        names = families.FAMILIES if "all" in asked["models"] else asked["models"]
        course = replace(course, families=tuple(dict.fromkeys(map(families.known, names))))
    terms = {name: asked[name] for name in ("spread", "fee") if asked[name] is not None}
    plan = Plan(
        course=course,
        train_span=Length.parse(asked["train_span"]) if asked["train_span"] else None,
        step=Length.parse(asked["step"]) if asked["step"] else None,
        newest=asked["spans"] or None,
        threshold=asked["threshold"],
        keep=asked["keep"],
        placebos=asked["placebos"],
        standard=Standard(terms=Terms(**terms)),
    )
    if not asked["quick"]:
        return plan
    first, *others = course.families
    if others:
        context.say(f"a first look trains {first} only; leave --quick out to train {', '.join(others)} too")
    return quick(plan)


def _tapes(context: Context, tickers: Sequence[Ticker], asked: Mapping[str, Any]) -> list[Tape]:
    """The bars of every ticker, with what a person should know about them said."""
    source = asked["bars"]
    if source == "store":
        from live_trader.edge.server.store.past import past

        folder = Path(context.settings.farm.work_path) / "server"
        return [past(folder, ticker) for ticker in tickers]
    if source == "server":
        return _fetched(context, tickers, asked["count"])
    if len(tickers) > 1 and "{symbol}" not in source:
        raise click.UsageError("One file holds one symbol: write {symbol} where the files' names differ.")
    return [_read(context, ticker, asked) for ticker in tickers]


def _read(context: Context, ticker: Ticker, asked: Mapping[str, Any]) -> Tape:
    from live_trader.edge.tapes import read

    path = Path(asked["bars"].replace("{symbol}", ticker.symbol))
    reading = read(path, ticker, zone=asked["zone"], drop=asked["drop_bad_rows"])
    for sentence in reading.summary:
        context.say(sentence)
    return reading.tape


def _fetched(context: Context, tickers: Sequence[Ticker], count: int) -> list[Tape]:
    from msgspec.structs import replace

    from live_trader.core.bars import Tape
    from live_trader.edge.client import connect

    settings = context.settings
    with connect(settings) as server:
        classic = server.protocol == "classic"
    if classic:  # it keeps one buffer of bars for each id, and the live bot's is not ours to drain
        settings = replace(settings, farm=replace(settings.farm, id="rebalance"))
    with connect(settings) as server:
        tapes = [Tape.of(ticker, server.history(ticker, count)) for ticker in tickers]
    for tape in tapes:
        context.say(f"{tape.ticker}: {len(tape)} bars from the server")
    return tapes


def _trained(context: Context, plan: Plan, tapes: Sequence[Tape], asked: Mapping[str, Any]) -> list[Shelved]:
    import psutil

    from live_trader.edge.shelf import Shelf
    from live_trader.lab.progress import Shown
    from live_trader.lab.stages import Stages
    from live_trader.lab.training import Training, need
    from live_trader.lab.workshop import Workshop, hands

    shelf = Shelf.of(context.settings)
    stages = Stages(Path(context.settings.farm.work_path) / "training")
    stages.sweep()
    allowed = int(asked["memory"] * GIB) if asked["memory"] else psutil.virtual_memory().available // 2
    try:
        at_once = min(hands(allowed, need(plan, tapes)), asked["processes"] or sys.maxsize)
        with Workshop(at_once) as workshop, Shown(sys.stderr) as progress:
            training = Training(plan, workshop, stages, progress)
            return list(training.run(tapes, shelf.folder, datetime.now(UTC)))
    except BadData as fault:
        raise BadData(f"{asked['bars']}: {fault.what}", fault.remedy) from None
