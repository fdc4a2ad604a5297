"""Bars that cannot be impossible, tapes of them, and windows held to a plain list."""

import json
import pickle
from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from live_trader.core.bars import (
    Bar,
    Place,
    Tape,
    Ticker,
    Timeframe,
    Window,
    closes,
    epoch,
    moment,
    on_grid,
)
from live_trader.errors import BadBar, BadData

CASES = json.loads((Path(__file__).parents[1] / "cases" / "bars.json").read_text())
NOON = datetime(2024, 3, 1, 12, tzinfo=UTC)
TICKER = Ticker("AUDUSD", Timeframe.M1)
PRICES = ("open", "high", "low", "close")


def bar(slot: int, close: float = 1.0) -> Bar:
    """A bar of the minute so many after noon."""
    return Bar(NOON + timedelta(minutes=slot), 1.0, max(1.0, close), min(1.0, close), close, float(abs(slot)))


def held(window: Window | Tape) -> list[Bar]:
    """The bars a window or a tape shows, by way of its columns."""
    columns = (window.open, window.high, window.low, window.close, window.volume)
    return [
        Bar(moment(int(time)), *map(float, row))
        for time, row in zip(window.times, zip(*columns, strict=True), strict=True)
    ]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_bar_is_possible_or_is_not_made(case):
    """Every case of the table, with the reason word for word."""
    given_ = dict(case["bar"])
    opened = datetime.fromisoformat(given_.pop("opened"))
    values = {name: float(value) for name, value in given_.items()}
    if case["reason"] is None:
        made = Bar(opened, **values)
        assert (made.low, made.high) == (values["low"], values["high"])
        return
    with pytest.raises(BadBar) as refusal:
        Bar(opened, **values)
    assert case["reason"] in str(refusal.value)


def test_the_table_of_bars_is_large_enough():
    assert len([case for case in CASES if case["reason"]]) >= 30
    assert len({case["name"] for case in CASES}) == len(CASES)


@settings(max_examples=1000)
@given(values=st.tuples(*[st.one_of(st.floats(), st.sampled_from([1e-15, 1.0, 1.5, 2.0, 1e15]))] * 5))
def test_a_bar_can_be_made_exactly_when_it_is_possible(values):
    """Whatever floats there are, also those nobody thought of."""
    open, high, low, close, volume = values
    possible = 1e-15 <= low <= min(open, close) <= max(open, close) <= high <= 1e15 and 0 <= volume <= 1e24
    try:
        Bar(NOON, *values)
    except BadBar:
        assert not possible or np.isnan(values).any()
    else:
        assert possible


@pytest.mark.parametrize("zone", [None, timezone(timedelta(hours=1)), ZoneInfo("UTC")])
def test_a_bar_is_stamped_in_utc_itself(zone):
    """Zones that merely coincide with UTC are for the edge to translate."""
    with pytest.raises(BadBar, match=r"is not stamped in UTC"):
        Bar(datetime(2024, 3, 1, tzinfo=zone), 1.0, 1.0, 1.0, 1.0, 0.0)


@given(when=st.integers(-10_000_000_000, 10_000_000_000))
def test_moments_and_epochs_are_the_same_thing(when):
    assert epoch(moment(when)) == when
    assert moment(when).tzinfo is UTC


@pytest.mark.parametrize("timeframe", Timeframe)
def test_a_bar_opens_on_the_grid_and_closes_one_timeframe_later(timeframe):
    """Midnight is on every grid; a second later only that of S1; a microsecond later none."""
    midnight = datetime(2024, 3, 1, tzinfo=UTC)
    assert on_grid(timeframe, midnight)
    assert on_grid(timeframe, midnight + timedelta(seconds=1)) == (timeframe is Timeframe.S1)
    assert not on_grid(timeframe, midnight + timedelta(microseconds=1))
    assert closes(timeframe, midnight) == midnight + timedelta(seconds=timeframe.seconds)


