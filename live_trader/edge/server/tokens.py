"""Who may do what: tokens with one scope each, kept hashed, changed without a restart."""

from __future__ import annotations

import hashlib
import hmac
import logging
import re
import secrets
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Final, TypeVar

import msgspec
from msgspec import Struct

from live_trader.edge.clock import Clock
from live_trader.edge.stamp import Stamp, stamp
from live_trader.edge.wire import bot_id
from live_trader.errors import BadSettings, Refused
from live_trader.experts.bundle.atomic import alone, replace

log = logging.getLogger(__name__)

SHORTEST: Final = 32
"""A token with fewer characters than this is served on loopback only."""

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}", re.ASCII)
_Kind = TypeVar("_Kind")
_LOOK_AGAIN_S: Final = 1.0


class Scope(Enum):
    """What a token is for; every scope may also read."""

    READ = "read"
    BOT = "bot"
    FEED = "feed"
    DESK = "desk"
    ADMIN = "admin"

    def covers(self, needed: Scope) -> bool:
        """Whether a token of this scope may do what needs that one."""
        return needed is Scope.READ or self in (needed, Scope.ADMIN)


class Entry(Struct, frozen=True, kw_only=True):
    """What is kept of a token: everything but the token."""

    name: str
    scope: Scope
    bot: str = ""
    digest: str
    length: int
    made_at: datetime


class _File(Struct, frozen=True):
    tokens: list[Entry] = []


class _Own(Struct, frozen=True):
    tokens: dict[str, str] = {}


class Registry:
    """The tokens of one server folder, and the plain ones that its own farm uses."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self.path = folder / "tokens.json"
        self.own_path = folder / "own-tokens.json"
        self._folder = folder
        self._clock = clock

    def listed(self) -> list[Entry]:
        """Every token there is, without the tokens."""
        return _read(self.path, _File, _File()).tokens

    def own(self) -> dict[str, str]:
        """The farm's own tokens by name: read, feed, desk, admin, and bot-ID for each of its bots."""
        return _read(self.own_path, _Own, _Own()).tokens

    def make(self, scope: Scope, *, bot: str = "", name: str = "", chosen: str = "") -> str:
        """A new token, shown this once; `chosen` keeps a word of the caller's own instead."""
        with alone(self._folder):
            return self._make(scope, bot, name, chosen)

    def revoke(self, name: str) -> None:
        """Make this token worthless at once."""
        with alone(self._folder):
            self._drop(self._found(name))

    def rotate(self, name: str) -> str:
        """A new token under the same name and rights; the old one is worthless at once."""
        with alone(self._folder):
            entry, own = self._found(name), self.own()
            self._drop(entry)
            token = self._make(entry.scope, entry.bot, entry.name, "")
            if name in own:
                self._write_own({**own, name: token})
            return token

    def ensure(self, bots: tuple[str, ...]) -> dict[str, str]:
        """The farm's own tokens, made now where they are missing."""
        with alone(self._folder):
            own, kept = self.own(), {entry.name for entry in self.listed()}
            wanted: list[tuple[str, Scope, str]] = [
                (scope.value, scope, "") for scope in Scope if scope is not Scope.BOT
            ]
            wanted += [(f"bot-{bot}", Scope.BOT, bot) for bot in bots]
            missing = [each for each in wanted if each[0] not in own or each[0] not in kept]
            for name, scope, bot in missing:
                for stale in [entry for entry in self.listed() if entry.name == name]:
                    self._drop(stale)
                own[name] = self._make(scope, bot, name, "")
            if missing:
                self._write_own(own)
            return own

    def _make(self, scope: Scope, bot: str, name: str, chosen: str) -> str:
        if (scope is Scope.BOT) != bool(bot):
            raise Refused("a bot token is for one id, and no other token is", "Name the bot: --bot trader")
        if bot:
            bot_id(bot)
        entries = self.listed()
        name = name or f"{scope.value}-{secrets.token_hex(3)}"
        if not _NAME.fullmatch(name):
            raise Refused(f"{name!r} is not a name for a token", "Use letters, digits and . _ - only")
        if any(entry.name == name for entry in entries):
            raise Refused(
                f"there is a token named {name} already", "Revoke or rotate it, or take another name"
            )
        token = chosen or secrets.token_urlsafe(32)
        if any(entry.digest == _digest(token) for entry in entries):
            raise Refused("this token is in use under another name", "Choose another")
        entry = Entry(
            name=name,
            scope=scope,
            bot=bot,
            digest=_digest(token),
            length=len(token),
            made_at=self._clock.now(),
        )
        self._write([*entries, entry])
        return token

    def _found(self, name: str) -> Entry:
        for entry in self.listed():
            if entry.name == name:
                return entry
        raise Refused(f"there is no token named {name!r}", "See them with: instant-trader tokens list")

    def _drop(self, entry: Entry) -> None:
        self._write([each for each in self.listed() if each.name != entry.name])

    def _write(self, entries: list[Entry]) -> None:
        replace(self.path, msgspec.json.format(msgspec.json.encode(_File(entries))))

    def _write_own(self, own: dict[str, str]) -> None:
        replace(self.own_path, msgspec.json.format(msgspec.json.encode(_Own(own))))


class Guard:
    """Tells who is behind a token; sees at once what is new in the registry, in a second what went."""

    def __init__(self, registry: Registry, clock: Clock, shortest: int = 0) -> None:
        self._registry = registry
        self._shortest = shortest
        self._clock = clock
        self._looked = -_LOOK_AGAIN_S
        self._stamp: Stamp | None = None
        self._known: dict[bytes, Entry] = {}

    def holder(self, token: str) -> Entry | None:
        """The entry of this token, or None; the time this takes says nothing about the tokens there are."""
        digest = hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
        if digest not in self._known or self._clock.monotonic() - self._looked >= _LOOK_AGAIN_S:
            self._look()
        entry = self._known.get(digest)
        expected = bytes.fromhex(entry.digest) if entry else bytes(len(digest))
        return entry if hmac.compare_digest(digest, expected) else None

    def _look(self) -> None:
        self._looked = self._clock.monotonic()
        try:
            seen: Stamp | None = stamp(self._registry.path)
            if seen != self._stamp:
                listed = [each for each in self._registry.listed() if each.length >= self._shortest]
                self._known = {bytes.fromhex(each.digest): each for each in listed}
        except (OSError, BadSettings) as fault:
            seen, self._known = None, {}
            log.error("nobody is let in, because the tokens cannot be read", extra={"cause": fault})
        self._stamp = seen


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _read(path: Path, kind: type[_Kind], missing: _Kind) -> _Kind:
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except FileNotFoundError:
        return missing
    except (msgspec.DecodeError, UnicodeDecodeError) as fault:
        raise BadSettings(f"{path} is damaged: {fault}", "Remove it; new tokens are then made") from None
