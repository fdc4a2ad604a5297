"""A row is a pure function of its window: the same bits live, after a restart and in a tape's table."""

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from live_trader.core.bars import Tape, Ticker, Timeframe, Window
from live_trader.core.features import STRIDE, Features, Recipe, Step, classic, table
from live_trader.core.indicators import CLASSIC, LONGEST, REGISTRY
from live_trader.errors import BadData, BadRecipe

BRIEF = {name: each for name, each in REGISTRY.items() if name != "kama"}  # which remembers 5,500 bars


@st.composite
def steps(draw) -> Step:
    indicator = draw(st.sampled_from(list(BRIEF.values())))
    lengths = tuple(draw(st.integers(length.least, 30)) for length in indicator.lengths)
    output = draw(st.sampled_from(indicator.outputs)) if len(indicator.outputs) > 1 else ""
    return Step(indicator.name, lengths, output)


recipes = st.builds(lambda each: Recipe(tuple(each)), st.lists(steps(), min_size=1, max_size=8, unique=True))


def bits(row: np.ndarray) -> bytes:
    return np.ascontiguousarray(row).tobytes()


def windows(tape: Tape, length: int) -> list[Window]:
    """Every window of a tape, each pushed from the one before."""
    made = [Window.ending(tape, length, length)]
    for index in range(length, len(tape)):
        made.append(made[-1].push(tape.bar(index)))
    return made


@settings(deadline=None, max_examples=150)
@given(data=st.data(), recipe=recipes)
def test_a_row_has_the_bits_of_the_table(markets, data, recipe):
    """Whatever the tape and the recipe: running, restarted, prepared, skipping windows, asked twice."""
    tape = data.draw(markets(recipe.memory + STRIDE + 150, recipe.memory + STRIDE + 450))
    rows, running = table(recipe, tape), Features(recipe)
    for index, window in enumerate(windows(tape, running.memory), running.memory - 1):
        act = data.draw(st.sampled_from(["row", "row", "row", "prepare", "restart", "skip", "twice"]))
        if act == "restart":
            running = Features(recipe)
        if act == "skip":
            continue
        assert bits(running.row(window)) == bits(rows[index])
        if act == "twice":
            assert bits(running.row(window)) == bits(rows[index])
        if act == "prepare":
            running.prepare(window)


@settings(deadline=None, max_examples=60)
@given(data=st.data(), recipe=recipes)
def test_a_longer_window_gives_the_same_row(markets, data, recipe):
    """Two experts with different memories can share the longer window."""
    features = Features(recipe)
    spare = data.draw(st.integers(1, 200))
    tape = data.draw(markets(features.memory + spare, features.memory + spare + 50))
    exact = Window.ending(tape, features.memory, len(tape))
    longer = Window.ending(tape, features.memory + spare, len(tape))
    assert bits(features.row(exact)) == bits(features.row(longer))


@settings(deadline=None, max_examples=60)
@given(data=st.data(), recipe=recipes)
def test_the_table_does_not_look_ahead(markets, data, recipe):
    """Cut the future off, or lengthen the past: the rows stay, to the bit."""
    tape = data.draw(markets(recipe.memory + STRIDE + 60, recipe.memory + STRIDE + 300))
    whole, usable = table(recipe, tape), recipe.memory + STRIDE - 1
    stop = data.draw(st.integers(usable + 1, len(tape)))
    start = data.draw(st.integers(0, stop - usable - 1))
    part = table(recipe, tape.cut(start, stop))
    assert np.isnan(part[:usable]).all()
    assert bits(part[usable:]) == bits(whole[start + usable : stop])


@settings(deadline=None, max_examples=60)
@given(data=st.data(), recipe=recipes)
def test_a_row_is_finite_in_every_market(markets, data, recipe):
    """Every number of every row is a number, on every tape of valid bars."""
    tape = data.draw(markets(recipe.memory + STRIDE, recipe.memory + STRIDE + 100))
    assert np.isfinite(table(recipe, tape)[recipe.memory + STRIDE - 1 :]).all()


PRICES = st.sampled_from([1e-15, 1e-9, 1.0, 1e9, 1e15])
VOLUMES = st.sampled_from([0.0, 5e-324, 1.0, 1e24])


