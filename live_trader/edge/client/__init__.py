"""How this program asks a server: as a bot, as a feed, or as the server's owner."""

from live_trader.edge.client.connect import connect, connect_admin, connect_feed
from live_trader.edge.client.server import News, Server
from live_trader.errors import Interrupted

__all__ = ["Interrupted", "News", "Server", "connect", "connect_admin", "connect_feed"]
