"""Why live and past can differ."""

from __future__ import annotations

from enum import Enum


class Cause(Enum):
    """What was another then than it is now."""

    REVISED = "revised bar"
    GAP = "gap"
    LATE = "late signal"
    BUNDLE = "other bundle"
    SETTINGS = "other settings"
    LIBRARY = "other library version"
    MARKET = "market answered differently"
    UNKNOWN = "unknown"