@settings(deadline=None, max_examples=40)
@given(data=st.data(), recipe=recipes)
def test_the_strangest_bars_give_numbers_too(data, recipe):
    """Whatever a bar may hold: a number, the same in the table and in the row."""
    count = recipe.memory + STRIDE + 3
    columns = np.array(data.draw(st.lists(st.tuples(*[PRICES] * 4, VOLUMES), min_size=8, max_size=8)))
    prices, volume = np.sort(np.resize(columns[:, :4], (count, 4))), np.resize(columns[:, 4], count)
    times = np.arange(count) * 60
    low, open, close, high = (np.ascontiguousarray(each) for each in prices.T)
    tape = Tape(Ticker("X", Timeframe.M1), times, open, high, low, close, volume)
    rows, features = table(recipe, tape), Features(recipe)
    for index, window in enumerate(windows(tape, features.memory), features.memory - 1):
        row = features.row(window)
        assert np.isfinite(row).all()
        assert bits(row) == bits(rows[index])


def test_a_revised_past_is_never_mistaken_for_the_one_that_was_seen(market):
    """Two windows with the same times and different bars: each has its own row, whatever was asked before."""
    recipe = Recipe((Step("ema", (5,)), Step("ind6", (14,))))
    features = Features(recipe)
    tape = market(features.memory + 2, seed=5)
    first = Window.ending(tape, features.memory, features.memory)
    told, next_bar = tape.bar(features.memory), tape.bar(features.memory + 1)
    revised = replace(told, close=told.low, high=told.high)
    for _ in range(2):
        seen, corrected = first.push(told), first.push(revised)
        for window in (seen, corrected, corrected.push(next_bar), seen.push(next_bar)):
            assert bits(features.row(window)) == bits(Features(recipe).row(window))
    assert bits(features.row(seen)) != bits(features.row(corrected))


def test_another_ticker_may_be_asked_in_between(market):
    """The blocks of tickers differ; one that is asked for another ticker opens anew."""
    recipe = classic()
    features = Features(recipe)
    one = market(features.memory, seed=1)
    other = replace(market(features.memory, seed=2), ticker=Ticker("GBPUSD", Timeframe.M1))
    for tape in (one, other, one):
        window = Window.ending(tape, features.memory, features.memory)
        assert bits(features.row(window)) == bits(Features(recipe).row(window))


def test_preparing_pays_for_the_next_block(market, monkeypatch):
    """After `prepare` the next bar opens nothing, on the last slot of a block too."""
    from live_trader.core import features as room

    opened = []
    monkeypatch.setattr(room, "_Opened", lambda *given, real=room._Opened: opened.append(1) or real(*given))
    running = Features(classic())
    tape = market(running.memory + 2 * STRIDE)
    for count, window in enumerate(windows(tape, running.memory)):
        before = len(opened)
        running.row(window)
        assert count == 0 or len(opened) == before
        running.prepare(window)
    assert len(opened) == 3


def test_a_row_may_be_written_into(market):
    """What the caller does to a row does not come back with the next."""
    features = Features(classic())
    window = Window.ending(market(features.memory), features.memory, features.memory)
    kept = features.row(window).copy()
    features.row(window)[:] = 0.0
    assert bits(features.row(window)) == bits(kept)


def test_the_window_and_the_tape_are_left_as_they_were(market):
    tape = market(600)
    before = [column.copy() for column in (tape.open, tape.high, tape.low, tape.close, tape.volume)]
    for column in (tape.times, tape.open, tape.high, tape.low, tape.close, tape.volume):
        column.flags.writeable = False
    table(classic(), tape)
    features = Features(classic())
    features.row(Window.ending(tape, features.memory, 600))
    after = (tape.open, tape.high, tape.low, tape.close, tape.volume)
    assert all(bits(one) == bits(other) for one, other in zip(before, after, strict=True))


def test_a_window_that_is_too_short_is_refused(market):
    features = Features(classic())
    tape = market(features.memory - 1)
    with pytest.raises(BadData, match=r"143 bars is too short for a memory of 144"):
        features.row(Window.ending(tape, len(tape), len(tape)))


@pytest.mark.parametrize("bars", [0, 1, 143, 144])
def test_a_short_tape_has_a_table_of_nothing(bars, market):
    """Up to one bar less than a window, every row is NaN."""
    rows = table(classic(), market(200).cut(0, bars))
    assert rows.shape == (bars, 28)
    assert np.isnan(rows[:143]).all()
    assert np.isfinite(rows[143:]).all()


def test_classic_has_the_28_in_order():
    recipe = classic()
    assert [step.name for step in recipe.steps] == [indicator.name for indicator in CLASSIC]
    assert recipe.columns[:2] == ("avgprice", "medprice")
    assert recipe.columns[-2:] == ("ind8_14", "stochf_k_14_3")
    assert recipe.memory == 16
    longer = classic({"mfi": (300,), "stochf_k": (21, 5)})
    assert longer.columns[13] == "mfi_300"
    assert longer.columns[27] == "stochf_k_21_5"
    assert longer.memory == 301
    with pytest.raises(BadRecipe, match=r"macd is not among the 28 classic features"):
        classic({"macd": (12, 26, 9)})


