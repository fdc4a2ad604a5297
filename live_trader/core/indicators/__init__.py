"""The registry of indicators: everything a recipe may name."""

from __future__ import annotations

from difflib import get_close_matches

from live_trader.core.indicators.classic import CLASSIC
from live_trader.core.indicators.foreign import borrowed
from live_trader.core.indicators.indicator import LONGEST, Columns, Indicator, Length, Past, Stream
from live_trader.core.indicators.standard import STANDARD
from live_trader.errors import BadRecipe

__all__ = ["CLASSIC", "LONGEST", "REGISTRY", "Columns", "Indicator", "Length", "Past", "Stream", "find"]

REGISTRY: dict[str, Indicator] = {each.name: each for each in (*CLASSIC, *STANDARD)}


def find(name: str) -> Indicator:
    """The indicator of this name."""
    if name.startswith("ta."):
        return borrowed(name[3:])
    found = REGISTRY.get(name)
    if found is None:
        near = get_close_matches(name, REGISTRY, 1)
        raise BadRecipe(f"{name!r} is not an indicator", f"Did you mean {near[0]!r}?" if near else "")
    return found
