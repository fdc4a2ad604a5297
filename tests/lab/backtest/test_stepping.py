"""The bar-by-bar path: many strategies on one account, longer timeframes, listeners, failures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from live_trader.core.bars import Tape, Ticker, Timeframe, Window
from live_trader.core.fills import FillAt, Market
from live_trader.core.instruments import Instrument
from live_trader.core.resample import resample
from live_trader.core.risk import Limits
from live_trader.core.signals import Decision
from live_trader.core.sizing import OnFailure, Plan
from live_trader.core.strategies import Silent
from live_trader.core.strategies.chartist import decision
from live_trader.errors import BadData, BadSettings
from live_trader.lab.backtest import Entrant, Terms, run, stepwise

Walk = Callable[..., Tape]
HALF = Decimal("0.5")


@dataclass
class Teller(Silent):
    """Goes long and short in turn, fails or talks nonsense when told to, and remembers what it heard."""

    memory: int = 20
    every: int = 10
    fails_at: int = 10**9
    answer: Any = None
    deaf_to: str = ""
    heard: list[str] = field(default_factory=list)
    asked: int = 0

    def decide(self, window: Window) -> Decision:
        self.asked += 1
        if self.asked >= self.fails_at:
            if self.answer is not None:
                return self.answer
            raise ZeroDivisionError("a slip")
        return decision([1, -1][self.asked // self.every % 2])

    def prepare(self, window: Window) -> None:
        """Nothing to prepare."""

    def on_start(self, window: Window) -> None:
        self._hear("start")

    def on_order(self, order: Any) -> None:
        self._hear(order.role.value)

    def on_trade(self, trade: Any) -> None:
        self._hear(trade.reason)

    def on_stop(self) -> None:
        self._hear("stop of the run")

    def _hear(self, what: str) -> None:
        if self.deaf_to == what:
            raise ValueError("will not hear it")
        self.heard.append(what)


def terms(eurusd: Instrument, **more: Any) -> Terms:
    return Terms({"EURUSD": eurusd}, limits=Limits(max_daily_loss=None), **more)


def test_a_strategy_on_half_the_account_trades_as_on_an_account_of_half_the_size(
    walk: Walk, whim: Any, eurusd: Instrument
) -> None:
    tape, plan = walk(1, 500), Plan(risk=None, funds=Decimal(1000))
    both = stepwise(
        [Entrant("a", tape, whim(1), plan, HALF), Entrant("b", tape, whim(2), plan, HALF)], terms(eurusd)
    )
    for bot, seed in (("a", 1), ("b", 2)):
        alone = run(Entrant(bot, tape, whim(seed), plan, HALF), terms(eurusd))
        mine = [trade for trade in both.trades if trade.slot.startswith(bot)]
        assert [(t.opened, t.closed, t.profit) for t in mine] == [
            (t.opened, t.closed, t.profit) for t in alone.trades
        ]
        assert len(mine) > 20
    assert both.cash == 100_000 + sum(trade.profit for trade in both.trades)


def test_what_others_hold_counts_against_the_accounts_limits(
    walk: Walk, whim: Any, eurusd: Instrument
) -> None:
    tape = walk(1, 500)
    entrants = [Entrant(f"s{n}", tape, whim(n), Plan(), Decimal("0.2")) for n in range(5)]
    limited = Terms({"EURUSD": eurusd}, limits=Limits(max_open_trades=2, max_daily_loss=None))
    assert stepwise(entrants, limited).refused.get("open trades", 0) > 10
    assert "open trades" not in stepwise(entrants, terms(eurusd)).refused


def test_a_longer_timeframe_is_dealt_on_the_shorter_bars_of_its_symbol(
    walk: Walk, whim: Any, eurusd: Instrument
) -> None:
    short = walk(3, 2000)
    long = resample(short, Timeframe.M15).tape
    done = stepwise(
        [Entrant("a", short, whim(1, 50), Plan(), HALF), Entrant("b", long, whim(1, 4), Plan(), HALF)],
        terms(eurusd),
    )
    mine = [trade for trade in done.trades if trade.slot.startswith("b@")]
    assert len(mine) > 5
    opens = dict(zip(short.times.tolist(), short.open.tolist(), strict=True))
    for trade in mine:
        at = int(trade.opened.timestamp())
        assert float(trade.entry) == pytest.approx(opens[at])
        assert at % 900 == 0 or at - 900 * (at // 900) > 0
    assert any(int(trade.closed.timestamp()) % 900 for trade in mine), "stops are met inside the longer bar"


def test_tapes_of_two_symbols_are_walked_in_the_order_of_time(
    walk: Walk, whim: Any, eurusd: Instrument
) -> None:
    one, other = walk(1, 400, gaps=0.1), walk(2, 300, gaps=0.1, symbol="GBPUSD", timeframe=Timeframe.M5)
    pound = Instrument(
        symbol="GBPUSD", currency="USD", tick=Decimal("0.00001"), lot=Decimal(1), minimum=Decimal(1)
    )
    done = stepwise(
        [Entrant("a", one, whim(1), Plan(), HALF), Entrant("b", other, whim(2), Plan(), HALF)],
        Terms({"EURUSD": eurusd, "GBPUSD": pound}, limits=Limits(max_daily_loss=None)),
    )
    assert "order of bars" not in done.refused
    assert "order of fills" not in done.refused
    assert {trade.ticker.symbol for trade in done.trades} == {"EURUSD", "GBPUSD"}


@pytest.mark.parametrize(
    ("teller", "reason"),
    [
        ({"fails_at": 15}, "raises"),
        ({"fails_at": 15, "answer": "LONG"}, "talks nonsense"),
        ({"fails_at": 15, "answer": 1}, "answers a number"),
        ({"deaf_to": "start"}, "fails as it starts"),
        ({"deaf_to": "entry"}, "fails on its order"),
    ],
)
@pytest.mark.parametrize("on_failure", list(OnFailure))
def test_a_strategy_that_fails_is_halted_and_the_others_run_on(
    walk: Walk, whim: Any, eurusd: Instrument, teller: dict[str, Any], reason: str, on_failure: OnFailure
) -> None:
    tape = walk(5, 300)
    far = Plan(on_failure=on_failure, stop_atr=50.0)
    bad, good = Teller(**teller), Entrant("good", tape, whim(1), Plan(), HALF)
    done = stepwise([Entrant("bad", tape, bad, far, HALF), good], terms(eurusd))
    assert done.refused["strategy"] == 1, reason
    assert len([trade for trade in done.trades if trade.slot.startswith("good")]) > 10
    ended = [trade.reason for trade in done.trades if trade.slot.startswith("bad")]
    if "fails_at" in teller:
        assert ended[-1] == ("failure" if on_failure is OnFailure.CLOSE else "end")
        assert bad.asked == 15, "it is not asked again"
    assert done.cash == 100_000 + sum(trade.profit for trade in done.trades)


def test_a_listener_hears_the_start_its_orders_its_trades_and_the_stop(
    walk: Walk, eurusd: Instrument
) -> None:
    teller = Teller()
    done = run(Entrant("a", walk(5, 120), teller, Plan()), terms(eurusd))
    assert teller.heard[:4] == ["start", "entry", "stop", "target"]
    assert teller.heard[-1] == "stop of the run"
    assert [each for each in teller.heard if each in ("opposite", "end")] == [
        trade.reason for trade in done.trades if trade.reason in ("opposite", "end")
    ]


@pytest.mark.parametrize("fill_at", list(FillAt))
def test_nothing_is_open_at_the_end(walk: Walk, whim: Any, eurusd: Instrument, fill_at: FillAt) -> None:
    for length in range(40, 60):
        entrant = Entrant("a", walk(9, length), whim(9, 2), Plan(stop_atr=90.0))
        done = stepwise([entrant], terms(eurusd, market=Market(fill_at=fill_at)))
        assert done.cash == 100_000 + sum(trade.profit for trade in done.trades)
        assert done.trades[-1].closed.timestamp() <= entrant.tape.times[-1] + 60


def test_what_cannot_be_run_is_refused_with_a_sentence(walk: Walk, whim: Any, eurusd: Instrument) -> None:
    tape = walk(1, 50)
    with pytest.raises(BadData, match="looks back on 60"):
        Entrant("a", tape, Teller(memory=60), Plan())
    with pytest.raises(BadData, match="bids and asks"):
        Entrant("a", tape, whim(1), Plan(), ask=walk(1, 49))
    for weight, rule in (("0", "weights"), ("1.1", "sum of weights")):
        with pytest.raises(BadSettings, match=rule):
            run(Entrant("a", tape, whim(1), Plan(), Decimal(weight)), terms(eurusd))
    with pytest.raises(BadSettings, match="EURUSD is unknown"):
        run(Entrant("a", tape, whim(1), Plan()), Terms({}))
    with pytest.raises(BadSettings, match="exchange rates"):
        run(Entrant("a", tape, whim(1), Plan()), Terms({"EURUSD": eurusd}, currency="CHF"))
    with pytest.raises(BadSettings, match="begins with 0"):
        run(Entrant("a", tape, whim(1), Plan()), Terms({"EURUSD": eurusd}, Decimal(0)))


def test_a_still_market_without_a_range_is_refused_by_name_and_not_divided_by(
    eurusd: Instrument, whim: Any
) -> None:
    still = np.full(200, 1.2)
    tape = Tape(
        Ticker("EURUSD", Timeframe.M1), 60 * np.arange(200, dtype=np.int64), still, still, still, still, still
    )
    done = run(Entrant("a", tape, whim(1), Plan()), terms(eurusd))
    assert done.trades == ()
    assert set(done.refused) == {"stop distance"}
