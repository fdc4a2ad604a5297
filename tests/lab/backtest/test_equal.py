"""The hard gate: skipping from wish to wish gives the trades of the bar-by-bar path, to the last digit.

Every later optimisation has to pass here, over random tapes, strategies and settings; `make chaos` draws
twenty times as many.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import time
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from live_trader.core.bars import Tape, Timeframe
from live_trader.core.fills import FillAt, Market
from live_trader.core.instruments import Instrument
from live_trader.core.plans import plan_of
from live_trader.core.risk import Limits
from live_trader.core.sizing import OnNeutral, OnOpposite, Plan, Sides
from live_trader.core.strategies.chartist import Chartist
from live_trader.core.strategies.registry import STRATEGIES, make
from live_trader.lab.backtest import Entrant, Terms, run, stepwise, swift, wishes

Walk = Callable[..., Tape]
MORE = 20 if os.environ.get("CHAOS") else 1


def decimals(*values: str) -> st.SearchStrategy[Decimal]:
    return st.sampled_from([Decimal(value) for value in values])


def maybe(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | values


stops = st.sampled_from(
    [
        {"stop_atr": 1.5},
        {"stop_atr": 0.3},
        {"stop_atr": 6.0},
        {"stop_atr": None},
        {"stop_atr": None, "stop_part": 0.002},
    ]
)
targets = st.sampled_from(
    [
        {"target_ratio": 1.2},
        {"target_ratio": 0.2},
        {"target_ratio": None},
        {"target_ratio": None, "target_part": 0.003},
    ]
)
plans = st.builds(
    lambda stop, target, rest: Plan(**stop, **target, **rest),
    stops,
    targets,
    st.fixed_dictionaries(
        {
            "sides": st.sampled_from(Sides),
            "on_neutral": st.sampled_from(OnNeutral),
            "on_opposite": st.sampled_from(OnOpposite),
            "risk": maybe(decimals("0.005", "0.05")),
            "max_position": decimals("0.2", "1", "3.3"),
            "funds": maybe(decimals("1000", "12345.67")),
            "atr_bars": st.integers(1, 20),
            "volume_bars": st.integers(1, 25),
            "cool_down_s": st.sampled_from([0, 0, 600]),
            "hours": st.sampled_from([None, None, (time(0), time(1)), (time(23, 30), time(0, 30))]),
        }
    ),
)
limits = st.builds(
    Limits,
    max_drawdown=decimals("0.01", "0.15", "5"),
    max_leverage=decimals("0.5", "3"),
    max_daily_loss=maybe(decimals("0.002", "0.03")),
    max_trades_a_day=maybe(st.integers(1, 10)),
    max_symbol=maybe(decimals("0.1", "2")),
    max_currency=maybe(decimals("0.3", "2")),
)
markets = st.builds(
    Market,
    fill_at=st.sampled_from(FillAt),
    slippage=st.sampled_from([0.0, 0.0, 0.0003]),
    fee_rate=decimals("0", "0.00002", "0.001"),
    fee_minimum=decimals("0", "1"),
    fee_fixed=decimals("0", "0.333"),
)
instruments = st.builds(
    Instrument,
    symbol=st.just("EURUSD"),
    currency=st.sampled_from(["USD", "JPY"]),
    base=st.sampled_from(["", "EUR"]),
    tick=decimals("0.00001", "0.0005", "0.01"),
    lot=decimals("1", "0.1", "1000"),
    minimum=decimals("1", "1000"),
    maximum=maybe(decimals("5000")),
    multiplier=decimals("1", "2.5"),
    volume=st.booleans(),
)
shapes = st.fixed_dictionaries(
    {
        "gaps": st.sampled_from([0.0, 0.05]),
        "still": st.sampled_from([0.0, 0.3]),
        "decimals": st.sampled_from([3, 5, 7]),
        "step": st.sampled_from([0.0003, 0.002, 0.02]),
        "timeframe": st.sampled_from([Timeframe.M1, Timeframe.H1]),
    }
)


def both_ways(entrant: Entrant, terms: Terms) -> None:
    """Run it either way and demand the same trades, refusals and cash."""
    told = wishes(entrant)
    assert told is not None
    slow, quick = stepwise([entrant], terms), swift(entrant, terms, told)
    assert quick.trades == slow.trades
    assert quick.fingerprint == slow.fingerprint
    assert quick.refused == slow.refused
    assert quick.cash == slow.cash


def asks(tape: Tape, spread: float) -> Tape:
    """The same tape a spread higher."""
    return Tape(
        tape.ticker,
        tape.times,
        *(column + spread for column in (tape.open, tape.high, tape.low, tape.close)),
        tape.volume,
    )


@given(
    seed=st.integers(0, 2**32 - 1),
    often=st.sampled_from([1, 3, 12]),
    length=st.integers(3, 420),
    shape=shapes,
    plan=plans,
    limit=limits,
    market=markets,
    instrument=instruments,
    weight=decimals("1", "0.37"),
    spread=st.sampled_from([None, None, 0.0004]),
)
@pytest.mark.timeout(1200)
@settings(max_examples=400 * MORE, deadline=None)
@example(
    seed=199,
    often=3,
    length=230,
    shape={"gaps": 0.0, "still": 0.0, "decimals": 3, "step": 0.0003, "timeframe": Timeframe.M1},
    plan=Plan(risk=None, atr_bars=5),
    limit=Limits(max_leverage=Decimal("0.5")),
    market=Market(),
    instrument=Instrument(
        symbol="EURUSD",
        currency="USD",
        tick=Decimal("0.00001"),
        lot=Decimal(1),
        minimum=Decimal(1),
        volume=False,
    ),
    weight=Decimal(1),
    spread=None,
)
def test_any_wishes_on_any_tape_under_any_settings(
    walk: Walk,
    whim: Any,
    seed: int,
    often: int,
    length: int,
    shape: dict[str, Any],
    plan: Plan,
    limit: Limits,
    market: Market,
    instrument: Instrument,
    weight: Decimal,
    spread: float | None,
) -> None:
    tape = walk(seed, length, **shape)
    ask = None if spread is None else asks(tape, spread)
    terms = Terms({"EURUSD": instrument}, Decimal(100_000), "USD", limit, market, {"JPY": Decimal("0.00671")})
    both_ways(Entrant("w", tape, whim(seed, often), plan, weight, ask), terms)


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("name", list(STRATEGIES))
@given(seed=st.integers(0, 2**32 - 1), plan=st.none() | plans, market=markets)
@settings(max_examples=6 * MORE, deadline=None)
@example(seed=1, plan=None, market=Market())
def test_every_strategy_with_its_own_plan_and_with_any(
    walk: Walk, eurusd: Instrument, name: str, seed: int, plan: Plan | None, market: Market
) -> None:
    kind = STRATEGIES[name]
    quick: dict[str, Any] = {"long": 20} if name == "ma_rsi" else {}
    if name == "filtered_cross":
        quick = {"higher": "H4", "trend": 4}
    tape = walk(seed, 500, timeframe=Timeframe.H1, gaps=0.01)
    strategy: Chartist = make(kind, Timeframe.H1, quick)
    limit = Limits(max_daily_loss=None)
    both_ways(
        Entrant(name, tape, strategy, plan or plan_of(kind)),
        Terms({"EURUSD": eurusd}, limits=limit, market=market),
    )


def test_trades_that_last_long_are_found_however_far_away_they_end(
    walk: Walk, eurusd: Instrument, whim: Any
) -> None:
    tape = walk(5, 3000, step=0.0001)
    plan = Plan(stop_atr=40.0, sides=Sides.LONG, on_opposite=OnOpposite.CLOSE)
    entrant = Entrant("w", tape, whim(5, 300), plan)
    both_ways(entrant, Terms({"EURUSD": eurusd}))
    lasting = [trade.closed - trade.opened for trade in run(entrant, Terms({"EURUSD": eurusd})).trades]
    assert max(lasting).total_seconds() > 60 * 200


def test_the_gate_sees_trades_of_every_kind(walk: Walk, eurusd: Instrument, whim: Any) -> None:
    reasons: set[str] = set()
    refused: set[str] = set()
    for seed in range(12):
        plan = Plan(
            on_neutral=OnNeutral.CLOSE if seed % 2 else OnNeutral.HOLD,
            cool_down_s=600,
            hours=(time(0), time(20)),
        )
        limit = Limits(max_drawdown=Decimal("0.001"), max_trades_a_day=9)
        entrant = Entrant("w", walk(seed, 1500), whim(seed, 6), plan)
        found = run(
            entrant, Terms({"EURUSD": eurusd}, limits=limit, market=Market(fee_rate=Decimal("0.0002")))
        )
        reasons |= {trade.reason for trade in found.trades}
        refused |= set(found.refused)
    assert reasons >= {"stop", "target", "opposite", "neutral"}
    assert refused >= {"drawdown", "trades today", "trading hours", "cool-down after a stop"}


def test_a_strategy_that_tells_no_columns_is_run_bar_by_bar(
    walk: Walk, eurusd: Instrument, whim: Any
) -> None:
    class Asked:
        """The same whim, asked bar by bar."""

        memory = 3

        def decide(self, window: Any) -> Any:
            return whim(3).decide(window)

        def prepare(self, window: Any) -> None:
            """Nothing to prepare."""

    tape, terms = walk(3, 400), Terms({"EURUSD": eurusd})
    asked, told = Entrant("w", tape, Asked(), Plan()), Entrant("w", tape, whim(3), Plan())
    assert wishes(asked) is None
    assert run(asked, terms) == run(told, terms)
    assert len(run(told, terms).trades) > 20


def test_no_wish_is_heard_before_the_strategy_remembers_enough(walk: Walk, whim: Any) -> None:
    told = wishes(Entrant("w", walk(1, 50), whim(1, 1), Plan()))
    assert told is not None
    assert not np.any(told[:2])
    assert np.any(told[2:4])
