"""What can be known to be wrong with the settings of a farm before any part of it starts."""

from __future__ import annotations

from live_trader.edge.client import connect
from live_trader.edge.settings import Settings
from live_trader.edge.terms import Terms
from live_trader.errors import BadSettings


def refuse_unusable(settings: Settings) -> None:
    """One sentence where certificates cannot be read, or the desk could not trade by its terms."""
    with connect(settings):  # which reads certificates, and asks nothing yet
        pass
    if settings.desk.enabled:
        Terms.of(settings)
        refuse_live(settings)


def refuse_live(settings: Settings) -> None:
    """No broker here takes live orders."""
    if settings.desk.mode == "live":
        raise BadSettings(
            "desk.mode is live, and this program has no broker for live trading yet", 'Set it to "paper"'
        )
