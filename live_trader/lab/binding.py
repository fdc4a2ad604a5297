"""The last stages of training: the newest models are taken apart and proven, then bound into one bundle."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from live_trader.core.bars import Floats, Tape, Window
from live_trader.core.features import Features, Recipe, table
from live_trader.experts.bundle import Draft, Learned, Trained, Training, Verdict, write
from live_trader.experts.served import Heavy, Served
from live_trader.lab.evidence import SIDES, Side
from live_trader.lab.stages import key
from live_trader.lab.waves import Stage, Waves
from live_trader.lab.workshop import Job

GOLDEN = 64
PROVEN = 2000
"""How many rows are kept in the bundle, and how many its served models are proven on."""


class Proven(msgspec.Struct, frozen=True):
    """The served form of a model, or why there is none, with what its pipeline gave for the golden rows."""

    served: bytes
    reason: str
    probabilities: bytes
    proof: dict[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class Lot:
    """One side's models as training leaves them: pickled pipelines by name, and newest rows of features."""

    recipe: Recipe
    rows: Floats
    pipelines: Mapping[str, bytes]
    thresholds: Mapping[str, float]

    @property
    def golden(self) -> Floats:
        """Some of the rows, evenly spread."""
        picked = np.linspace(0, len(self.rows) - 1, min(GOLDEN, len(self.rows)))
        return self.rows[picked.astype(np.intp)]

    def proof(self, name: str, said: str) -> Stage:
        """Take one of the models apart and hold its served form against it."""
        raw, columns, threshold = self.pipelines[name], self.recipe.columns, self.thresholds[name]
        job = Job(said, prove, (raw, columns, self.golden, self.rows, threshold))
        return Stage(job, key("prove", raw, columns, self.rows, threshold), Proven)

    def learned(self, found: Mapping[str, Proven]) -> Learned:
        """The side of a draft that these models are, with what was found about each."""
        models = {name: self._trained(name, found[name]) for name in self.pipelines}
        return Learned(self.recipe, self.golden, models)

    def _trained(self, name: str, found: Proven) -> Trained:
        raw, columns = self.pipelines[name], self.recipe.columns
        return Trained(
            pipeline=raw,
            columns=columns,
            model=Served.from_bytes(found.served) if found.served else Heavy(_opened(raw), columns),
            probabilities=np.frombuffer(found.probabilities, dtype=np.float64),
            threshold=self.thresholds[name],
            reason=found.reason,
            proof=found.proof,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Binding:
    """What goes into a bundle; the newest bars are kept in it, for workers to prove their indicators on."""

    newest: Tape
    lots: Mapping[Side, Lot]
    training: Training
    verdict: Verdict
    files: Mapping[str, bytes]


def lot(tape: Tape, recipe: Recipe, pipelines: Mapping[str, bytes], thresholds: Mapping[str, float]) -> Lot:
    """These models with the rows that their recipe makes of the newest bars."""
    needed = Features(recipe).memory + PROVEN
    rows = table(recipe, tape.cut(max(0, len(tape) - needed), len(tape)))
    return Lot(recipe, rows[np.isfinite(rows).all(axis=1)], pipelines, thresholds)


def bound(binding: Binding, folder: Path, created: datetime) -> Waves[Path]:
    """The bundle of these models, in the ticker's folder of the shelf."""
    ticker, lots = binding.newest.ticker, binding.lots
    asked = [(side, name) for side in SIDES for name in lots[side].pipelines]
    outcomes = yield [lots[side].proof(name, f"{ticker}: proof of {name} {side}") for side, name in asked]
    found: dict[Side, dict[str, Proven]] = {side: {} for side in SIDES}
    for (side, name), outcome in zip(asked, outcomes, strict=True):
        found[side][name] = outcome.given
    (written,) = yield [Stage(Job(f"{ticker}: bundle", bind, (binding, found, folder, created)))]
    path: Path = written.given
    return path


def prove(raw: bytes, columns: tuple[str, ...], golden: Floats, rows: Floats, threshold: float) -> Proven:
    """The served form of a pickled pipeline; runs where PyCaret can be imported."""
    trained = Trained.of(_opened(raw), columns, golden, rows=rows, threshold=threshold, pickle=raw)
    served = trained.model.to_bytes() if isinstance(trained.model, Served) else b""
    return Proven(served, trained.reason, trained.probabilities.tobytes(), dict(trained.proof))


def bind(
    binding: Binding, found: Mapping[Side, Mapping[str, Proven]], folder: Path, created: datetime
) -> Path:
    """Write the bundle."""
    lots, newest = binding.lots, binding.newest
    memory = max(Features(lots[side].recipe).memory for side in SIDES)
    draft = Draft(
        ticker=newest.ticker,
        sides={side: lots[side].learned(found[side]) for side in SIDES},
        training=binding.training,
        verdict=binding.verdict,
        window=Window.ending(newest, memory, len(newest)),
        files=binding.files,
    )
    return write(folder, draft, created)


def _opened(raw: bytes) -> Any:
    return pickle.loads(raw)  # noqa: S301 - we have just pickled it ourselves
