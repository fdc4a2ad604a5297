"""Risk and sizing: System 1's figures, every cap, and every no with its rule and figures."""

from datetime import UTC, datetime, time
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from live_trader.core.bars import Bar, moment
from live_trader.core.gauges import average_range, volume_factor
from live_trader.core.instruments import Instrument
from live_trader.core.portfolio import TradingState
from live_trader.core.risk import Account, Approval, Ask, Limits, Refusal, verdict
from live_trader.core.sizing import Plan, Sides, bracket
from live_trader.errors import BadSettings

SHARE = Instrument(
    symbol="RELIANCE", currency="INR", tick=Decimal("0.01"), lot=Decimal(1), minimum=Decimal(1)
)
MILLION = Decimal(1_000_000)
NOON = datetime(2024, 5, 6, 12, tzinfo=UTC)
ONE = Decimal(1)


def account(**more: Any) -> Account:
    facts: dict[str, Any] = {
        "state": TradingState.ACTIVE,
        "equity": MILLION,
        "peak": MILLION,
        "day_began_with": MILLION,
        "trades_today": 0,
        "open_trades": 0,
    }
    return Account(**{**facts, **more})


def judged(
    plan: Plan | None = None,
    limits: Limits | None = None,
    *,
    close: float = 1993.53,
    atr: float = 8.57,
    sign: int = 1,
    factor: Decimal = ONE,
    weight: Decimal = ONE,
    when: datetime = NOON,
    instrument: Instrument = SHARE,
    **facts: Any,
) -> Approval | Refusal:
    plan = plan or Plan()
    ask = Ask("s", when, bracket(plan, instrument, sign, close, atr), factor, weight, ONE)
    return verdict(limits or Limits(), plan, instrument, ask, account(**facts))


def test_a_recorded_entry_of_system_1_is_sized_as_it_was() -> None:
    around = bracket(Plan(), SHARE, 1, 1993.53, 8.57)
    assert (around.stop, around.target) == (Decimal("1980.67"), Decimal("2008.96"))
    assert judged() == Approval(Decimal(100), "position size")


def test_a_wide_stop_makes_the_risk_per_trade_decide() -> None:
    answer = judged(atr=40.0)
    assert answer == Approval(Decimal(83), "risk per trade")
    assert 83 * Decimal(60) <= MILLION * Decimal("0.005") < 84 * Decimal(60)


@pytest.mark.parametrize(("factor", "quantity"), [("1.2", 100), ("1", 83), ("0.8", 66)])
def test_volume_scales_the_risk(factor: str, quantity: int) -> None:
    assert judged(atr=40.0, factor=Decimal(factor)) == Approval(Decimal(quantity), "risk per trade")


@pytest.mark.parametrize(
    ("plan", "limits", "facts", "expected"),
    [
        ({}, {}, {"gross": Decimal(2_900_000)}, Approval(Decimal(50), "leverage")),
        ({"funds": Decimal(10_000)}, {}, {}, Approval(Decimal(5), "funds")),
        (
            {},
            {"max_symbol": Decimal("0.1")},
            {"symbol": Decimal(0)},
            Approval(Decimal(50), "exposure of the symbol"),
        ),
        (
            {},
            {"max_currency": Decimal("0.5")},
            {"currency": Decimal(480_000)},
            Approval(Decimal(10), "exposure of the currency"),
        ),
    ],
)
def test_every_cap_trims_and_says_so(
    plan: dict[str, Any], limits: dict[str, Any], facts: dict[str, Any], expected: Approval
) -> None:
    assert judged(Plan(**plan), Limits(**limits), **facts) == expected


def test_the_instruments_maximum_trims_too() -> None:
    small = Instrument(
        symbol="S", currency="INR", tick=Decimal("0.01"), lot=ONE, minimum=ONE, maximum=Decimal(7)
    )
    assert judged(instrument=small) == Approval(Decimal(7), "maximum size")


def test_a_weight_is_a_share_of_everything() -> None:
    assert judged(weight=Decimal("0.5")) == Approval(Decimal(50), "position size")


@pytest.mark.parametrize(
    ("rule", "figure", "limit", "facts"),
    [
        ("trading state", "REDUCING", "ACTIVE", {"state": TradingState.REDUCING}),
        ("trading state", "HALTED", "ACTIVE", {"state": TradingState.HALTED}),
        ("equity", "0", "above 0", {"equity": Decimal(0)}),
        ("equity", "-5", "above 0", {"equity": Decimal(-5)}),
        ("drawdown", "0.150001", "0.15", {"equity": Decimal(849_999)}),
        ("daily loss", "0.030000", "0.03", {"equity": Decimal(970_000)}),
        ("open trades", "6", "6", {"open_trades": 6}),
        ("price", "0.00", "above 0", {"close": 0.001}),
        ("stop distance", "0.00", "at least one tick", {"atr": 0.0}),
        ("stop price", "-100.00", "above 0", {"close": 50.0, "atr": 100.0}),
        ("target price", "-130.00", "above 0", {"close": 50.0, "atr": 100.0, "sign": -1}),
        ("minimum size after leverage", "0", "at least 1", {"gross": Decimal(3_000_000)}),
        ("minimum size after position size", "0", "at least 1", {"close": 300_000.0}),
    ],
)
def test_every_no_names_its_rule_its_figure_and_its_limit(
    rule: str, figure: str, limit: str, facts: dict[str, Any]
) -> None:
    answer = judged(**facts)
    assert isinstance(answer, Refusal)
    assert (answer.rule, answer.figure, answer.limit) == (rule, figure, limit)
    assert rule in answer.sentence
    assert figure in answer.sentence
    assert limit in answer.sentence


