"""From a bar's JSON to a signal's: the naive worker and ours, the same bars, the same trained models.

And for every family of model: its pipeline asked for one row, and its served form, held against each other.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import pickle
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from live_trader.core.bars import Bar, Floats, Tape, Ticker, Timeframe, Window
from live_trader.core.bots import Bot, decide
from live_trader.core.features import Recipe, classic, table
from live_trader.core.signals import Coefficients
from live_trader.core.strategies.experts import Expert, Experts, Judge
from live_trader.core.targets import horizon_return
from live_trader.edge.feeds.simulated import Market
from live_trader.edge.wire import encode, v1
from live_trader.errors import BadData
from live_trader.experts.served import prove, reference, serve
from live_trader.lab.families import FAMILIES, fit

ROOT = Path(__file__).resolve().parent.parent
NAME = "LGBMClassifier~PC"
THRESHOLD = 0.3
TICKER = Ticker("BENCH", Timeframe.M1)
END = 1_760_000_040
TRAINED, FAMILY_ROWS, ASKED = 3000, 1200, 20
WINDOW = 300
SPANS = {"long": 20, "short": 50}


@dataclass(frozen=True, slots=True)
class Side:
    """One side of the bot: what it reads, and the pipeline PyCaret made of it."""

    recipe: Recipe
    lengths: Mapping[str, tuple[int, ...]]
    rows: Floats
    labels: Any
    pipeline: Any


def lengths(span: int) -> dict[str, tuple[int, ...]]:
    """The same length for all of the 28 features that have one."""
    plain = classic().plain
    return {name: (span, 3) if len(each) == 2 else (span,) for name, each, *_ in plain if each}


def side(tape: Tape, name: str) -> Side:
    """This side, trained on the beginning of the tape as the original trains it."""
    chosen = lengths(SPANS[name])
    recipe = classic(chosen)
    rows, labels = table(recipe, tape), horizon_return().label(tape)[name]
    known = np.flatnonzero(~np.isnan(rows).any(axis=1))[:TRAINED]
    return Side(
        recipe, chosen, rows[known], labels[known], trained("lightgbm", recipe, rows[known], labels[known])
    )


def more() -> dict[str, Any]:
    """Families that PyCaret does not compare, or not with a loss that gives probabilities."""
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.linear_model import SGDClassifier

    return {
        "hgb": HistGradientBoostingClassifier(random_state=909),
        "mlp": "mlp",
        "sgd": SGDClassifier(loss="log_loss", random_state=909),
    }


def trained(family: Any, recipe: Recipe, rows: Floats, labels: Any) -> Any:
    """The pipeline PyCaret makes of these rows with the original's settings."""
    return fit(family, recipe.columns, rows, labels, apart=12, compare={"cross_validation": False}).pipeline


def ours(sides: Mapping[str, Side], tape: Tape, start: int) -> tuple[Window, Bot]:
    """The bot as a worker has it: served models, and the window before the first bar to come."""
    experts = {
        name: Expert(each.recipe, {NAME: Judge(serve(each.pipeline, each.recipe.columns), THRESHOLD)})
        for name, each in sides.items()
    }
    strategy = Experts(experts["long"], experts["short"], Coefficients({NAME: 1.0}, {}))
    return Window.ending(tape, strategy.memory, start), Bot("bench", TICKER, strategy, "1")


def run_ours(window: Window, bot: Bot, bodies: Iterable[bytes]) -> tuple[list[float], list[bytes]]:
    """Microseconds from a body got to the body to post, for each bar, and those bodies.

    What the worker does after it has sent its answer is not counted here either.
    """
    took, answers = [], []
    strategy: Any = bot.strategy
    for body in bodies:
        begun = time.perf_counter_ns()
        for bar in v1.bars(body).bars:
            window = window.push(bar)
            answer = encode([v1.spell_signal(decide(bot, window))])
        took.append((time.perf_counter_ns() - begun) / 1000)
        answers.append(answer)
        strategy.prepare(window)
    return took, answers


def run_naive(
    sides: Mapping[str, Side], tape: Tape, start: int, bodies: Sequence[bytes]
) -> tuple[list[float], list[str], list[dict[str, float]]]:
    """The same for the naive worker, in milliseconds, and what it thought; its first answer is not timed."""
    import pandas as pd

    past = pd.DataFrame([_spelt(tape.bar(place)) for place in range(start - WINDOW, start)])
    job = {
        "bars": past.set_index("time"),
        "sides": {name: (each.pipeline, each.lengths) for name, each in sides.items()},
        "threshold": THRESHOLD,
        "bodies": bodies,
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "job.pickle")
        path.write_bytes(pickle.dumps(job))
        command = [sys.executable, "-m", "benchmarks.naive", str(path)]
        subprocess.run(command, check=True, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)})
        took, answers, chances = json.loads(path.with_suffix(".json").read_text())
    return took[1:], answers, chances


def _spelt(bar: Bar) -> dict[str, Any]:
    return {
        "time": bar.opened,
        **{each: getattr(bar, each) for each in ("open", "high", "low", "close", "volume")},
    }


