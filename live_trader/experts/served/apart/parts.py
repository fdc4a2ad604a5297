"""Reading the fitted parts of other people's objects, or saying which one is missing."""

from __future__ import annotations

from typing import Any

from live_trader.errors import NotServable

ITSELF = "Serve the pipeline itself"


def kind(thing: object) -> str:
    """The library and the class of this object: only the library's own classes are known by it."""
    return f"{type(thing).__module__.partition('.')[0]}.{type(thing).__qualname__}"


def part(thing: object, name: str) -> Any:
    """A fitted attribute, public or not; a library that does not have it is another one than was proven."""
    try:
        return getattr(thing, name)
    except AttributeError:
        raise not_servable(f"{kind(thing)} has no {name}: it is not fitted, or of another version") from None


def not_servable(reason: str) -> NotServable:
    """The error with this reason."""
    return NotServable(reason, ITSELF)


def demand(holds: bool, reason: str) -> None:
    """Raise NotServable with the reason unless this holds."""
    if not holds:
        raise not_servable(reason)
