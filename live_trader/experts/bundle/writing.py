"""Writing a bundle: a draft from the lab becomes an immutable folder on the shelf."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Self

import msgspec
import numpy as np

from live_trader.core.bars import Floats, Ticker, Window
from live_trader.core.features import Features, Recipe
from live_trader.core.strategies.experts import Model as Predictor
from live_trader.errors import BadData
from live_trader.experts.bundle import atomic
from live_trader.experts.bundle.golden import Golden, answers, stretch, test_model
from live_trader.experts.bundle.manifest import (
    BARS,
    FORMAT,
    GOLDEN,
    NAME,
    PIPELINE,
    SERVED,
    SIDES,
    File,
    Manifest,
    Model,
    Side,
    Training,
    Verdict,
    checked_file,
    checked_model,
    encode,
    in_utc,
    libraries,
    plain,
    sealed,
)
from live_trader.experts.bundle.reading import check
from live_trader.experts.served import Heavy, NotServable, Served, prove, reference, serve


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """One fitted model of one side.

    `model` answers in the worker: a Served form, or a Heavy one with the `reason` why it must be.
    `probabilities` are what the pipeline itself gave for the side's golden rows.
    """

    pipeline: bytes
    columns: tuple[str, ...]
    model: Predictor
    probabilities: Floats
    threshold: float = 0.3
    reason: str = ""
    proof: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        pipeline: Any,
        columns: Sequence[str],
        golden: Floats,
        *,
        rows: Floats | None = None,
        threshold: float = 0.3,
        pickle: bytes = b"",
    ) -> Self:
        """A fitted pipeline in its served form where that is proven on these rows, else to be served itself.

        `rows` are those it was trained on, or the golden ones; `pickle` is its file where there is one.
        """
        ask = reference(pipeline, columns)
        proof: dict[str, Any] = {}
        model: Predictor
        try:
            model, reason = serve(pipeline, columns), ""
            proven = prove(model, ask, golden if rows is None else rows, threshold)
            proof = asdict(proven)
            if not proven.holds:
                reason = f"its served form differs by up to {proven.max_difference:.3g}"
        except NotServable as error:
            reason = error.what
        if reason:
            model = Heavy(pipeline, columns)
        return cls(pickle or _pickled(pipeline), tuple(columns), model, ask(golden), threshold, reason, proof)


@dataclass(frozen=True, slots=True, eq=False)
class Learned:
    """One side of a draft: its recipe, some rows of its features, and the models by name, in order."""

    recipe: Recipe
    golden: Floats
    models: Mapping[str, Trained]


@dataclass(frozen=True, slots=True, eq=False)
class Draft:
    """Everything one bot was trained to be, before it is written down.

    `window` is a stretch of real bars, `memory` long, on which a worker proves its indicators; `files` are
    further ones by name, as report.html.
    """

    ticker: Ticker
    sides: Mapping[Side, Learned]
    training: Training
    verdict: Verdict
    window: Window | None = None
    files: Mapping[str, bytes] = field(default_factory=dict)
    libraries: Mapping[str, str] = field(default_factory=libraries)

    @property
    def memory(self) -> int:
        """How many bars the window of this bot must hold."""
        return max(Features(self.sides[side].recipe).memory for side in SIDES)


def write(folder: Path, draft: Draft, created: datetime) -> Path:
    """The draft as a new bundle in the ticker's folder of the shelf; the same is not written twice."""
    _examine(draft)
    with atomic.alone(folder), atomic.incoming(folder) as fresh:
        _fill(fresh, draft)
        manifest = sealed(_manifest(draft, in_utc(created), _files(fresh)))
        for twin in folder.glob(f"*-{manifest.fingerprint[:8]}"):
            if check(twin).fingerprint == manifest.fingerprint:
                return twin
        atomic.write(fresh / NAME, encode(manifest))
        atomic.appear(fresh, folder / manifest.version)
    return folder / manifest.version


def _pickled(pipeline: Any) -> bytes:
    import joblib  # PyCaret's own way: it keeps large arrays small

    content = io.BytesIO()
    joblib.dump(pipeline, content)
    return content.getvalue()


def _examine(draft: Draft) -> None:
    names = [tuple(draft.sides[side].models) for side in SIDES]
    if not names[0] or names[0] != names[1]:
        raise BadData(
            f"the sides of a bundle must have the same models, at least one: {names[0]} and {names[1]}"
        )
    for side in SIDES:
        learned = draft.sides[side]
        if learned.golden.ndim != 2 or not len(learned.golden) or not np.isfinite(learned.golden).all():
            raise BadData(f"the golden rows of {side} must be a table of finite numbers")
        if learned.golden.shape[1] != len(learned.recipe.columns):
            raise BadData(f"the golden rows of {side} are not of its recipe")
        for name, trained in learned.models.items():
            checked_model(name)
            if not 0.0 <= trained.threshold < 1.0:
                raise BadData(f"the threshold {trained.threshold} of {side}/{name} is not in [0, 1)")
            if len(trained.columns) != learned.golden.shape[1]:
                raise BadData(
                    f"{side}/{name} was fitted on {len(trained.columns)} columns, its golden rows not"
                )
    for name in draft.files:
        checked_file(name)


def _fill(fresh: Path, draft: Draft) -> None:
    for name, content in draft.files.items():
        atomic.write(fresh / name, content)
    if draft.window is not None:
        kept = stretch(draft.window, {side: draft.sides[side].recipe for side in SIDES})
        atomic.write(fresh / BARS, msgspec.json.encode(kept))
    for side in SIDES:
        learned = draft.sides[side]
        atomic.write(fresh / side / GOLDEN, msgspec.json.encode(_golden(side, learned)))
        for name, trained in learned.models.items():
            atomic.write(fresh / side / name / PIPELINE, trained.pipeline)
            if isinstance(trained.model, Served):
                atomic.write(fresh / side / name / SERVED, trained.model.to_bytes())


def _golden(side: Side, learned: Learned) -> Golden:
    given = {name: answers(each.model, learned.golden) for name, each in learned.models.items()}
    golden = Golden(
        tuple(map(tuple, learned.golden.tolist())),
        {name: tuple(map(float, each.probabilities)) for name, each in learned.models.items()},
        {name: tuple(each.tolist()) for name, each in given.items()},
    )
    for name, each in learned.models.items():
        test_model(side, name, each.model, golden)
    return golden


def _files(fresh: Path) -> dict[str, File]:
    found = sorted(path for path in fresh.rglob("*") if path.is_file())
    return {path.relative_to(fresh).as_posix(): _vouch(path) for path in found}


def _vouch(path: Path) -> File:
    path.chmod(0o600)
    with path.open("rb+") as file:
        os.fsync(file.fileno())
        return File(path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest())


def _manifest(draft: Draft, created: datetime, files: dict[str, File]) -> Manifest:
    return Manifest(
        format=FORMAT,
        symbol=draft.ticker.symbol,
        timeframe=draft.ticker.timeframe.name,
        version="",
        created=created,
        memory=draft.memory,
        recipes={side: draft.sides[side].recipe.plain for side in SIDES},
        models={
            side: {name: _model(each) for name, each in draft.sides[side].models.items()} for side in SIDES
        },
        training=msgspec.convert(plain(draft.training), Training),
        libraries=dict(draft.libraries),
        verdict=msgspec.convert(plain(draft.verdict), Verdict),
        files=files,
    )


def _model(trained: Trained) -> Model:
    return Model(
        threshold=float(trained.threshold),
        columns=trained.columns,
        served=isinstance(trained.model, Served),
        reason=trained.reason,
        proof=plain(trained.proof),
    )
