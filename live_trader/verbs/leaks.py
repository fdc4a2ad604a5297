"""The verb that looks for the future where it must not be: in indicators, in training, and in a zoo."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from live_trader.verbs import Context, common

if TYPE_CHECKING:
    from live_trader.core.bars import Tape, Ticker
    from live_trader.core.indicators import Indicator
    from live_trader.lab.leaks import Leak

SIMULATED = 9000
UNTIL = 1_760_000_400
AFTER = 1500
"""So many bars are examined, after those an indicator looks back."""


@click.command(epilog="Example: instant-trader leaks --indicators rsi,macd --bars AUDUSD.csv --timeframe H1")
@click.option("--indicators", default="all", show_default=True, help="Names of indicators, or: all, none.")
@click.option("--target", default="extremes", show_default=True, help="The target of a training to examine.")
@click.option("--bars", type=click.Path(path_type=Path), help="A file of bars; else a simulated market.")
@click.option("--symbol", default="EURUSD", show_default=True, help="The symbol of the bars.")
@click.option("--timeframe", default="M5", show_default=True, help="The timeframe of the bars.")
@click.option("--zoo", is_flag=True, help="Prove the check: show it every leak of the zoo.")
@common
def leaks(
    context: Context, indicators: str, target: str, bars: Path | None, symbol: str, timeframe: str, zoo: bool
) -> int:
    """Cut the future off, alter it, lengthen the past: does any feature, label or recipe change?

    Exits with 6 when something leaks, or when a leak of the zoo gets away.
    """
    from live_trader.core.bars import Ticker, Timeframe
    from live_trader.core.indicators import REGISTRY, find
    from live_trader.lab.course import Course
    from live_trader.lab.leaks import examine
    from live_trader.lab.progress import Shown

    named = [] if indicators == "none" else list(REGISTRY) if indicators == "all" else indicators.split(",")
    tape = _tape(bars, Ticker(symbol, Timeframe.parse(timeframe)))
    found: list[Leak] = []
    with Shown(sys.stderr) as shown:
        shown.expect(len(named) + 1)
        for name in named:
            found += _examined(find(name.strip()), tape)
            shown.done(name)
        found += examine(Course(target=target), tape)
        shown.done("the steps of a training")
    lines = [str(leak) for leak in found]
    facts: dict[str, object] = {"indicators": len(named), "leaks": lines.copy()}
    lines += [f"{len(named)} indicators and the steps of a training examined: {len(found)} leaks"]
    missed: list[str] = []
    if zoo:
        caught, alarms = _visited(tape)
        missed = [name for name, seen in caught.items() if not seen]
        facts |= {"zoo": len(caught), "caught": len(caught) - len(missed), "false_alarms": alarms}
        lines += [f"missed in the zoo: {name}" for name in missed]
        lines += [
            f"{len(caught) - len(missed)} of {len(caught)} leaks of the zoo found; {alarms} false alarms"
        ]
    context.result(facts, "\n".join(lines))
    return 6 if found or missed else 0


def _tape(path: Path | None, ticker: Ticker) -> Tape:
    from live_trader.core.bars import Tape
    from live_trader.edge.feeds.simulated import Market
    from live_trader.edge.tapes import read

    if path is not None:
        return read(path, ticker).tape
    return Tape.of(ticker, list(Market(ticker, 1).history(UNTIL, SIMULATED)))


def _examined(indicator: Indicator, tape: Tape) -> list[Leak]:
    """What an indicator with its usual lengths lets through."""
    from live_trader.core.features import STRIDE, Recipe, Step, table
    from live_trader.lab.leaks import features

    lengths = tuple(length.default for length in indicator.lengths)
    outputs = indicator.outputs if len(indicator.outputs) > 1 else ("",)
    recipe = Recipe(tuple(Step(indicator.name, lengths, output) for output in outputs))
    memory = recipe.memory + STRIDE
    newest = tape.cut(max(0, len(tape) - memory - AFTER), len(tape))
    return features(partial(table, recipe), newest, recipe.columns, memory)


def _visited(tape: Tape) -> tuple[dict[str, bool], int]:
    """Which exhibits of the zoo were caught, and how many alarms an honest training raised."""
    from live_trader.lab import zoo

    newest = tape.cut(max(0, len(tape) - AFTER), len(tape))
    return {name: bool(found) for name, found in zoo.visit(newest)}, len(zoo.clean(newest))
