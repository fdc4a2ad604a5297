"""What became of a bundle's predictions: what its models said of bars, and what happened after them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final

import msgspec
import numpy as np

from live_trader.core.accuracy import score
from live_trader.core.bars import Floats, Tape
from live_trader.core.targets import Target, target
from live_trader.edge.server.dashboard.records import Records
from live_trader.edge.wire.v1 import ProbabilitiesText
from live_trader.errors import BadSettings
from live_trader.experts.bundle import SIDES, Manifest

_MOST: Final = 10_000
_BEFORE: Final = 500  # bars ahead of the first prediction: what a target looks back on
_SAID: Final = msgspec.json.Decoder(dict[str, ProbabilitiesText])
_UNKNOWN: Final = (
    "The bundle does not say what its models were taught to predict, as an imported one does not, so nothing "
    "can be held against what happened."
)


def matured(store: Records, manifest: Manifest) -> dict[str, Any]:
    """How well each model's predictions whose horizon has passed came true, beside what the judge saw."""
    taught = _target(manifest)
    if taught is None:
        return {"models": [], "sentence": _UNKNOWN}
    said = store.said(manifest.ticker, manifest.version, _MOST)
    about = {"target": taught.name, "horizon": taught.horizon}
    if not said:
        return {"models": [], "sentence": "It has not predicted anything yet.", **about}
    times = np.array([time for time, _ in said], dtype=np.int64)
    tape = Tape.of(manifest.ticker, store.since(manifest.ticker, int(times[0]), _BEFORE))
    at = np.searchsorted(tape.times, times)
    there = np.isin(times, tape.times)
    labels = taught.label(tape)
    told = [_SAID.decode(text) for _, text in said]
    judged = manifest.verdict.figures.get("models", {})
    models = []
    for name in manifest.names:
        for side in SIDES:
            probabilities = _column(told, name, side)[there]
            threshold = manifest.thresholds[side][name]
            live = score(labels[side][at[there]], probabilities, threshold)
            if live is not None:
                models.append({
                    "model": name,
                    "side": side,
                    "live": asdict(live),
                    "judged": judged.get(name, {}).get("accuracy", {}).get(side),
                })  # fmt: skip
    waits = (
        f"None of its predictions has matured yet: what happened is known {taught.horizon} bars after a bar."
    )
    return {"models": models, "sentence": "" if models else waits, **about}


def _target(manifest: Manifest) -> Target | None:
    """What the models were taught to predict, where the bundle says it in words that are known here."""
    course = manifest.training.settings.get("course")
    settings = course.get("target_settings") if isinstance(course, Mapping) else None
    if not isinstance(course, Mapping) or not isinstance(settings, Mapping):
        return None
    try:
        return target(str(course.get("target")), settings)
    except BadSettings:
        return None


def _column(told: list[dict[str, ProbabilitiesText]], name: str, side: str) -> Floats:
    """What this model said on this side; NaN where it was not asked."""
    return np.array(
        [getattr(each[name], side) if name in each else np.nan for each in told], dtype=np.float64
    )
