"""The contract of indicators, held over every registered member."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from live_trader.core.indicators import CLASSIC, LONGEST, REGISTRY, Columns, Indicator, Past, find
from live_trader.core.indicators.fading import FAINT, ema, fade, wilder
from live_trader.errors import BadRecipe

EACH = pytest.mark.parametrize("indicator", REGISTRY.values(), ids=REGISTRY)
FEW = settings(deadline=None, max_examples=8)


def defaults(indicator: Indicator) -> tuple[int, ...]:
    return tuple(length.default for length in indicator.lengths)


def lengths_of(indicator: Indicator, most: int = 40) -> st.SearchStrategy[tuple[int, ...]]:
    return st.tuples(*[st.integers(length.least, most) for length in indicator.lengths])


def bits(values: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(values, dtype=np.float64).view(np.uint64)


def same(one: tuple[np.ndarray, ...], other: tuple[np.ndarray, ...]) -> bool:
    return all(np.array_equal(bits(a), bits(b)) for a, b in zip(one, other, strict=True))


def streamed(
    indicator: Indicator, columns: Columns, primed: int, lengths: tuple[int, ...]
) -> list[np.ndarray]:
    """What a stream opened on the first bars makes of the rest."""
    history = columns.cut(0, primed)
    past = Past(history)
    stream, made = indicator.open(history, past, *lengths), []
    for bar in zip(*columns.cut(primed, len(columns.close)), strict=True):
        past.append(*map(float, bar))
        value = stream()
        made.append(value if len(indicator.outputs) > 1 else (value,))
    return list(np.array(made).T)


@EACH
@FEW
@given(data=st.data())
def test_the_stream_gives_the_bits_of_the_batch(indicator, markets, data):
    """One bar at a time, from any start, gives what the whole run of bars gives at once."""
    lengths = data.draw(lengths_of(indicator))
    memory = indicator.memory(*lengths)
    columns = Columns.of(data.draw(markets(memory + 150, memory + 150)))
    batch = indicator.batch(columns, *lengths)
    assert len(batch) == len(indicator.outputs)
    stream = streamed(indicator, columns, memory, lengths)
    assert same(tuple(output[memory:] for output in batch), tuple(stream))


@EACH
@FEW
@given(data=st.data())
def test_no_value_depends_on_a_later_bar(indicator, markets, data):
    """Cut the future off and nothing before the cut changes."""
    lengths = data.draw(lengths_of(indicator))
    columns = Columns.of(data.draw(markets(300, 300)))
    cut = data.draw(st.integers(1, 299))
    whole = indicator.batch(columns, *lengths)
    assert same(tuple(output[:cut] for output in whole), indicator.batch(columns.cut(0, cut), *lengths))


@EACH
@FEW
@given(data=st.data())
def test_no_more_is_remembered_than_stated(indicator, market, data):
    """The last `memory` bars give what a far longer history gives, to a billionth of the largest value."""
    lengths = data.draw(lengths_of(indicator, 25))
    memory = indicator.memory(*lengths)
    bars = memory + 2000
    columns = Columns.of(market(bars, seed=data.draw(st.integers(0, 2**32 - 1)), tick=None))
    whole = indicator.batch(columns, *lengths)
    for end in range(bars - 300, bars + 1, 60):
        part = indicator.batch(columns.cut(end - memory, end), *lengths)
        for true, seen in zip(whole, part, strict=True):
            assert abs(true[end - 1] - seen[-1]) <= 1e-9 * np.nanmax(np.abs(true))


@EACH
@FEW
@given(data=st.data())
def test_a_value_is_there_as_soon_as_memory_says(indicator, market, data):
    """`memory` bars are enough for a value, and where memory is exact, one bar less is not."""
    lengths = data.draw(lengths_of(indicator))
    memory = indicator.memory(*lengths)
    columns = Columns.of(market(memory + 5))
    for output in indicator.batch(columns, *lengths):
        assert np.isfinite(output[memory - 1 :]).all()
    if memory > 1 and not remembers_for_ever(indicator, lengths):
        assert all(np.isnan(output[memory - 2]) for output in indicator.batch(columns, *lengths))


def remembers_for_ever(indicator: Indicator, lengths: tuple[int, ...]) -> bool:
    """Recursive ones have a first value long before they forget; ind8 of a short length looks at nothing."""
    fades = getattr(indicator, "fades", None)
    return (fades is not None and fades(*lengths) > 0) or (indicator.name == "ind8" and lengths[0] < 5)


@EACH
@FEW
@given(data=st.data())
def test_every_value_is_a_number_in_every_market(indicator, markets, data):
    """Still bars, no volume, tiny prices: a value all the same."""
    lengths = data.draw(lengths_of(indicator))
    memory = indicator.memory(*lengths)
    columns = Columns.of(data.draw(markets(memory + 50, memory + 50)))
    for output in indicator.batch(columns, *lengths):
        assert np.isfinite(output[memory - 1 :]).all()


@EACH
def test_a_market_that_stands_still_gives_a_number(indicator):
    """High equal to low and no volume, from the first bar to the last."""
    lengths = defaults(indicator)
    memory = indicator.memory(*lengths)
    still, none = np.full(memory + 20, 1.2345), np.zeros(memory + 20)
    columns = Columns(still, still, still, still, none)
    for output in indicator.batch(columns, *lengths):
        assert np.isfinite(output[memory - 1 :]).all()


@EACH
def test_what_it_reads_is_left_as_it_was(indicator, market):
    """Batch and stream work on columns that cannot be written."""
    lengths = defaults(indicator)
    memory = indicator.memory(*lengths)
    columns = Columns.of(market(memory + 3))
    before = [column.copy() for column in columns]
    for column in columns:
        column.flags.writeable = False
    indicator.batch(columns, *lengths)
    streamed(indicator, columns, memory, lengths)
    assert same(tuple(before), columns)


@EACH
def test_it_reads_only_the_inputs_it_names(indicator, market):
    """Other columns may hold anything; each one it names matters."""
    lengths = defaults(indicator)
    columns = Columns.of(market(indicator.memory(*lengths) + 250))
    real = indicator.batch(columns, *lengths)
    for name in Columns._fields:
        changed = columns._replace(**{name: getattr(columns, name)[::-1].copy()})
        assert same(real, indicator.batch(changed, *lengths)) == (name not in indicator.inputs), name


@EACH
def test_it_says_what_it_is(indicator):
    """Name, lengths, search ranges and outputs are usable as they stand."""
    assert find(indicator.name) is indicator
    assert indicator.name == indicator.name.lower()
    assert len(set(indicator.outputs)) == len(indicator.outputs) >= 1
    assert len({length.name for length in indicator.lengths}) == len(indicator.lengths)
    for length in indicator.lengths:
        assert 1 <= length.least <= min(length.default, length.search[0])
        assert max(length.default, length.search[-1]) <= LONGEST
    assert indicator.memory(*defaults(indicator)) >= 1


@EACH
def test_memory_grows_with_length(indicator):
    """A longer length never remembers less."""
    for at, length in enumerate(indicator.lengths):
        given = [[*defaults(indicator)] for _ in range(4)]
        for row, value in zip(given, (length.least, length.default, 200, LONGEST), strict=True):
            row[at] = value
        memories = [indicator.memory(*row) for row in given]
        assert all(one <= other for one, other in pairwise(memories))


def test_the_classic_28_are_all_there_in_order():
    """The order of System 0's columns 0 to 27."""
    names = (
        "avgprice medprice typprice wclprice trange bop "
        "eom bhi bli dchi dcli vip vin mfi stoch_k midpoint midprice aroondown aroonup aroonosc "
        "mom roc ind1 ind4 ind6 ind7 ind8 stochf_k"
    )
    assert " ".join(indicator.name for indicator in CLASSIC) == names
    assert [len(indicator.lengths) for indicator in CLASSIC] == [0] * 6 + [1] * 21 + [2]


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(BadRecipe, match=r"'rsii' is not an indicator. Did you mean 'rsi'?"):
        find("rsii")
    with pytest.raises(BadRecipe, match=r"'~' is not an indicator$"):
        find("~")


@given(weight=st.floats(1e-4, 0.9), depth=st.integers(1, 6))
def test_fading_is_the_least_count_of_steps(weight, depth):
    """Walk the chain of averages itself: seeds of 1, then nothing but 0."""

    def left(steps: int) -> float:
        chance, moved = 0.0, np.log(weight)
        for k in range(depth):
            ways = np.sum(np.log(np.arange(steps - k + 1, steps + 1))) - np.sum(np.log(np.arange(1, k + 1)))
            chance += np.exp(ways + k * moved + (steps - k) * np.log1p(-weight))
        return chance

    steps = fade(weight, depth)
    assert left(steps) <= FAINT * (1 + 1e-6)
    assert left(steps - 1) >= FAINT * (1 - 1e-6)


def test_how_long_averages_remember():
    """Figures anyone can check: 0.875 to the power of 173 and of 172 lie on both sides of 1e-10."""
    assert ema(15) == 173
    assert wilder(8) == 173
    assert 0.875**173 <= FAINT < 0.875**172
    assert fade(1.0) == 1
