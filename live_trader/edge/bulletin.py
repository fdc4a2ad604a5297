"""What a farm tells of its children: one page beside its figures, which the embedded server reads."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from msgspec import DecodeError, Struct
from msgspec.json import Decoder, encode

from live_trader.edge.clock import Clock

FILE: Final = "children.json"
_FRESH_S: Final = 30.0


class ChildText(Struct, frozen=True, kw_only=True):
    """One child as the farm knows it: its state, why it is in it, and what mends that.

    `drift` is the PSI of its bundle, as far as that was measured, and `held` why its signals are all 0.5.
    """

    name: str
    state: str
    reason: str = ""
    mends: str = ""
    restarts: int = 0
    drift: float | None = None
    held: str = ""


class Bulletin(Struct, frozen=True, kw_only=True):
    """All children of the farm whose bots have this id."""

    id: str
    children: tuple[ChildText, ...] = ()


_DECODER: Final = Decoder(Bulletin)


def post(run_path: Path, bot_id: str, children: Iterable[ChildText]) -> None:
    """Put the page in place of the last one, whole."""
    draft = run_path / f"{FILE}.new"
    with contextlib.suppress(OSError):  # a full disk costs the page, not the farm
        draft.write_bytes(encode(Bulletin(id=bot_id, children=tuple(children))))
        draft.replace(run_path / FILE)


def seen(run_path: Path, clock: Clock) -> Bulletin | None:
    """The page, unless nobody keeps it up to date any more."""
    path = run_path / FILE
    try:
        if clock.now().timestamp() - path.stat().st_mtime > _FRESH_S:
            return None
        return _DECODER.decode(path.read_bytes())
    except (OSError, DecodeError, UnicodeDecodeError):
        return None