def test_the_timeframes_of_the_contract():
    assert " ".join(Timeframe.__members__) == "S1 S5 S10 S15 S30 M1 M3 M5 M10 M15 M30 H1 H4 D1"
    assert sorted(Timeframe, reverse=True)[0] is Timeframe.D1
    assert Timeframe.parse("H4").seconds == 4 * 60 * 60
    with pytest.raises(BadData, match=r"'m1' is not a timeframe. Use one of S1, S5"):
        Timeframe.parse("m1")
    with pytest.raises(TypeError):
        _ = Timeframe.M1 < 60


@pytest.mark.parametrize("symbol", ["AUDUSD", "NSE_EQ|INE171A01029", "BTC-USD", "6E=F", "M&M", "A" * 64])
def test_a_ticker_reads_back_what_it_prints(symbol):
    ticker = Ticker(symbol, Timeframe.M15)
    assert Ticker.parse(str(ticker)) == ticker
    assert Ticker.parse(f"  {symbol}  M15 ") == ticker
    assert pickle.loads(pickle.dumps(ticker)) == ticker


@pytest.mark.parametrize(
    "symbol",
    ["", ".", "..", "a/b", "../x", "a..b", "-x", "|x", "A" * 65, "A B", "A\n", "a\\b", "é", "a\0", "²"],
)
def test_a_symbol_is_safe_as_part_of_a_path(symbol):
    with pytest.raises(BadData, match=r"is not a symbol"):
        Ticker(symbol, Timeframe.M1)


@pytest.mark.parametrize("text", ["", "AUDUSD", "M1", "AUDUSD M2", "AUD USD M1", "AUDUSD\tM1"])
def test_what_is_not_a_ticker_is_refused(text):
    with pytest.raises(BadData):
        Ticker.parse(text)


def test_tickers_sort_by_symbol_then_timeframe():
    names = ["B M1", "A H1", "A S5", "B S1", "A M1"]
    assert [str(each) for each in sorted(map(Ticker.parse, names))] == [
        "A S5",
        "A M1",
        "A H1",
        "B S1",
        "B M1",
    ]


@given(slots=st.sets(st.integers(-1000, 1000)))
def test_a_tape_gives_its_bars_back(slots):
    bars = [bar(slot, 1.0 + slot / 2000) for slot in sorted(slots)]
    tape = Tape.of(TICKER, bars)
    assert len(tape) == len(bars)
    assert list(tape.bars()) == bars == held(tape)
    half = len(bars) // 2
    assert list(tape.cut(half, len(bars)).bars()) == bars[half:]


@pytest.mark.parametrize("slots", [(1, 0), (0, 0), (0, 2, 1)])
def test_a_tape_out_of_order_is_refused(slots):
    with pytest.raises(BadData, match=r"not in order of time"):
        Tape.of(TICKER, [bar(slot) for slot in slots])


def test_a_cut_shares_its_memory():
    tape = Tape.of(TICKER, [bar(slot) for slot in range(10)])
    assert np.shares_memory(tape.cut(2, 5).close, tape.close)


@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_windows_behave_as_lists_that_are_copied(data):
    """Pushed on, forked, pushed again: each shows its own last bars for ever, whoever shares its reel."""
    length = data.draw(st.integers(1, 5))
    start = [bar(slot) for slot in range(length)]
    known = [(Window.of(TICKER, length, start), start)]
    for step in range(data.draw(st.integers(1, 12))):
        window, bars = data.draw(st.sampled_from(known[-4:]))
        for _ in range(data.draw(st.sampled_from([1, 1, 2, 130, 300]))):
            slot = epoch(bars[-1].opened - NOON + moment(0)) // 60 + data.draw(st.sampled_from([1, 1, 7]))
            new = bar(slot, 1.0 + step / 100)
            before, window, bars = window, window.push(new), [*bars[1:], new]
            assert not window.follows(window)
            assert not before.follows(window)
        known.append((window, bars))
        for one, its in known:
            assert held(one) == its == list(one.tape.bars())
            assert (one.last, one.end, len(one)) == (its[-1], epoch(its[-1].opened), length)
            assert one.latest == [its[-1].open, its[-1].high, its[-1].low, its[-1].close, its[-1].volume]
        for one, its in known:
            for other, others in known:
                assert not one.follows(other) or its[:-1] == others[1:]


