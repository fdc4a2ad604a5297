"""Does the judge refuse noise and find what is there? Random walks beside markets with a planted structure.

Every ticker goes the way of a real training: targets, recipe search, a walk over three spans, two placebos
that are trained again, the judge. Only the models are fitted by a small LightGBM directly, where a real
training has PyCaret compare families: a hundred times faster, and the judge does not look at how it was done.

Noise is a random walk with bursts of unrest and fat tails. A planted market is the same walk with a second
part on top that is drawn back to its mean within some bars; to trade it brings about twice what it costs. The
random walks are judged a second time at no cost at all, which is harder: costs alone refuse most noise.

    python -m benchmarks.judge [--noise 150] [--planted 100] [--processes 2] [--json]
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np

from live_trader.core.accuracy import wilson
from live_trader.core.bars import Floats, Tape, Ticker, Timeframe
from live_trader.lab import placebo
from live_trader.lab.cases import Standard
from live_trader.lab.course import Course
from live_trader.lab.dealing import Terms
from live_trader.lab.evidence import SIDES, Evidence, Fitted, Labels
from live_trader.lab.judge import judge
from live_trader.lab.plan import Plan
from live_trader.lab.spans import Length
from live_trader.lab.walk import walk
from live_trader.lab.waves import here

BARS = 7000
UNREST = 0.0007
PLANTED = 0.0012
RETURN = 0.4
COSTLY, FREE = Standard(), Standard(terms=Terms(0.0, 0.0))


@dataclass(frozen=True, slots=True)
class Light(Course):
    """The course of a real training, its models fitted by LightGBM alone."""

    families: tuple[str, ...] = ("lightgbm",)
    indicators: tuple[str, ...] = ("bop", "midpoint", "midprice", "mom", "stoch_k", "aroonosc", "mfi", "ind6")

    def fit(self, family: str, columns: tuple[str, ...], rows: Floats, labels: Labels) -> Fitted:
        """A small LightGBM on these rows alone."""
        from lightgbm import LGBMClassifier

        model = LGBMClassifier(
            n_estimators=40, num_leaves=8, learning_rate=0.1, class_weight="balanced", n_jobs=1, verbose=-1
        ).fit(rows, labels)
        weights = model.feature_importances_ / max(model.feature_importances_.sum(), 1)
        importance = dict(zip(columns, weights.tolist(), strict=True))
        return Fitted(
            "LGBMClassifier~PC",
            lambda asked: np.asarray(model.predict_proba(asked))[:, 1],
            0.0,
            importance,
            model,
        )


def market(seed: int, planted: bool) -> Tape:
    """A random walk with unrest that comes in bursts, and on demand a part that returns to its mean."""
    random = np.random.default_rng((seed, planted))
    unrest = UNREST * np.exp(_fading(random.normal(0.0, 0.12, BARS), 0.97))
    path = np.cumsum(unrest * random.standard_t(5, BARS) / np.sqrt(5 / 3))
    if planted:
        path += _fading(random.normal(0.0, PLANTED * np.sqrt(1 - (1 - RETURN) ** 2), BARS), 1 - RETURN)
    close = 1.1 * np.exp(path)
    opened = np.concatenate((close[:1], close[:-1]))
    reach = np.abs(random.normal(0.0, 0.5, (2, BARS))) * unrest
    high, low = np.maximum(opened, close) * (1 + reach[0]), np.minimum(opened, close) * (1 - reach[1])
    ticker = Ticker(f"{'PLANTED' if planted else 'NOISE'}{seed}", Timeframe.M5)
    times = 1_600_000_200 + 300 * np.arange(BARS, dtype=np.int64)
    return Tape(ticker, times, opened, high, low, close, random.integers(1, 999, BARS).astype(np.float64))


def _fading(steps: Floats, kept: float) -> Floats:
    """A level that keeps this share of itself from bar to bar."""
    level, out = 0.0, np.empty(len(steps))
    for at, step in enumerate(steps.tolist()):
        level = kept * level + step
        out[at] = level
    return out


def deployable(seed: int, planted: bool) -> tuple[bool, bool]:
    """Whether a whole training on this market is found worth deploying, with costs and without any."""
    tape, course = market(seed, planted), Light()
    plan = Plan(course=course, train_span=Length(3000, "B"), step=Length(1500, "B"))
    spans, labels = plan.spans(tape), course.label(tape)
    walked = here(walk(course, tape, spans, labels))
    names = tuple(walked.probabilities["long"])
    evidence = Evidence(
        tape=tape,
        spans=spans,
        labels=labels,
        probabilities=walked.probabilities,
        thresholds={side: dict.fromkeys(names, plan.threshold) for side in SIDES},
        lessons=walked.lessons,
        trials=1,
        steps=course,
    )
    shams = {
        name: here(walk(course, tape, spans, each)).probabilities
        for name, each in placebo.meaningless(labels, plan.placebos, seed).items()
    }
    with_costs, without = (judge(evidence, shams, each).verdict.decision for each in (COSTLY, FREE))
    return with_costs == "deployable", without == "deployable"


def counted(name: str, answers: list[bool]) -> str:
    """A count as a sentence, with the interval of 95 %."""
    low, high = wilson(sum(answers), len(answers))
    return f"{name}: {sum(answers)} of {len(answers)} found deployable ({low:.1%} to {high:.1%})"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--noise", type=int, default=150, help="random walks to judge")
    parser.add_argument("--planted", type=int, default=100, help="markets with a planted structure to judge")
    parser.add_argument("--processes", type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    began = time.perf_counter()
    with ProcessPoolExecutor(asked.processes) as pool:
        noise = list(pool.map(partial(deployable, planted=False), range(asked.noise)))
        planted = list(pool.map(partial(deployable, planted=True), range(asked.planted)))
    false, free, found = ([each[at] for each in kind] for kind, at in ((noise, 0), (noise, 1), (planted, 0)))
    took = time.perf_counter() - began
    if asked.json:
        facts = {
            "noise_tickers": len(noise),
            "planted_tickers": len(planted),
            "false_deploy_rate": sum(false) / max(len(false), 1),
            "false_deploy_interval": wilson(sum(false), len(false)),
            "false_deploy_rate_without_costs": sum(free) / max(len(free), 1),
            "false_deploy_interval_without_costs": wilson(sum(free), len(free)),
            "found_rate": sum(found) / max(len(found), 1),
            "found_interval": wilson(sum(found), len(found)),
            "seconds": round(took, 1),
        }
        print(json.dumps(facts))
    else:
        print(counted("random walks", false))
        print(counted("random walks, dealt at no cost", free))
        print(counted("planted markets", found))
        print(f"{took:.0f} s")
    return 0 if sum(false) <= 0.05 * len(false) and sum(found) >= 0.95 * len(found) else 1


if __name__ == "__main__":
    sys.exit(main())
