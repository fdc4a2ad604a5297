"""Small bundles for tests: real recipes, bars and served forms, made in milliseconds."""

from __future__ import annotations

import functools
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from live_trader.core.bars import Floats, Tape, Ticker, Window
from live_trader.core.features import Features, Recipe, table
from live_trader.edge.feeds.simulated import Market
from live_trader.experts.bundle import (
    SIDES,
    Draft,
    Learned,
    Period,
    Side,
    Trained,
    Training,
    Verdict,
    write,
)
from live_trader.experts.bundle.manifest import NAME, File, decode, encode, sealed, sha256

AUDUSD = Ticker.parse("AUDUSD M1")
EURUSD = Ticker.parse("EURUSD M1")
CREATED = datetime(2026, 11, 20, 18, 15, tzinfo=UTC)
MODELS = ("LogisticRegression~PC", "DecisionTreeClassifier~PC")
RECIPES: dict[Side, Recipe] = {
    "long": Recipe.of([["bop", []], ["roc", [10]], ["stoch_k", [14]]]),
    "short": Recipe.of([["bop", []], ["mfi", [22]], ["aroonosc", [12]]]),
}


@functools.cache
def tape(ticker: Ticker) -> Tape:
    """Enough simulated bars for both recipes."""
    memory = max(Features(recipe).memory for recipe in RECIPES.values())
    return Tape.of(ticker, list(Market(ticker, 7).history(1_800_000_000, memory + 32)))


def fitted(golden: Floats, seed: int, estimator: Any = None) -> Any:
    """A small pipeline, fitted on the labels that this seed draws."""
    labels = np.random.default_rng(seed).integers(0, 2, len(golden))
    pipeline = make_pipeline(StandardScaler(), estimator or LogisticRegression())
    return pipeline.fit(pd.DataFrame(golden, columns=list("abc")), labels)


@functools.cache
def trained(ticker: Ticker, side: Side, seed: int) -> Trained:
    """One model of one side."""
    rows = golden(ticker, side)
    return Trained.of(fitted(rows, seed), ("a", "b", "c"), rows)


def golden(ticker: Ticker, side: Side) -> Floats:
    """The golden rows of one side."""
    return table(RECIPES[side], tape(ticker))[-16:]


def draft(ticker: Ticker = AUDUSD, *, seed: int = 0, verdict: Any = "deployable", **changes: Any) -> Draft:
    """Two models on each side; another seed is another training."""
    bars = tape(ticker)
    sides = {}
    for rank, side in enumerate(SIDES):
        models = {name: trained(ticker, side, seed * 10 + rank + at) for at, name in enumerate(MODELS)}
        sides[side] = Learned(RECIPES[side], golden(ticker, side), models)
    facts = {
        "ticker": ticker,
        "sides": sides,
        "training": Training(
            spans=(Period("train", CREATED.replace(year=2023), CREATED.replace(year=2026)),),
            data_hash="0a1b",
            seeds={"session_id": 909},
            settings={"step": "3 months"},
        ),
        "verdict": Verdict(
            decision=verdict,
            reasons=() if verdict == "deployable" else ("its Sharpe ratio is -0.3",),
            figures={"trades": 120, "sharpe": 1.5},
        ),
        "window": Window.ending(bars, len(bars), len(bars)),
        "files": {"report.html": b"<html>"},
        "libraries": {"processor": "x86_64", "python": "3.11.7", "scikit-learn": "1.4.2"},
    }
    return Draft(**facts | changes)


def written(folder: Path, **changes: Any) -> Path:
    """Such a bundle on the disk."""
    return write(folder, draft(**changes), CREATED)


def vouch(folder: Path, name: str, content: bytes) -> None:
    """Give a file this content, and have the manifest vouch for it."""
    (folder / name).write_bytes(content)
    manifest = decode((folder / NAME).read_bytes())
    files = {**manifest.files, name: File(len(content), sha256(content))}
    (folder / NAME).write_bytes(encode(sealed(msgspec.structs.replace(manifest, files=files))))
