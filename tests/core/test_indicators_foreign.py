"""Indicators of pandas-ta by name: the same contract as the registered ones, or a refusal with a reason."""

import subprocess
import sys

import numpy as np
import pytest

from live_trader.core.bars import Window
from live_trader.core.features import Features, Recipe, Step, table
from live_trader.core.indicators import Columns, find
from live_trader.core.indicators.foreign import library
from live_trader.errors import BadRecipe

ta = library()

SERVED = {
    "ta.rsi": ((14,), ""),
    "ta.ema": ((20,), ""),
    "ta.macd": ((12, 26, 9), "MACDh"),
    "ta.stoch": ((14, 3, 3), "STOCHd"),
    "ta.bbands": ((20,), "BBP"),
    "ta.skew": ((30,), ""),
    "ta.dpo": ((20,), ""),
    "ta.ichimoku": ((9, 26, 52), "ISA"),
    "ta.supertrend": ((7,), "SUPERTd"),
    "ta.cti": ((0,), ""),
}

REFUSED = {
    "ta.nonsense": ((), "pandas-ta has no indicator 'nonsense'"),
    "ta.__class__": ((), "pandas-ta has no indicator '__class__'"),
    "ta.obv": ((), "never forgets its first bar"),
    "ta.pvt": ((), "never forgets its first bar"),
    "ta.ssf": ((10,), "changes when later bars are cut off"),
    "ta.tos_stdevall": ((0,), "Use one of TOS_STDEVALL_LR"),
    "ta.xsignals": ((0,), "fails: xsignals() missing 3 required positional arguments"),
    "ta.rsi": ((), "ta.rsi got 0 lengths where it takes 1: length"),
    "ta.macd": ((12, 26, 9), "Use one of MACD, MACDh, MACDs"),
}


@pytest.mark.parametrize("name", SERVED)
def test_a_row_has_the_bits_of_the_table(name, market):
    """Though some of these functions give other bits when more bars follow."""
    lengths, output = SERVED[name]
    recipe = Recipe((Step(name, lengths, output), Step("rsi", (5,))))
    features = Features(recipe)
    tape = market(features.memory + 200, seed=11, flat=0.2, gaps=0.01, silent=0.1)
    rows = table(recipe, tape)
    window = Window.ending(tape, features.memory, features.memory)
    for index in range(features.memory, len(tape)):
        window = window.push(tape.bar(index))
        if index % 23 == 0:
            assert features.row(window).tobytes() == rows[index].tobytes()
            assert Features(recipe).row(window).tobytes() == rows[index].tobytes()


@pytest.mark.parametrize("name", SERVED)
def test_no_more_is_remembered_than_measured(name, market):
    """On another market than the one it was measured on, against a history of thousands of bars."""
    lengths, output = SERVED[name]
    indicator = find(name)
    place = indicator.outputs.index(output) if output else 0
    memory = indicator.memory(*lengths)
    columns = Columns.of(market(4000, seed=17, tick=None))
    whole = indicator.batch(columns, *lengths)[place]
    for end in range(3000, 4001, 200):
        part = indicator.batch(columns.cut(end - memory, end), *lengths)[place]
        assert abs(whole[end - 1] - part[-1]) <= 1e-7 * np.nanmax(np.abs(whole))


def test_it_is_the_function_of_pandas_ta(market):
    """With its lengths by keyword, in the order of its signature; 0 leaves a length to its default."""
    columns = Columns.of(market(500))
    import pandas as pd

    theirs = ta.macd(pd.Series(columns.close), fast=5, slow=20, signal=4, talib=False)
    ours = find("ta.macd").batch(columns, 5, 20, 4)
    assert [length.name for length in find("ta.macd").lengths] == ["fast", "slow", "signal"]
    assert find("ta.macd").outputs == ("MACD", "MACDh", "MACDs")
    assert all(np.array_equal(a, theirs.iloc[:, n], equal_nan=True) for n, a in enumerate(ours))
    defaults = find("ta.rsi").batch(columns, 0)[0]
    assert np.array_equal(defaults, find("ta.rsi").batch(columns, 14)[0], equal_nan=True)


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_served_is_refused_with_its_reason(name):
    lengths, reason = REFUSED[name]
    with pytest.raises(BadRecipe) as refusal:
        Recipe((Step(name, lengths),))
    assert reason in str(refusal.value)


def test_only_who_names_one_imports_pandas():
    """The recipe decides, when it is made."""
    program = (
        "import sys\n"
        "from live_trader.core.features import Recipe\n"
        "Recipe.of([['rsi', [14]]]); before = 'pandas' in sys.modules\n"
        "Recipe.of([['ta.rsi', [14]]]); print(before, 'pandas' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False True"
    assert done.stderr == ""
