"""The fast search makes exactly the choices of the plain one, from the training span alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

from live_trader.core import targets
from live_trader.core.bars import Tape
from live_trader.core.features import classic
from live_trader.core.indicators import CLASSIC, Columns, find
from live_trader.lab import search
from live_trader.lab.evidence import SIDES, UNSETTLED
from live_trader.lab.spans import Span

Make = Callable[..., Tape]
WARM_UP = search.memory()


@given(
    values=st.lists(st.floats(-5, 5) | st.integers(-3, 3).map(float), min_size=3, max_size=80),
    points=st.integers(0, 2**80 - 1),
)
@settings(max_examples=300, deadline=None)
def test_the_correlation_is_spearmans(values: list[float], points: int) -> None:
    marked = np.array([points >> at & 1 for at in range(len(values))], dtype=np.bool_)
    (found,) = search.correlations(np.array(values), [marked])
    if len(set(values)) == 1 or marked.all() or not marked.any():
        assert found == 0.0
    else:
        assert found == pytest.approx(spearmanr(values, marked)[0], abs=1e-9)


@pytest.mark.filterwarnings("ignore:An input array is constant")
@pytest.mark.parametrize("grain", [0.0, 0.002])
def test_the_choices_are_those_of_the_plain_search(market: Make, grain: float) -> None:
    """Each indicator, side and lengths anew through scipy, on prices with and without ties."""
    tape = market(WARM_UP + 900, 11, grain=grain)
    span = Span(0, WARM_UP, WARM_UP + 800, WARM_UP + 850, WARM_UP + 900)
    labels, columns = targets.extremes().label(tape), Columns.of(tape)
    chosen = search.search(tape, span, labels)
    for side, (number, indicator) in product(SIDES, enumerate(CLASSIC)):
        if len(indicator.lengths) > 1:
            continue
        options = list(product(*(length.search for length in indicator.lengths)))
        found = [
            spearmanr(
                indicator.batch(columns, *lengths)[0][span.start : span.stop],
                labels[side][span.start : span.stop],
            )[0]
            for lengths in options
        ]
        best = chosen[side][number]
        assert best.step.lengths == options[search.first_best(found)]
        assert best.correlation == pytest.approx(np.nan_to_num(found[search.first_best(found)]), abs=1e-9)


def test_the_second_length_of_stochf_moves_its_first_value_and_changes_none(market: Make) -> None:
    """This is why the search tries one value of it."""
    columns = Columns.of(market(600))
    fast, slow = find("stochf_k").lengths
    for fastk in list(fast.search)[::8]:
        lines = [find("stochf_k").batch(columns, fastk, fastd)[0][400:] for fastd in slow.search]
        assert all(np.array_equal(line, lines[0]) for line in lines)


def test_nothing_after_the_training_span_is_looked_at(market: Make) -> None:
    tape = market(WARM_UP + 900, 4)
    span = Span(0, WARM_UP, WARM_UP + 700, WARM_UP + 750, WARM_UP + 900)
    labels = targets.extremes().label(tape)
    other = market(WARM_UP + 900, 5)
    bent = replace(
        tape,
        **{
            name: np.concatenate((getattr(tape, name)[: span.stop], getattr(other, name)[span.stop :]))
            for name in ("open", "high", "low", "close", "volume")
        },
    )
    mixed = {
        side: np.concatenate((labels[side][: span.stop], labels[side][span.stop :][::-1])) for side in SIDES
    }
    assert search.search(tape, span, labels) == search.search(bent, span, mixed)


def test_bars_without_a_label_are_left_out(market: Make) -> None:
    tape = market(WARM_UP + 600, 9)
    labels = targets.extremes().label(tape)
    half = {side: labels[side].copy() for side in SIDES}
    for each in half.values():
        each[WARM_UP + 300 :] = UNSETTLED
    long, short = (Span(0, WARM_UP, WARM_UP + stop, 0, 0) for stop in (500, 300))
    assert search.search(tape, long, half) == search.search(tape, short, labels)


def test_threads_change_nothing_and_a_recipe_is_classic(market: Make) -> None:
    tape = market(WARM_UP + 400, 2)
    span = Span(0, WARM_UP, WARM_UP + 350, WARM_UP + 380, WARM_UP + 400)
    labels = targets.extremes().label(tape)
    one, two = (search.search(tape, span, labels, threads=threads) for threads in (1, 2))
    assert one == two
    recipe = search.recipe(one["long"])
    assert [step.name for step in recipe.steps] == [step.name for step in classic().steps]
    assert recipe.memory <= WARM_UP
