"""`deployed.json`: which bundle of a ticker is served, which was before, and how it came so."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec.structs import replace

from live_trader.errors import BadBot, BadBundle
from live_trader.experts.bundle import atomic

NAME = "deployed.json"
_KEPT = 100  # moves remembered: enough to see how it came, little enough to read at every poll

What = Literal["deploy", "shadow", "promote", "withdraw", "rollback"]


_VERSION = r"[0-9]{8}T[0-9]{6}Z-[0-9a-f]{8}"
Version = Annotated[str, msgspec.Meta(pattern=rf"\A{_VERSION}\Z")]
Folder = Annotated[str, msgspec.Meta(pattern=rf"\A[0-9]{{4,9}}-{_VERSION}\Z")]


class Slot(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One copy of a bundle in the deployed folder; `forced` holds the judge's reasons a person overruled."""

    version: Version
    folder: Folder
    forced: tuple[str, ...] = ()


class Move(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One change of what is deployed."""

    at: datetime
    what: What
    version: Version
    forced: bool = False


class Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is deployed for one ticker; the champion is traded, the shadow only watched."""

    format: Literal[1] = 1
    champion: Slot
    previous: Slot | None = None
    shadow: Slot | None = None
    history: tuple[Move, ...] = ()

    @property
    def folders(self) -> frozenset[str]:
        """The folders that are still needed."""
        return frozenset(each.folder for each in (self.champion, self.previous, self.shadow) if each)

    def crowned(self, slot: Slot) -> Record:
        """This slot as champion, the one it replaces as the one before."""
        previous = self.previous if self.champion.version == slot.version else self.champion
        shadow = None if self.shadow and self.shadow.version == slot.version else self.shadow
        return replace(self, champion=slot, previous=previous, shadow=shadow)

    def beside(self, slot: Slot) -> Record:
        """This slot as shadow of the champion."""
        if self.champion.version == slot.version:
            raise BadBot(f"{slot.version} is the champion already", "Name another version as its shadow")
        return replace(self, shadow=slot)

    def rolled_back(self) -> Record:
        """The one before as champion, and the champion as the one before."""
        if self.previous is None:
            raise BadBot("there is no bundle before the deployed one", "Deploy another version")
        return replace(self, champion=self.previous, previous=self.champion)

    def promoted(self) -> Record:
        """The shadow as champion."""
        return self.crowned(self.challenger)

    def withdrawn(self) -> Record:
        """No shadow any more."""
        _ = self.challenger
        return replace(self, shadow=None)

    @property
    def challenger(self) -> Slot:
        """The shadow, which must be there."""
        if self.shadow is None:
            raise BadBot("there is no shadow", "Deploy one with: instant-trader deploy ... --shadow")
        return self.shadow


def read(folder: Path) -> Record | None:
    """What is deployed in this folder, or None when nothing ever was."""
    try:
        raw = (folder / NAME).read_bytes()
    except FileNotFoundError:
        return None
    try:
        return msgspec.json.decode(raw, type=Record)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadBundle(
            f"{folder / NAME} is damaged: {error}", "Deploy again: it starts a new record"
        ) from None


def save(folder: Path, record: Record, what: What, slot: Slot, at: datetime) -> Record:
    """Put this record in force, with one more move in its history."""
    moves = (*record.history, Move(at, what, slot.version, bool(slot.forced)))[-_KEPT:]
    record = replace(record, history=moves)
    atomic.replace(folder / NAME, msgspec.json.format(msgspec.json.encode(record), indent=1) + b"\n")
    return record
