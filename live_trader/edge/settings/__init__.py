"""Settings, read once at the door into one frozen tree; reading them imports nothing heavy."""

from live_trader.edge.server.options import ServerSettings
from live_trader.edge.settings.address import Address
from live_trader.edge.settings.leaves import LEAVES
from live_trader.edge.settings.secret import Secret
from live_trader.edge.settings.sources import Loaded, load
from live_trader.edge.settings.tree import (
    Classic,
    Demo,
    Desk,
    Farm,
    Feed,
    Notices,
    Paper,
    Restart,
    Server,
    Settings,
)

__all__ = [
    "LEAVES",
    "Address",
    "Classic",
    "Demo",
    "Desk",
    "Farm",
    "Feed",
    "Loaded",
    "Notices",
    "Paper",
    "Restart",
    "Secret",
    "Server",
    "ServerSettings",
    "Settings",
    "load",
]
