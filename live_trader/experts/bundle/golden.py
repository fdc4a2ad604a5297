"""Rows, bars and answers kept from training, against which a worker tests itself before it serves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np

from live_trader.core.bars import Floats, Tape, Ticker, Window
from live_trader.core.features import Features, Recipe
from live_trader.core.strategies.experts import Model
from live_trader.errors import BadBundle, BadData

SAME = 1e-12  # how far a model may answer today from what it answered when it was written
CLOSE = 1e-9  # how far its answers may lie from those of the pipeline, and features from those of training


class Golden(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Rows of one side's features; by model, what the pipeline gave for them and what is served instead."""

    rows: tuple[tuple[float, ...], ...]
    pipeline: dict[str, tuple[float, ...]]
    served: dict[str, tuple[float, ...]]


class Stretch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Real bars as columns, and the row of features each side makes of them."""

    times: tuple[int, ...]
    columns: tuple[tuple[float, ...], ...]
    rows: dict[str, tuple[float, ...]]


def golden_from(content: bytes, name: str, models: Sequence[str], width: int) -> Golden:
    """The golden rows in this file, which must fit these models and so many columns."""
    try:
        golden = msgspec.json.decode(content, type=Golden)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadBundle(f"{name} is not golden rows: {error}") from None
    answers = [given.get(model, ()) for given in (golden.pipeline, golden.served) for model in models]
    if not golden.rows or any(len(each) != len(golden.rows) for each in answers):
        raise BadBundle(f"{name} is not golden rows: it has not one answer of each model for each row")
    if any(len(row) != width for row in golden.rows):
        raise BadBundle(f"{name} is not golden rows: they are not {width} columns wide")
    return golden


def stretch_from(content: bytes, ticker: Ticker) -> tuple[Window, Mapping[str, Floats]]:
    """The bars in this file as a window, and the row of each side."""
    try:
        kept = msgspec.json.decode(content, type=Stretch)
        tape = Tape(ticker, np.array(kept.times), *(np.array(each) for each in kept.columns))
        window = Window.ending(tape, len(tape), len(tape))
    except (msgspec.DecodeError, UnicodeDecodeError, TypeError, ValueError) as error:
        raise BadBundle(f"the bars kept from training are not bars: {error}") from None
    return window, {side: np.array(row) for side, row in kept.rows.items()}


def answers(model: Model, rows: Floats) -> Floats:
    """What the model answers to each row, one at a time as in a worker."""
    return np.array([model.probability(row) for row in rows], dtype=np.float64)


def stretch(window: Window, recipes: dict[str, Recipe]) -> Stretch:
    """The bars of this window with the rows these recipes make of them."""
    columns = (window.open, window.high, window.low, window.close, window.volume)
    return Stretch(
        tuple(window.times.tolist()),
        tuple(tuple(column.tolist()) for column in columns),
        {side: tuple(_row(recipe, window).tolist()) for side, recipe in recipes.items()},
    )


def test_model(side: str, name: str, model: Model, golden: Golden) -> None:
    """Refuse a model that no longer answers its golden rows as it did."""
    try:
        given = answers(model, np.array(golden.rows, dtype=np.float64))
    except BadData as error:
        raise BadBundle(f"{side}/{name} has no answer to a golden row: {error.what}") from None
    _compare(f"{side}/{name}", given, golden.served[name], SAME, "this model answered when it was written")
    _compare(f"{side}/{name}", given, golden.pipeline[name], CLOSE, "its pipeline gave in training")


def test_recipe(side: str, recipe: Recipe, kept: tuple[Window, Mapping[str, Floats]]) -> None:
    """Refuse a recipe whose indicators no longer make of the kept bars what they made in training."""
    window, rows = kept
    now, then = _row(recipe, window), rows.get(side, np.empty(0))
    if len(now) != len(then):
        raise BadBundle(f"the bars kept from training have no row of the {side} recipe")
    for name, value, expected in zip(recipe.columns, now.tolist(), then.tolist(), strict=True):
        if not abs(value - expected) <= CLOSE * max(1.0, abs(expected)):
            raise BadBundle(
                f"the {side} feature {name} is {value!r} here where it was {expected!r} in training"
            )


def _row(recipe: Recipe, window: Window) -> Floats:
    features = Features(recipe)
    length = features.memory
    return features.row(Window.ending(window.tape, length, len(window)))


def _compare(where: str, given: Floats, expected: tuple[float, ...], tolerance: float, what: str) -> None:
    # NaN is never within the tolerance.
    wrong = np.flatnonzero(~(np.abs(given - np.array(expected)) <= tolerance))
    if len(wrong):
        row = int(wrong[0])
        raise BadBundle(
            f"{where} answers {given[row]:.17g} to golden row {row} where {expected[row]:.17g} is what {what}"
        )
