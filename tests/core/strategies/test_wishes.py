"""What each strategy wishes on tapes a person can follow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from live_trader.core.bars import Tape, Ticker, Timeframe, Window
from live_trader.core.strategies import Listener, Silent
from live_trader.core.strategies.registry import STRATEGIES, make, named
from live_trader.errors import BadSettings

H1 = Timeframe.H1


def hours(closes: Sequence[float], reach: float = 0.0, start: int = 0) -> Tape:
    """Bars that open at the close before and reach a little beyond both."""
    close = np.array(closes, dtype=np.float64)
    open_ = np.concatenate((close[:1], close[:-1]))
    times = 3600 * (start + np.arange(len(close), dtype=np.int64))
    high, low = np.maximum(open_, close) + reach, np.minimum(open_, close) - reach
    return Tape(Ticker("X", H1), times, open_, high, low, close, np.ones(len(close)))


def wished(name: str, tape: Tape, **parameters: Any) -> list[int]:
    strategy = make(STRATEGIES[name], tape.ticker.timeframe, parameters)
    return [int(each) for each in strategy.wishes(tape)]


def test_an_sma_cross_speaks_on_the_bar_of_the_cross_alone() -> None:
    tape = hours([10, 10, 9, 8, 9, 12, 13, 13, 9, 5, 5])
    assert wished("sma_cross", tape, fast=2, slow=3) == [0, 0, 0, 0, 0, 1, 0, 0, -1, 0, 0]


def test_a_filtered_cross_needs_the_longer_timeframe_on_its_side() -> None:
    rising = [100.0 + at for at in range(40)]
    dip = [*rising, 135, 134, 139, 142, 145]
    assert 1 in wished("filtered_cross", hours(dip), fast=2, slow=3, higher="H4", trend=3)[40:]
    falling = [200.0 - at for at in range(40)]
    rally = [*falling, 158, 157, 163, 166, 169]
    assert wished("sma_cross", hours(rally), fast=2, slow=3)[42] == 1
    assert 1 not in wished("filtered_cross", hours(rally), fast=2, slow=3, higher="H4", trend=3)[40:43]


def test_a_donchian_breakout_is_a_cross_and_leaves_at_the_end_or_the_middle_or_after_its_time() -> None:
    flat = [100.0, 101.0, 99.0, 100.0]
    up = [*flat, 103, 104, 105, 102.2, 102.0, 98.0]
    other_end = wished("donchian", hours(up), length=3, exit=1, hold=10)
    middle = wished("donchian", hours(up), length=3, exit=2, hold=10)
    assert other_end[4:] == [1, 1, 1, 1, -1, -1]
    assert middle[4:] == [1, 1, 1, 0, -1, -1]
    assert wished("donchian", hours([*flat, 103, 103, 103, 103]), length=3, hold=2)[4:] == [1, 1, 0, 0]


def test_averages_with_an_rsi_buy_a_dip_in_a_rise_once_and_for_a_while() -> None:
    rise = [100.0 + 2 * at for at in range(60)]
    wishes = wished("ma_rsi", hours([*rise, 210, 209, 208]), long=20, oversold=50, hold=2, offset=1)
    assert wishes[60:] == [0, 1, 1]
    later = wished("ma_rsi", hours([*rise, 210, 209, 208]), long=20, oversold=50, hold=2, offset=2)
    assert later[60:] == [0, 0, 1]


def test_a_reversal_buys_a_break_that_was_taken_back() -> None:
    tape = hours([100, 101, 100, 101, 100.5, 100.5, 100.5])
    tape.low[4] = 98.0
    assert wished("reversal", tape, length=3, hold=2) == [0, 0, 0, 0, 1, 1, 0]


def test_a_level_counts_when_it_was_touched_often_enough() -> None:
    closes = [100, 105, 100, 105, 100, 105, 100, 107, 107]
    assert wished("support_resistance", hours(closes), length=6, touches=3, hold=9)[6:] == [0, 1, 1]
    assert wished("support_resistance", hours(closes), length=6, touches=7, hold=9)[6:] == [0, 0, 0]


@pytest.mark.parametrize(("name", "days"), [("trend", 1), ("trend2day", 2), ("trend3day", 3)])
def test_a_trend_looks_back_its_days(name: str, days: int) -> None:
    closes = [100.0] * 24 * days + [101.0] + [100.0 - at for at in range(1, 5)]
    wishes = wished(name, hours(closes))
    assert wishes[: 24 * days] == [0] * 24 * days
    assert wishes[24 * days] == 1
    assert wishes[24 * days + 1] == -1


def test_a_trend_of_minutes_thinks_once_an_hour() -> None:
    minutes = np.arange(3000, dtype=np.int64)
    close = 100 + np.sin(minutes / 50)
    tape = Tape(Ticker("X", Timeframe.M1), minutes * 60, close, close, close, close, close)
    wishes = np.array(wished("trend", tape))
    changes = np.flatnonzero(np.diff(wishes)) + 1
    assert len(changes) == 10
    assert not np.any(changes % 60)


def test_an_opening_range_is_followed_until_its_session_ends() -> None:
    closes = [100, 100, 101, 99, 100, 102, 103, 98, 100, 100, 100, 100]
    tape = hours(closes, start=22)
    wishes = wished("open_range", tape, opens=0, minutes=120, lasts=480)
    assert wishes == [0, 0, 0, 0, 0, 1, 1, -1, -1, -1, 0, 0]


def test_yesterdays_range_sets_how_far_is_far() -> None:
    yesterday = [100.0] * 12 + [110.0] * 12
    tape = hours([*yesterday, 110, 114, 116, 112, 104, 110])
    assert wished("volatility", tape, part=0.5)[24:] == [0, 0, 1, 1, -1, -1]


def test_a_trend_day_opens_at_one_end_of_a_wide_range_and_stands_at_the_other() -> None:
    quiet = ([100.0] * 12 + [104.0] * 12) * 2
    tape = hours([*quiet, 104, 105, 107, 109, 109, 107])
    assert wished("trend_day", tape, days=2)[48:] == [0, 0, 0, 1, 1, 1]


@pytest.mark.parametrize(
    ("name", "parameters", "message"),
    [
        ("sma_cross", {"fast": "12", "slow": "5"}, "slow is 5"),
        ("sma_cross", {"fast": 0}, "fast is 0"),
        ("sma_cross", {"fast": "five"}, "fast='five'"),
        ("sma_cross", {"quick": 5}, "There are: fast, slow"),
        ("donchian", {"exit": 3}, "exit is 3"),
        ("donchian", {"hold": 0}, "hold is 0"),
        ("open_range", {"lasts": 20}, "lasts is 20"),
        ("open_range", {"opens": 1440}, "longer than a day"),
        ("filtered_cross", {"higher": "M30"}, "higher is M30"),
        ("filtered_cross", {"fast": 20}, "slow is 12"),
        ("support_resistance", {"near": -0.1}, "near is -0.1"),
        ("trend", {"days": 0}, "days is 0"),
    ],
)
def test_a_parameter_that_cannot_be_is_refused_by_name(name: str, parameters: Any, message: str) -> None:
    with pytest.raises(BadSettings, match=message):
        make(STRATEGIES[name], H1, parameters)


def test_a_misspelt_strategy_is_answered_with_the_nearest() -> None:
    with pytest.raises(BadSettings, match="Did you mean donchian"):
        named("donchain")
    with pytest.raises(BadSettings, match="There are sma_cross"):
        named("xyz")


def test_an_unfinished_longer_window_is_no_obstacle_to_a_short_one() -> None:
    tape = hours([10, 10, 9, 8, 9, 12])
    strategy = make(STRATEGIES["sma_cross"], H1, {"fast": 2, "slow": 3})
    assert strategy.decide(Window.ending(tape, 6, 6)).direction.sign == 1


def test_whoever_inherits_silence_is_a_listener() -> None:
    assert isinstance(Silent(), Listener)
    assert not isinstance(make(STRATEGIES["sma_cross"], H1, {}), Listener)
