"""The plan a strategy is traded by when its settings say nothing else."""

from __future__ import annotations

from typing import Any

from live_trader.core.sizing import OnNeutral, Plan
from live_trader.core.strategies.chartist import Chartist
from live_trader.core.strategies.daily import Trend


def plan_of(kind: type[object], **settings: Any) -> Plan:
    """The usual plan for strategies of this kind, with these settings in place of its own.

    A chartist that says neutral when it wants nothing is closed on neutral. A trend of days has no target;
    its stop lies 1 % away, that of several days 10 %.
    """
    usual: dict[str, Any] = {}
    if issubclass(kind, Chartist) and kind.neutral_closes:
        usual["on_neutral"] = OnNeutral.CLOSE
    if issubclass(kind, Trend):
        far = 0.01 if kind is Trend else 0.1
        usual |= {"stop_atr": None, "stop_part": far, "target_ratio": None}
    if settings.get("stop_atr") is not None:
        usual["stop_part"] = None
    if settings.get("stop_part") is not None:
        usual["stop_atr"] = None
    return Plan(**{**usual, **settings})
