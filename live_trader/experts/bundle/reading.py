"""Reading a bundle: nothing in it is used before everything in it has proved to be what was written."""

from __future__ import annotations

import io
import os
import pickle
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISREG

import numpy as np

from live_trader.core.bars import Ticker
from live_trader.core.drift import Tolerance, Usual
from live_trader.core.features import Features, Recipe
from live_trader.core.signals import Coefficients
from live_trader.core.strategies import Strategy
from live_trader.core.strategies.experts import Expert, Experts, Judge
from live_trader.core.strategies.experts import Model as Predictor
from live_trader.core.strategies.watched import Watched
from live_trader.errors import BadBundle, BadRecipe, NotServable
from live_trader.experts.bundle.golden import golden_from, stretch_from, test_model, test_recipe
from live_trader.experts.bundle.manifest import (
    AGAIN,
    BARS,
    GOLDEN,
    LIMIT,
    NAME,
    PIPELINE,
    SERVED,
    SIDES,
    Manifest,
    Model,
    Side,
    decode,
    libraries,
    sha256,
)
from live_trader.experts.served import Heavy, Quantile, Served

UNPICKLABLE = (
    pickle.UnpicklingError,
    ImportError,
    AttributeError,
    EOFError,
    IndexError,
    KeyError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)

_RETRAIN = "The indicators have changed since: train again"


@dataclass(frozen=True, slots=True, eq=False)
class Bundle:
    """Everything one bot was trained to be, loaded and found true."""

    folder: Path
    manifest: Manifest
    experts: Mapping[Side, Expert]

    @property
    def ticker(self) -> Ticker:
        return self.manifest.ticker

    @property
    def version(self) -> str:
        return self.manifest.version

    @property
    def models(self) -> tuple[str, ...]:
        """The names of the models, in order; the first serves when no portfolio names others."""
        return self.manifest.names

    @property
    def recipes(self) -> dict[Side, Recipe]:
        return {side: self.experts[side].recipe for side in SIDES}

    @property
    def thresholds(self) -> dict[Side, dict[str, float]]:
        return self.manifest.thresholds

    @property
    def memory(self) -> int:
        """How many bars the window must hold."""
        return self.manifest.memory

    @property
    def heavy(self) -> bool:
        """Whether some model can only be served by its own pipeline, with all its libraries."""
        return bool(self.manifest.heavy)

    def expert(self, side: Side) -> Expert:
        """The expert of one side."""
        return self.experts[side]

    def strategy(
        self,
        coefficients: Coefficients | None = None,
        threshold: float | None = None,
        tolerance: Tolerance | None = None,
    ) -> Strategy:
        """The strategy of these coefficients, or of the first model; `threshold` overrules the trained.

        With a tolerance it is watched, and held at neutral while its features have moved farther than that.
        """
        chosen = coefficients or Coefficients({self.models[0]: 1.0}, {})
        missing = [name for name in chosen.models if name not in self.models]
        if missing or not chosen.models:
            raise BadBundle(
                f"bundle {self.version} of {self.ticker} has no model {', '.join(missing) or 'to serve'}",
                f"Name some of {', '.join(self.models)} in the portfolio, or train and deploy the missing",
            )
        long, short = (_overruled(self.experts[side], threshold) for side in SIDES)
        made = Experts(long, short, chosen)
        return Watched(made, usual(self.folder), tolerance, self.ticker) if tolerance else made


def usual(folder: Path) -> tuple[Usual, ...]:
    """What the features of both sides were in training; the models are not opened."""
    manifest = glance(folder)
    found = []
    for side in SIDES:
        recipe, file = _recipe(side, manifest), f"{side}/{GOLDEN}"
        content = _vouched(folder, manifest, file)
        rows = golden_from(content, file, manifest.names, len(recipe.columns)).rows
        found.append(Usual(side, recipe, np.array(rows, dtype=np.float64)))
    return tuple(found)


def glance(folder: Path) -> Manifest:
    """The manifest of the bundle in this folder, found true in itself; the files are not looked at."""
    return decode(_content(folder / NAME, LIMIT))


def check(folder: Path) -> Manifest:
    """The manifest of the bundle in this folder, once every file is what it vouches for; opens no pickle."""
    manifest = glance(folder)
    _same_files(folder, manifest)
    for name in manifest.files:
        _vouched(folder, manifest, name)
    return manifest


def load(folder: Path) -> Bundle:
    """The bundle in this folder, after it proved itself on its golden rows."""
    manifest = check(folder)
    recipes = {side: _recipe(side, manifest) for side in SIDES}
    memory = max(Features(recipe).memory for recipe in recipes.values())
    if memory != manifest.memory:
        raise BadBundle(
            f"the recipes need {memory} bars here where {NAME} says {manifest.memory}",
            _RETRAIN,
        )
    try:
        _test_recipes(folder, manifest, recipes)
        share: dict[Quantile, Quantile] = {}
        experts = {side: _expert(folder, manifest, side, recipes[side], share) for side in SIDES}
    except (BadBundle, NotServable) as error:
        raise BadBundle(error.what, error.remedy or _differences(manifest)) from None
    return Bundle(folder, manifest, experts)


