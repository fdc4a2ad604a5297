"""The usual plan of each strategy, and what settings change of it."""

from live_trader.core.plans import plan_of
from live_trader.core.sizing import OnNeutral
from live_trader.core.strategies.registry import STRATEGIES


def test_a_strategy_that_speaks_of_turns_is_held_on_neutral_the_others_are_closed() -> None:
    held = {name for name, kind in STRATEGIES.items() if plan_of(kind).on_neutral is OnNeutral.HOLD}
    assert held == {"sma_cross", "filtered_cross"}
    assert plan_of(object).on_neutral is OnNeutral.HOLD


def test_a_trend_of_days_has_its_stop_further_away_and_no_target() -> None:
    parts = {name: plan_of(STRATEGIES[name]).stop_part for name in ("trend", "trend2day", "trend3day")}
    assert parts == {"trend": 0.01, "trend2day": 0.1, "trend3day": 0.1}
    assert plan_of(STRATEGIES["trend"]).target_ratio is None


def test_settings_come_first_and_one_stop_replaces_the_other() -> None:
    by_range = plan_of(STRATEGIES["trend"], stop_atr=2.0)
    assert (by_range.stop_atr, by_range.stop_part) == (2.0, None)
    by_share = plan_of(STRATEGIES["donchian"], stop_part=0.02, on_neutral=OnNeutral.HOLD)
    assert (by_share.stop_atr, by_share.stop_part, by_share.on_neutral) == (None, 0.02, OnNeutral.HOLD)
