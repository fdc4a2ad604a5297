"""Real bundles for many tickers in seconds: one pair of experts, trained once, shelved under every name."""

from __future__ import annotations

import pickle
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from live_trader.core.bars import Tape, Ticker, Timeframe, Window, moment
from live_trader.core.features import Recipe, classic, table
from live_trader.edge.feeds.simulated import Market
from live_trader.edge.shelf import Shelf
from live_trader.edge.tapes import write
from live_trader.experts.bundle import Draft, Learned, Period, Trained, Training, Verdict
from live_trader.experts.served import reference, serve

_BARS = 3000
_GOLDEN = 16
NAME = "LGBMClassifier~PC"


@dataclass(frozen=True, slots=True)
class Experts:
    """What the estate's bundles are made of."""

    sides: dict[Any, Learned]
    window: Window


def pipeline(seed: int, trees: int) -> Any:
    """An unfitted pipeline of the steps the original's setup makes, with LightGBM at its end."""
    from lightgbm import LGBMClassifier
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import QuantileTransformer, StandardScaler

    return Pipeline(
        [
            ("normalize", StandardScaler()),
            ("transformation", QuantileTransformer(output_distribution="normal", random_state=seed)),
            (
                "model",
                LGBMClassifier(
                    n_estimators=trees,
                    num_leaves=31,
                    random_state=seed,
                    n_jobs=1,
                    verbose=-1,
                    deterministic=True,
                ),
            ),
        ]
    )


def experts(seed: int = 1, trees: int = 100, timeframe: Timeframe = Timeframe.S5) -> Experts:
    """Both sides, trained on a simulated market to know its swings."""
    ticker = Ticker("SEED", timeframe)
    tape = Tape.of(ticker, list(Market(ticker, seed).history(1_760_000_000, _BARS)))
    recipe = classic()
    rows = table(recipe, tape)
    known = ~np.isnan(rows).any(axis=1)
    ahead = np.concatenate([np.diff(tape.close), [0.0]])
    sides = {
        "long": _learned(recipe, rows[known], (ahead > 0)[known], seed, trees),
        "short": _learned(recipe, rows[known], (ahead < 0)[known], seed + 1, trees),
    }
    length = int(np.argmax(known)) + 1
    return Experts(sides, Window.ending(tape, length, len(tape)))


def _learned(recipe: Recipe, rows: Any, labels: Any, seed: int, trees: int) -> Learned:
    import pandas as pd

    fitted = pipeline(seed, trees).fit(pd.DataFrame(rows, columns=list(recipe.columns)), labels.astype(int))
    golden = rows[:: max(1, len(rows) // _GOLDEN)][:_GOLDEN]
    trained = Trained(
        pickle.dumps(fitted),
        recipe.columns,
        serve(fitted, recipe.columns),
        reference(fitted, recipe.columns)(golden),
        0.4,
    )
    return Learned(recipe, golden, {NAME: trained})


def shelve(shelf: Shelf, ticker: Ticker, made: Experts, seed: int = 1) -> Path:
    """Put a bundle of these experts on the shelf; another seed is another version."""
    training = Training(
        spans=(Period("train", moment(0), moment(60)),),
        data_hash="simulated",
        seeds={"all": seed},
        settings={},
    )
    return shelf.save(Draft(ticker, made.sides, training, Verdict(decision="unjudged")), datetime.now(UTC))


def plant(work: Path, models: Path, tickers: Iterable[Ticker], made: Experts, seed: int = 1) -> None:
    """Shelve and deploy the experts for each of these tickers."""
    shelf = Shelf(models, work)
    for ticker in tickers:
        shelf.deploy(ticker, shelve(shelf, ticker, made, seed).name, force=True, at=datetime.now(UTC))


def stock(work: Path, tickers: Iterable[Ticker], count: int = 700, seed: int = 20) -> None:
    """Write the history a simulated market begins with, up to now, for each of these tickers."""
    for ticker in tickers:
        path = work / "demo" / f"{ticker.symbol}_{ticker.timeframe.name}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path, Tape.of(ticker, list(Market(ticker, seed).history(int(time.time()), count))))