def _overruled(expert: Expert, threshold: float | None) -> Expert:
    if threshold is None:
        return expert
    return Expert(expert.recipe, {name: Judge(j.model, threshold) for name, j in expert.models.items()})


def _same_files(folder: Path, manifest: Manifest) -> None:
    found = {NAME}
    for at, folders, files in os.walk(folder):
        where = Path(at).relative_to(folder)
        folders[:] = [each for each in folders if not each.startswith(".")]
        # A name that begins with a dot is what a file manager leaves behind.
        found.update((where / each).as_posix() for each in files if not each.startswith("."))
    missing, unknown = manifest.files.keys() - found, found - manifest.files.keys() - {NAME}
    if missing:
        raise BadBundle(f"{min(missing)} is missing from {folder}", AGAIN)
    if unknown:
        raise BadBundle(f"{folder} holds {min(unknown)}, for which its {NAME} does not vouch", "Take it out")


def _vouched(folder: Path, manifest: Manifest, name: str) -> bytes:
    """The content of a file, read once, so that what is used is what was checked."""
    expected = manifest.files[name]
    content = _content(folder / name, expected.size)
    if len(content) != expected.size:
        raise BadBundle(f"{folder / name} is cut off: {len(content)} of {expected.size} bytes", AGAIN)
    if sha256(content) != expected.sha256:
        raise BadBundle(f"{folder / name} is not what was written: its sha256 differs", AGAIN)
    return content


def _content(path: Path, limit: int) -> bytes:
    try:
        status = path.lstat()
        if not S_ISREG(status.st_mode):
            raise BadBundle(f"{path} is not an ordinary file", AGAIN)
        if status.st_size > limit:
            raise BadBundle(f"{path} has {status.st_size} bytes, more than the {limit} it may have", AGAIN)
        return path.read_bytes()
    except FileNotFoundError:
        raise BadBundle(f"{path} is missing", AGAIN) from None
    except OSError as error:
        raise BadBundle(
            f"{path} cannot be read: {error.strerror}", "Mend its permissions or the disk"
        ) from None


def _recipe(side: Side, manifest: Manifest) -> Recipe:
    try:
        return Recipe.of(manifest.recipes[side])
    except BadRecipe as error:
        raise BadBundle(
            f"the {side} recipe of bundle {manifest.version}: {error.what}", error.remedy or _RETRAIN
        ) from None


def _test_recipes(folder: Path, manifest: Manifest, recipes: Mapping[Side, Recipe]) -> None:
    if BARS not in manifest.files:
        return  # whoever wrote it had no bars
    kept = stretch_from(_vouched(folder, manifest, BARS), manifest.ticker)
    for side, recipe in recipes.items():
        test_recipe(side, recipe, kept)


def _expert(
    folder: Path, manifest: Manifest, side: Side, recipe: Recipe, share: dict[Quantile, Quantile]
) -> Expert:
    file = f"{side}/{GOLDEN}"
    golden = golden_from(_vouched(folder, manifest, file), file, manifest.names, len(recipe.columns))
    judges = {}
    for name, each in manifest.models[side].items():
        model = _model(folder, manifest, f"{side}/{name}", each, share)
        test_model(side, name, model, golden)
        judges[name] = Judge(model, each.threshold)
    return Expert(recipe, judges)


def _model(
    folder: Path, manifest: Manifest, where: str, model: Model, share: dict[Quantile, Quantile]
) -> Predictor:
    if model.served:
        file = f"{where}/{SERVED}"
        return Served.on_disk(_vouched(folder, manifest, file), folder / file, share)
    return _heavy(_vouched(folder, manifest, f"{where}/{PIPELINE}"), where, manifest, model.columns)


def _heavy(content: bytes, where: str, manifest: Manifest, columns: tuple[str, ...]) -> Heavy:
    needed, here = manifest.libraries.get("scikit-learn", "none"), libraries().get("scikit-learn", "none")
    if needed != here:
        raise BadBundle(
            f"{where} can only be served by its own pipeline, written with scikit-learn {needed}; "
            f"here is {here}",
            f"Run: pip install scikit-learn=={needed}",
        )
    import joblib  # only here: it brings the heavy libraries with it

    try:
        pipeline = joblib.load(io.BytesIO(content))
    except UNPICKLABLE as error:
        raise BadBundle(f"the pipeline of {where} cannot be opened: {error!r}", _install(manifest)) from None
    return Heavy(pipeline, columns)


def _install(manifest: Manifest) -> str:
    here = libraries()
    wrong = {name: each for name, each in manifest.libraries.items() if here.get(name) != each}
    packages = " ".join(
        f"{name}=={each}" for name, each in wrong.items() if name not in ("processor", "python")
    )
    theirs, ours = (each.get("python", "").rpartition(".")[0] for each in (manifest.libraries, here))
    if theirs and theirs != ours:
        return f"Serve it under Python {theirs}, with: pip install {packages}"
    return f"Run: pip install {packages}" if packages else AGAIN


def _differences(manifest: Manifest) -> str:
    here = libraries()
    wrong = [
        f"{name} {here.get(name, 'absent')} instead of {each}"
        for name, each in manifest.libraries.items()
        if here.get(name) != each
    ]
    if not wrong:
        return AGAIN
    return f"This machine has {', '.join(wrong)}: install what it was trained with, or train again here"