def compared(
    naive: Iterable[str], chances: Iterable[Mapping[str, float]], our: Iterable[bytes]
) -> dict[str, Any]:
    """How many bars got another value from one worker than from the other, and how far apart they thought.

    PyCaret rounds what it thinks to four places, and reads features in single precision.
    """
    triples = list(zip(map(json.loads, naive), chances, (json.loads(each)[0] for each in our), strict=False))
    values = [answer["models"][NAME] for _, _, answer in triples]
    apart = [
        abs(chance[name] - answer["probabilities"][NAME][name])
        for _, chance, answer in triples
        for name in SPANS
    ]
    return {
        "mismatches": sum(told["probas"][NAME] != answer["models"][NAME] for told, _, answer in triples),
        "compared": len(triples),
        "compared_not_neutral": sum(value != 0.5 for value in values),
        "probability_difference": round(max(apart), 6),
    }


def families(
    recipe: Recipe, rows: Floats, labels: Any, named: Iterable[str]
) -> tuple[dict[str, Any], dict[str, str]]:
    """The figures of every family that can be served, and why the others cannot."""
    figures, refused = {}, {}
    others = more()
    for family in named:
        try:
            pipeline = trained(others.get(family, family), recipe, rows, labels)
            served = serve(pipeline, recipe.columns)
        except BadData as error:
            refused[family] = error.what
            continue
        ask = reference(pipeline, recipe.columns)
        proof = prove(served, ask, rows, THRESHOLD)
        figures[family] = {
            "pipeline_us": round(_median_us(lambda row: ask(row[None, :]), rows[:ASKED]), 1),  # noqa: B023
            "served_us": round(_median_us(served.probability, rows), 1),
            "max_difference": proof.max_difference,
            "flips": proof.flips,
            "rows": proof.rows,
        }
    return figures, refused


def _median_us(asked: Callable[[Floats], Any], rows: Floats) -> float:
    took = []
    for row in rows:
        begun = time.perf_counter_ns()
        asked(row)
        took.append((time.perf_counter_ns() - begun) / 1000)
    return statistics.median(took)


def measure(bars: int, naive_bars: int, named: Iterable[str]) -> dict[str, Any]:
    """Train, run both, compare."""
    start = TRAINED + 600
    tape = Tape.of(TICKER, list(Market(TICKER, 7).history(END, start + bars)))
    sides = {name: side(tape, name) for name in SPANS}
    bodies = [v1.spell_bars(TICKER, [tape.bar(place)], 1, 0) for place in range(start, start + bars)]
    window, bot = ours(sides, tape, start)
    run_ours(window, bot, bodies[:200])
    took, answers = run_ours(*ours(sides, tape, start), bodies)
    naive_took, naive_answers, chances = run_naive(sides, tape, start, bodies[: naive_bars + 1])
    long = sides["long"]
    figures, refused = families(long.recipe, long.rows[:FAMILY_ROWS], long.labels[:FAMILY_ROWS], named)
    naive_ms, ours_us = statistics.median(naive_took), statistics.median(took)
    return {
        "naive_ms_p50": round(naive_ms, 1),
        "ours_us_p50": round(ours_us, 1),
        "ours_us_p99": round(float(np.percentile(took, 99)), 1),
        "ratio": round(1000 * naive_ms / ours_us),
        **compared(naive_answers, chances, answers),
        "bars": len(took),
        "families": figures,
        "refused": refused,
    }


def main(arguments: list[str] | None = None) -> int:
    """Print a table, or one JSON object; 1 where both ways did not give the same answers."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bar_to_signal", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    parser.add_argument("--bars", type=int, default=3000, help="bars that our worker answers")
    parser.add_argument("--naive-bars", type=int, default=25, help="bars that the naive worker answers too")
    parser.add_argument(
        "--families", nargs="*", default=[*FAMILIES, *more()], help="families to measure, all by default"
    )
    options = parser.parse_args(arguments)
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):  # PyCaret logs where it stands
        os.environ["PYCARET_CUSTOM_LOGGING_PATH"] = os.devnull
        figures = measure(options.bars, options.naive_bars, options.families)
    alike = not figures["mismatches"] and not any(each["flips"] for each in figures["families"].values())
    if options.json:
        print(json.dumps(figures))
        return 0 if alike else 1
    for name, value in figures.items():
        if not isinstance(value, dict):
            print(f"{name:22} {value}")
    print(
        f"\n{'family':10} {'pipeline us':>12} {'served us':>10} {'difference':>11} {'flips':>6} {'rows':>8}"
    )
    for name, each in figures["families"].items():
        numbers = f"{each['pipeline_us']:12} {each['served_us']:10} {each['max_difference']:11.1e}"
        print(f"{name:10} {numbers} {each['flips']:6} {each['rows']:8}")
    for name, reason in figures["refused"].items():
        print(f"{name:10} {reason}")
    return 0 if alike else 1


if __name__ == "__main__":
    sys.exit(main())