def test_a_window_pushed_straight_on_always_follows():
    """Through full reels too, which are replaced about every 256 bars."""
    windows = [Window.of(TICKER, 3, [bar(slot) for slot in range(3)])]
    for slot in range(3, 2000):
        windows.append(windows[-1].push(bar(slot)))
    assert all(later.follows(earlier) for earlier, later in pairwise(windows))
    assert not any(later.follows(earlier) for earlier, later in zip(windows, windows[2:], strict=False))


@pytest.mark.parametrize("pushed", range(250, 262))
def test_a_fork_never_follows_what_it_did_not_come_from(pushed):
    """Two different bars pushed onto one window, on either side of a full reel."""
    window = Window.of(TICKER, 2, [bar(0), bar(1)]).extend(bar(slot) for slot in range(2, pushed))
    told, revised = window.push(bar(pushed, 1.5)), window.push(bar(pushed, 2.5))
    after = revised.push(bar(pushed + 1))
    assert told.follows(window)
    assert not after.follows(told)
    assert after.follows(revised)
    assert [each.close[-1] for each in (told, revised)] == [1.5, 2.5]
    assert held(after) == [bar(pushed, 2.5), bar(pushed + 1)]


def test_a_push_copies_nothing_until_the_reel_is_full():
    window = Window.of(TICKER, 300, [bar(slot) for slot in range(300)])
    assert np.shares_memory(window.close, window.push(bar(300)).close)


def test_nobody_can_write_into_a_window():
    """It shares its memory with others, so it shows it for reading only."""
    window = Window.of(TICKER, 3, [bar(slot) for slot in range(3)])
    for column in (window.times, *(getattr(window, name) for name in (*PRICES, "volume"))):
        with pytest.raises(ValueError, match=r"read-only"):
            column[0] = 7
    assert held(window) == [bar(slot) for slot in range(3)]


def test_a_window_does_not_change_with_the_tape_it_was_cut_from():
    tape = Tape.of(TICKER, [bar(slot) for slot in range(5)])
    window = Window.ending(tape, 2, 4)
    tape.close[:] = 9.0
    assert held(window) == [bar(2), bar(3)]


PLACES = {
    "the next": (bar(5), Place.NEXT),
    "after a gap of one": (bar(6), Place.GAP),
    "after a week-end": (bar(5 + 48 * 60), Place.GAP),
    "the last again": (bar(4), Place.REPEATED),
    "an earlier one again": (bar(1), Place.REPEATED),
    "the last, revised": (bar(4, 1.25), Place.REVISED),
    "an earlier one, revised": (bar(1, 0.5), Place.REVISED),
    "in a gap of the window": (bar(3), Place.OLDER),
    "the one before the window": (bar(0), Place.OLDER),
    "long ago": (bar(-100), Place.OLDER),
}


@pytest.mark.parametrize(("new", "place"), PLACES.values(), ids=PLACES)
def test_where_a_bar_stands(new, place):
    """Against a window of minutes 1, 2 and 4."""
    window = Window.of(TICKER, 3, [bar(0), bar(1), bar(2), bar(4)])
    assert window.place(new) is place
    if place in (Place.NEXT, Place.GAP):
        assert window.push(new).last == new
    else:
        with pytest.raises(BadData, match=r"is not newer than"):
            window.push(new)


def test_a_window_finds_the_bars_it_holds():
    window = Window.of(TICKER, 3, [bar(0), bar(1), bar(2), bar(4)])
    found = [window.at(NOON + timedelta(minutes=slot)) for slot in range(6)]
    assert found == [None, bar(1), bar(2), None, bar(4), None]


@pytest.mark.parametrize(("length", "count"), [(0, 3), (-1, 3), (4, 3), (1, 0)])
def test_a_window_needs_bars_enough(length, count):
    with pytest.raises(BadData, match=rf"has {count} bars where its window needs {length}"):
        Window.of(TICKER, length, [bar(slot) for slot in range(count)])


@pytest.mark.parametrize(("length", "end"), [(3, 2), (1, 6), (0, 3), (2, -1), (6, 6)])
def test_a_window_cannot_reach_out_of_its_tape(length, end):
    tape = Tape.of(TICKER, [bar(slot) for slot in range(5)])
    with pytest.raises(BadData, match=r"has no window of"):
        Window.ending(tape, length, end)
