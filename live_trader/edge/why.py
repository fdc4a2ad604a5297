"""Why a stored signal says what it says: worked out again from its bars and its bundle, to the last bit."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
from msgspec import Struct

from live_trader.core.bars import Bar, Tape, Ticker, Timeframe, Window
from live_trader.core.drift import Tolerance
from live_trader.core.features import Features
from live_trader.core.signals import combine
from live_trader.core.strategies.experts import Judge
from live_trader.core.strategies.watched import Watched
from live_trader.edge.shelf import Shelf
from live_trader.edge.wire import value
from live_trader.edge.wire.v1 import SignalText
from live_trader.errors import BadBundle, BadData
from live_trader.experts.bundle import SIDES, Bundle, Side, glance, load
from live_trader.experts.bundle.golden import golden_from
from live_trader.experts.bundle.manifest import GOLDEN
from live_trader.experts.contributions import contributions


class FeatureText(Struct, frozen=True):
    """One feature: what it was, what it usually is, and what it added to the answer."""

    name: str
    value: float
    usual: float
    share: float


class SideText(Struct, frozen=True, kw_only=True):
    """One expert of one model: what it answers now, what it answered then, and what made it so."""

    side: Side
    probability: float
    stored: float | None
    same: bool
    threshold: float
    votes: bool
    method: str
    unit: str
    base: float
    features: tuple[FeatureText, ...]


class ModelText(Struct, frozen=True):
    """One model: the value its two experts give, and the one that was stored."""

    name: str
    value: float
    stored: float | None
    sides: tuple[SideText, ...]


class WhyText(Struct, frozen=True, kw_only=True):
    """A signal explained; `same` when every probability came out with the bits that were stored.

    `held` is why it would be held by what is known now; None where that was not examined.
    """

    signal: SignalText
    bundle: str
    memory: int
    same: bool
    held: str | None
    sentence: str
    models: tuple[ModelText, ...]


def ticker_of(signal: SignalText) -> Ticker:
    """The ticker of a stored signal."""
    return Ticker(signal.symbol, Timeframe.parse(signal.timeframe))


def bundle_of(shelf: Shelf, signal: SignalText) -> Path:
    """The folder of the bundle that gave this signal: a deployed copy, or else the one on the shelf."""
    ticker = ticker_of(signal)
    for copy in (shelf.deployed(ticker), shelf.shadow(ticker)):
        if copy and glance(copy).version == signal.bundle:
            return copy
    try:
        return shelf.bundle(ticker, signal.bundle)
    except BadData:
        raise BadBundle(
            f"the signal names the bundle {signal.bundle!r}, which is none of this farm's",
            "Nothing can be done",
        ) from None


@lru_cache(maxsize=4)
def opened(folder: Path) -> Bundle:
    """The bundle of this folder, proved; the last few are kept, since they never change."""
    return load(folder)


def reach(bundle: Bundle, tolerance: Tolerance | None) -> int:
    """How many bars it takes to work a signal of this bundle out again."""
    return bundle.strategy(tolerance=tolerance).memory


def explain(
    signal: SignalText,
    bundle: Bundle,
    bars: Sequence[Bar],
    threshold: float | None = None,
    tolerance: Tolerance | None = None,
) -> WhyText:
    """Work a signal out again from the bars that end with its own: as many as `reach` says."""
    tape = Tape.of(ticker_of(signal), bars)
    window = Window.ending(tape, bundle.memory, len(tape))
    if window.last.opened != signal.bar_time:
        raise BadData(f"the bar of {signal.bar_time:%Y-%m-%d %H:%M:%S} is not stored any more")
    sides = {side: _side(signal, bundle, window, side, threshold) for side in SIDES}
    names = [name for name in bundle.models if name in signal.probabilities] or list(bundle.models)
    models = tuple(_model(signal, name, tuple(sides[side][name] for side in SIDES)) for name in names)
    same = all(side.same for model in models for side in model.sides)
    held = _held(bundle, tape, tolerance)
    return WhyText(
        signal=signal,
        bundle=bundle.version,
        memory=bundle.memory,
        same=same,
        held=held,
        sentence=_sentence(signal, models, same) + _of_hold(signal, held),
        models=models,
    )


def _held(bundle: Bundle, tape: Tape, tolerance: Tolerance | None) -> str | None:
    """Why the bot would be held as of the tape's last bar; None where there is no limit, or too few bars."""
    watched = bundle.strategy(tolerance=tolerance)
    if not isinstance(watched, Watched) or len(tape) < watched.memory:
        return None
    return watched.held(Window.ending(tape, watched.memory, len(tape)))


