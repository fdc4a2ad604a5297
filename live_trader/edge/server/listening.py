"""The socket a server listens on, or the sentence why there is none."""

from __future__ import annotations

import socket
import time

from live_trader.edge.server.options import ServerSettings
from live_trader.errors import BadSettings

_PATIENCE_S = 3.0
_AGAIN_S = 0.1


def listening(settings: ServerSettings) -> socket.socket:
    """A socket on the address of the settings."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    found = socket.socket(family, socket.SOCK_STREAM)
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind((settings.host, settings.port))
    except OSError as fault:
        found.close()
        raise BadSettings(
            f"the server cannot listen on {settings.host}:{settings.port}: {fault.strerror}",
            "Stop whatever has this port, or set another: server.embedded.port",
        ) from None
    return found


def demand_free(settings: ServerSettings) -> None:
    """This address can be listened on, or will be soon, as when a killed farm is about to be gone."""
    until = time.monotonic() + _PATIENCE_S
    while True:
        try:
            listening(settings).close()
        except BadSettings:
            if time.monotonic() >= until:
                raise
            time.sleep(_AGAIN_S)
        else:
            return
