"""The recipe search beside the plain one, on the same bars in one run: equal choices, and how much faster.

The plain search does what one would write first: for each side, indicator and lengths, compute the indicator
and ask scipy for Spearman's correlation with the target.

    python benchmarks/search.py [--bars 18000] [--json]
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Mapping
from itertools import product

import numpy as np
from scipy.stats import spearmanr

from live_trader.core import targets
from live_trader.core.bars import Tape, Ticker, Timeframe
from live_trader.core.features import Recipe, Step
from live_trader.core.indicators import CLASSIC, Columns
from live_trader.lab import search
from live_trader.lab.evidence import SIDES, Labels, Side
from live_trader.lab.spans import Span


def plain(tape: Tape, span: Span, labels: Mapping[Side, Labels]) -> Mapping[Side, Recipe]:
    """The choices by trying everything anew, one thing after the other."""
    columns = Columns.of(tape.cut(0, span.stop))
    return {side: _plain_side(columns, span, labels[side][span.start : span.stop]) for side in SIDES}


def _plain_side(columns: Columns, span: Span, target: Labels) -> Recipe:
    steps = []
    for indicator in CLASSIC:
        options = list(product(*(length.search for length in indicator.lengths)))
        found = []
        for lengths in options:
            values = np.nan_to_num(
                indicator.batch(columns, *lengths)[0][span.start :], posinf=0.0, neginf=0.0
            )
            constant = values.min() == values.max()
            found.append(0.0 if constant else float(spearmanr(values, target)[0]))
        steps.append(Step(indicator.name, options[search.first_best(found)]))
    return Recipe(tuple(steps))


def market(bars: int, seed: int) -> Tape:
    """A random walk with a spread of highs and lows and with volume."""
    random = np.random.default_rng(seed)
    close = 1.1 * np.exp(np.cumsum(random.normal(0.0, 0.001, bars)))
    open = np.concatenate(([1.1], close[:-1]))
    high = np.maximum(open, close) * np.exp(np.abs(random.normal(0.0, 0.0004, bars)))
    low = np.minimum(open, close) * np.exp(-np.abs(random.normal(0.0, 0.0004, bars)))
    volume = random.integers(1, 5000, bars).astype(np.float64)
    times = 1_500_000_000 // 3600 * 3600 + 3600 * np.arange(bars, dtype=np.int64)
    return Tape(Ticker("WALK", Timeframe.H1), times, open, high, low, close, volume)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bars", type=int, default=18_000, help="bars of the training span")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    warm_up = search.memory()
    tape = market(warm_up + asked.bars + 24, asked.seed)
    span = Span(0, warm_up, warm_up + asked.bars, len(tape), len(tape))
    labels = targets.extremes().label(tape)
    threads = min(2, os.cpu_count() or 1)

    search.search(tape, span, labels, threads=threads)  # both sides find their code and data in memory
    began = time.perf_counter()
    ours = search.search(tape, span, labels, threads=threads)
    fast = time.perf_counter() - began
    began = time.perf_counter()
    theirs = plain(tape, span, labels)
    slow = time.perf_counter() - began

    equal = all(search.recipe(ours[side]) == theirs[side] for side in SIDES)
    tried = sum(len(list(product(*(length.search for length in each.lengths)))) for each in CLASSIC)
    facts = {
        "bars": asked.bars,
        "lengths_tried": tried,
        "threads": threads,
        "plain_s": round(slow, 3),
        "search_s": round(fast, 3),
        "times_faster": round(slow / fast, 1),
        "equal_choices": equal,
    }
    print(
        json.dumps(facts)
        if asked.json
        else "\n".join(f"{name:>14}  {value}" for name, value in facts.items())
    )
    raise SystemExit(0 if equal else 1)


if __name__ == "__main__":
    main()
