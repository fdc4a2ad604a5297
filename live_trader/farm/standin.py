"""A bundle whose model is nobody's, for rehearsing and for measuring where no trained one is at hand."""

from __future__ import annotations

import random
from collections.abc import Iterator

import numpy as np

from live_trader.core.bars import Ticker, moment
from live_trader.core.features import classic
from live_trader.experts.bundle import Draft, Learned, Period, Trained, Training, Verdict
from live_trader.experts.bundle.golden import answers
from live_trader.experts.served import Served
from live_trader.experts.served.form import Form
from live_trader.experts.served.layers import Column, Columns
from live_trader.experts.served.stages import Scale
from live_trader.experts.served.trees import Link, forest
from live_trader.experts.served.walks import LEAF

_ROWS = 16
_MODEL = "StandIn"


def standin(ticker: Ticker, trees: int, leaves: int) -> Draft:
    """On both sides the usual features, a scaling, and so many trees of so many leaves, grown by lot."""
    recipe = classic()
    width = len(recipe.columns)
    columns = Columns([Column(each, [Scale(0.5, 2.0)]) for each in range(width)])
    chance = random.Random(trees * leaves)  # noqa: S311 - a stand-in, not a secret
    nodes = [node for _ in range(trees) for node in _grown(chance, width, leaves)]
    asked, numbers = (np.array(each) for each in zip(*nodes, strict=True))
    wood = forest(asked, numbers, columns, Link("logistic"))
    served = Served(Form(_MODEL, recipe.columns, (1e9,) * width, [columns], wood))
    golden = np.linspace(0.0, 1.0, _ROWS * width).reshape(_ROWS, width)
    learned = Learned(recipe, golden, {_MODEL: Trained(b"", recipe.columns, served, answers(served, golden))})
    span = Period("train", moment(0), moment(60))
    training = Training(spans=(span,), data_hash="none", seeds={}, settings={})
    verdict = Verdict(decision="unjudged")
    return Draft(ticker, {"long": learned, "short": learned}, training, verdict, libraries={})


def _grown(chance: random.Random, width: int, leaves: int) -> Iterator[tuple[int, float]]:
    """A tree node after node: each question, all of its left side, all of its right side."""
    if leaves == 1:
        yield LEAF, chance.uniform(-0.05, 0.05)
        return
    left = chance.randint(1, leaves - 1)
    yield chance.randrange(width), chance.gauss(0.0, 1.0)
    yield from _grown(chance, width, left)
    yield from _grown(chance, width, leaves - left)