def _of_hold(signal: SignalText, held: str | None) -> str:
    if signal.held:
        again = {None: "", signal.held: " That comes out again."}
        told = again.get(held, " That does not come out again: other bars or settings were in force then.")
        return f" It was held at 0.5 whatever they said: {signal.held}.{told}"
    return f" By the settings of today it would be held at 0.5: {held}." if held else ""


def _model(signal: SignalText, name: str, sides: tuple[SideText, ...]) -> ModelText:
    long, short = (side.votes for side in sides)
    return ModelText(name, value(combine(long, short)), signal.models.get(name), sides)


def _side(
    signal: SignalText, bundle: Bundle, window: Window, side: Side, threshold: float | None
) -> dict[str, SideText]:
    expert = bundle.expert(side)
    features = Features(expert.recipe)
    row = features.row(window)
    file = bundle.folder / side / GOLDEN
    kept = golden_from(file.read_bytes(), f"{side}/{GOLDEN}", bundle.models, len(row))
    golden = np.array(kept.rows, dtype=np.float64)
    usual = np.median(golden, axis=0).tolist()

    def told(name: str, judge: Judge) -> SideText:
        probability = judge.model.probability(row)
        given = signal.probabilities.get(name)
        stored = None if given is None else float(getattr(given, side))
        found = contributions(judge.model, row, golden)
        needed = judge.threshold if threshold is None else threshold
        columns = zip(expert.recipe.columns, row.tolist(), usual, found.shares, strict=True)
        ranked = sorted(columns, key=lambda each: -abs(each[3]))
        return SideText(
            side=side,
            probability=probability,
            stored=stored,
            same=stored == probability,
            threshold=needed,
            votes=probability > needed,
            method=found.method,
            unit=found.unit,
            base=found.base,
            features=tuple(FeatureText(*each) for each in ranked),
        )

    return {name: told(name, judge) for name, judge in expert.models.items()}


def _sentence(signal: SignalText, models: tuple[ModelText, ...], same: bool) -> str:
    long, short = models[0].sides
    both = {
        (True, False): "the long expert said yes and the short expert no, so it wants to be long",
        (False, True): "the short expert said yes and the long expert no, so it wants to be short",
        (True, True): "both experts said yes, which is no opinion",
        (False, False): "neither expert was above its threshold, which is no opinion",
    }[long.votes, short.votes]
    figures = (
        f"long {long.probability:.4f} against {long.threshold:g}, "
        f"short {short.probability:.4f} against {short.threshold:g}"
    )
    bits = "The bits agree." if same else _differs(models)
    others = f" of {models[0].name}" if len(models) > 1 else ""
    overruled = any(m.stored is not None and m.stored != m.value for m in models) and same
    also = " It was stored with another value: another threshold was in force then." if overruled else ""
    late = " It came late, so it was not traded." if signal.late else ""
    return f"As of this bar{others} {both}: {figures}. {bits}{also}{late}"


def _differs(models: tuple[ModelText, ...]) -> str:
    if all(side.stored is None for model in models for side in model.sides):
        return "No probabilities were stored to compare with."
    far = max(
        abs(side.probability - side.stored)
        for model in models
        for side in model.sides
        if side.stored is not None
    )
    return f"The bits do not agree (by {far:.2g}): a bar of its window was revised since, or came too late."