def test_fifteen_per_cent_of_drawdown_is_still_allowed_and_a_day_without_loss_limit_too() -> None:
    answer = judged(limits=Limits(max_daily_loss=None), equity=Decimal(850_000))
    assert isinstance(answer, Approval)


def test_so_many_trades_a_day_and_no_more() -> None:
    limits = Limits(max_trades_a_day=2)
    assert isinstance(judged(limits=limits, trades_today=1), Approval)
    refused = judged(limits=limits, trades_today=2)
    assert isinstance(refused, Refusal)
    assert refused.rule == "trades today"


@pytest.mark.parametrize(
    ("hours", "hour", "allowed"),
    [
        ((time(9, 20), time(15)), 9, False),
        ((time(9, 20), time(15)), 10, True),
        ((time(9, 20), time(15)), 15, False),
        ((time(22), time(6)), 23, True),
        ((time(22), time(6)), 3, True),
        ((time(22), time(6)), 6, False),
    ],
)
def test_trading_hours_may_run_over_midnight(hours: tuple[time, time], hour: int, allowed: bool) -> None:
    answer = judged(Plan(hours=hours), when=NOON.replace(hour=hour))
    assert isinstance(answer, Approval) is allowed
    if isinstance(answer, Refusal):
        assert answer.rule == "trading hours"


def test_a_slot_cools_down_after_a_stop() -> None:
    plan = Plan(cool_down_s=600)
    early = judged(plan, stopped=NOON.replace(minute=0), when=NOON.replace(minute=9))
    assert isinstance(early, Refusal)
    assert (early.rule, early.figure, early.limit) == ("cool-down after a stop", "540 s", "600 s")
    assert isinstance(judged(plan, stopped=NOON, when=NOON.replace(minute=10)), Approval)


def test_a_stop_can_be_a_share_of_the_price_or_left_out() -> None:
    part = bracket(Plan(stop_atr=None, stop_part=0.01), SHARE, -1, 200.0, 0.0)
    assert (part.stop, part.target) == (Decimal("202.00"), Decimal("197.60"))
    none = bracket(Plan(stop_atr=None, target_ratio=None), SHARE, 1, 200.0, 5.0)
    assert (none.stop, none.target) == (None, None)
    assert judged(Plan(stop_atr=None, target_ratio=None)) == Approval(Decimal(100), "position size")


@pytest.mark.parametrize(
    "setting",
    [
        {"stop_atr": 1.0, "stop_part": 0.1},
        {"risk": Decimal(0)},
        {"max_position": Decimal(-1)},
        {"stop_atr": 0.0},
        {"target_ratio": -1.0},
        {"atr_bars": 0},
        {"cool_down_s": -1},
    ],
)
def test_a_plan_that_cannot_be_followed_is_refused(setting: dict[str, Any]) -> None:
    with pytest.raises(BadSettings):
        Plan(**setting)


@pytest.mark.parametrize("name", Limits.__struct_fields__)
def test_a_limit_of_nothing_is_refused(name: str) -> None:
    with pytest.raises(BadSettings, match=name):
        Limits(**{name: 0})


def test_sides_allow_what_they_say() -> None:
    assert [(side.allows(1), side.allows(-1)) for side in Sides] == [
        (True, True),
        (True, False),
        (False, True),
    ]


def bars(*rows: tuple[float, float, float, float, float]) -> list[Bar]:
    return [Bar(moment(60 * at), *row) for at, row in enumerate(rows)]


def test_the_true_range_reaches_back_to_the_close_before() -> None:
    seen = bars((10, 11, 9, 10, 1), (14, 15, 13, 14, 1), (5, 6, 4, 5, 1))
    assert average_range(seen, 2) == (5.0 + 10.0) / 2
    assert average_range(seen, 3) == 0.0


def test_volume_is_compared_with_its_mean() -> None:
    plan = Plan(volume_bars=4)
    flat = [(10.0, 11.0, 9.0, 10.0, 100.0)] * 3
    assert volume_factor(bars(*flat, (10, 11, 9, 10, 400)), plan) == Decimal("1.2")
    assert volume_factor(bars(*flat, (10, 11, 9, 10, 50)), plan) == Decimal("0.8")
    assert volume_factor(bars(*flat, (10, 11, 9, 10, 100)), plan) == ONE
    assert volume_factor(bars(*flat), plan) == ONE
    assert volume_factor(bars(*[(10.0, 11.0, 9.0, 10.0, 0.0)] * 4), plan) == ONE


money = st.decimals(1, 10**7, places=2)


@given(
    equity=money,
    gross=money,
    close=st.floats(0.5, 5000),
    atr=st.floats(0.01, 50),
    sign=st.sampled_from([1, -1]),
    weight=st.decimals("0.01", 1, places=2),
)
def test_no_approval_ever_passes_a_limit(
    equity: Decimal, gross: Decimal, close: float, atr: float, sign: int, weight: Decimal
) -> None:
    plan, limits = Plan(), Limits(max_daily_loss=None)
    around = bracket(plan, SHARE, sign, close, atr)
    ask = Ask("s", NOON, around, ONE, weight, ONE)
    facts = account(equity=equity, peak=equity, gross=gross)
    answer = verdict(limits, plan, SHARE, ask, facts)
    if isinstance(answer, Approval):
        value, capital = answer.quantity * around.price, equity * weight
        assert answer.quantity % SHARE.lot == 0
        assert answer.quantity >= SHARE.minimum
        assert value <= capital * plan.max_position
        assert value + gross <= limits.max_leverage * equity
        assert plan.risk is not None
        assert answer.quantity * around.distance <= capital * plan.risk
