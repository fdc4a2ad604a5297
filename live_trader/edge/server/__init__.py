"""The embedded server: both protocols over one durable store, in one process."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from live_trader.edge.clock import Clock
from live_trader.edge.server.options import ServerSettings

if TYPE_CHECKING:
    from live_trader.core.drift import Tolerance
    from live_trader.edge.shelf import Shelf


def serve(
    settings: ServerSettings,
    folder: Path,
    *,
    bots: Iterable[str] = (),
    clock: Clock | None = None,
    on_ready: Callable[[int], None] = lambda port: None,
    shelf: Shelf | None = None,
    tolerance: Tolerance | None = None,
) -> None:
    """Serve from this folder in this process until TERM or INT; `on_ready` is told the port once it answers.

    The folder holds the store and the tokens, which are made when they are missing: one for each scope, and
    one for each of these bots. The dashboard shows the bundles of the shelf, whose bots
    are held when their features drift beyond the tolerance, where there is one.
    """
    from live_trader.edge.server.running import Server
    from live_trader.edge.server.tokens import Registry

    clock = clock or Clock()
    Registry(folder, clock).ensure(tuple(bots))
    server = Server(settings, folder, clock, on_ready, shelf, tolerance)
    # Next to nothing here refers to itself, and a look at thousands of connections takes hundredths of a
    # second: a chore of the server's does it once a minute.
    gc.freeze()
    gc.disable()
    server.run()