@given(recipe=recipes)
def test_a_recipe_survives_json(recipe):
    """Plain lists hold all of it, and columns tell the steps apart."""
    assert Recipe.of(json.loads(json.dumps(recipe.plain))) == recipe
    assert len(set(recipe.columns)) == len(recipe.steps)


REFUSED = {
    "nothing": ([], "without steps"),
    "a name nobody knows": ([["rsii", [14]]], "'rsii' is not an indicator. Did you mean 'rsi'?"),
    "a name that is no text": ([[14, [14]]], "not a list of"),
    "no lengths": ([["rsi", []]], "rsi got 0 lengths where it takes 1: length"),
    "too many lengths": ([["rsi", [14, 3]]], "rsi got 2 lengths where it takes 1: length"),
    "a length where none is taken": ([["bop", [14]]], "bop got 1 lengths where it takes 0: none"),
    "a length of 1": ([["rsi", [1]]], f"length 1. Use a whole number from 2 to {LONGEST}"),
    "a length of 0": ([["rsi", [0]]], "length 0"),
    "a negative length": ([["rsi", [-14]]], "length -14"),
    "a huge length": ([["rsi", [LONGEST + 1]]], f"length {LONGEST + 1}"),
    "half a length": ([["rsi", [14.5]]], "length 14.5"),
    "a float length": ([["rsi", [14.0]]], "length 14.0"),
    "a length that is text": ([["rsi", ["14"]]], "length '14'"),
    "a length that is true": ([["rsi", [True]]], "length True"),
    "lengths that are no list": ([["rsi", 14]], "not a list of"),
    "no output": ([["macd", [12, 26, 9]]], "no output named. Use one of macd, signal, hist"),
    "a wrong output": ([["macd", [12, 26, 9], "value"]], "output 'value'. Use one of macd, signal, hist"),
    "an output too many": ([["rsi", [14], "value"]], "output 'value'. Name none"),
    "an output that is no text": ([["macd", [12, 26, 9], 3]], "not a list of"),
    "a step too long": ([["macd", [12, 26, 9], "hist", "more"]], "not a list of"),
    "a step too short": ([["macd"]], "not a list of"),
    "a step twice": ([["rsi", [14]], ["bop", []], ["rsi", [14]]], "names rsi_14 twice"),
    "no list": ({"rsi": [14]}, "not a list of"),
    "a number": (7, "not a list of"),
    "a null": (None, "not a list of"),
}


@pytest.mark.parametrize(("plain", "reason"), REFUSED.values(), ids=REFUSED)
def test_a_bad_recipe_is_refused_with_its_reason(plain, reason):
    with pytest.raises(BadRecipe) as refusal:
        Recipe.of(plain)
    assert reason in str(refusal.value)


def test_two_outputs_of_one_indicator_cost_one_stream(market):
    """MACD's three outputs are three columns of one update."""
    recipe = Recipe(tuple(Step("macd", (12, 26, 9), output) for output in ("hist", "macd", "signal")))
    rows = table(recipe, market(700))[600:]
    assert recipe.columns == ("macd_12_26_9_hist", "macd_12_26_9_macd", "macd_12_26_9_signal")
    assert np.allclose(rows[:, 1] - rows[:, 2], rows[:, 0], rtol=0, atol=1e-12)
    features = Features(recipe)
    window = Window.ending(market(700), features.memory, 700)
    assert bits(features.row(window)) == bits(rows[-1])


def test_tickers_do_not_all_open_in_the_same_instant():
    """Where a block begins is spread over the slots by the ticker's name, the same in every process."""
    from live_trader.core.features import _Calendar

    starts = [_Calendar(Ticker(f"T{n}", Timeframe.M1)).starts(1) // 60 % STRIDE for n in range(1000)]
    assert np.bincount(starts, minlength=STRIDE).max() < 30
    assert _Calendar(Ticker("AUDUSD", Timeframe.M1)).starts(1) == 60 * (STRIDE - 5)


def test_a_process_that_makes_rows_has_not_imported_pandas():
    """Nor scikit-learn, scipy or polars; a worker is small."""
    program = (
        "import sys, live_trader.core.features as f\n"
        "f.Features(f.classic())\n"
        "heavy = {'pandas', 'polars', 'sklearn', 'scipy'}\n"
        "print(heavy & set(sys.modules), 'talib' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set() True"


def test_pandas_can_still_be_imported_afterwards():
    """Barring pandas while TA-Lib loads leaves nothing behind."""
    program = "import live_trader.core.features, pandas; print(pandas.Series([1.0]).sum())"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "1.0"
