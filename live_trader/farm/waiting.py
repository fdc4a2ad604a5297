"""A long rest that nobody takes for a death."""

from __future__ import annotations

from collections.abc import Callable


def wait_out(seconds: float, piece: float, rest: Callable[[float], None], alive: Callable[[], None]) -> None:
    """Rest in pieces with a sign of life after each, since a server may ask for any pause it likes."""
    while seconds > piece:
        rest(piece)
        alive()
        seconds -= piece
    rest(max(0.0, seconds))
