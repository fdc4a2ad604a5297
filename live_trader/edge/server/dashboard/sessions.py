"""Who may look at the dashboard: links that open it once, and the sessions they open."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from live_trader.edge.clock import Clock
from live_trader.edge.stamp import Stamp, stamp
from live_trader.errors import BadSettings
from live_trader.experts.bundle.atomic import alone, replace

LINK_LASTS: Final = timedelta(hours=1)
SESSION_LASTS: Final = timedelta(days=7)
_MOST: Final = 200


class Pass(Struct, frozen=True, kw_only=True):
    """What is kept of a link or session: its digest, until when it holds, whether it may change anything."""

    digest: str
    until: datetime
    admin: bool = False


class _File(Struct, frozen=True):
    links: tuple[Pass, ...] = ()
    sessions: tuple[Pass, ...] = ()


class Sessions:
    """The links and sessions of one server folder, kept hashed, so that a restart logs nobody out."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder = folder
        self._path = folder / "sessions.json"
        self._clock = clock
        self._stamp: Stamp | None = None
        self._held: dict[str, Pass] = {}
        self._links: frozenset[str] = frozenset()

    @property
    def untouched(self) -> bool:
        """Whether nobody was ever given a link here."""
        return not self._path.exists()

    def invite(self, *, admin: bool = True) -> str:
        """A new key that opens one session within the hour."""
        key = secrets.token_urlsafe(32)
        now = self._clock.now()
        made = Pass(digest=_digest(key), until=now + LINK_LASTS, admin=admin)
        with alone(self._folder):
            held = self._read()
            self._write(_File((*_valid(held.links, now), made), _valid(held.sessions, now)))
        return key

    def enter(self, key: str) -> tuple[str, Pass] | None:
        """The session that a key opens, which is then spent; None when it is unknown, spent or expired."""
        digest, now = _digest(key), self._clock.now()
        self._look()
        if digest not in self._links:
            return None  # guesses wait for no lock
        with alone(self._folder):
            held = self._read()
            links = _valid(held.links, now)
            found = next((each for each in links if hmac.compare_digest(each.digest, digest)), None)
            if found is None:
                return None
            token = secrets.token_urlsafe(32)
            made = Pass(digest=_digest(token), until=now + SESSION_LASTS, admin=found.admin)
            left = tuple(each for each in links if each is not found)
            self._write(_File(left, (*_valid(held.sessions, now), made)))
        return token, made

    def holder(self, token: str) -> Pass | None:
        """The session of this token while it lasts."""
        self._look()
        found = self._held.get(_digest(token))
        return found if found and found.until > self._clock.now() else None

    def leave(self, token: str) -> None:
        """End this session."""
        digest, now = _digest(token), self._clock.now()
        with alone(self._folder):
            held = self._read()
            left = tuple(each for each in _valid(held.sessions, now) if each.digest != digest)
            self._write(_File(_valid(held.links, now), left))

    def _look(self) -> None:
        try:
            seen = stamp(self._path)
        except FileNotFoundError:
            self._held, self._links = {}, frozenset()
            return
        if seen != self._stamp:
            file = self._read()
            self._held = {each.digest: each for each in file.sessions}
            self._links = frozenset(each.digest for each in file.links)
            self._stamp = seen

    def _read(self) -> _File:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=_File)
        except FileNotFoundError:
            return _File()
        except (msgspec.DecodeError, UnicodeDecodeError) as fault:
            raise BadSettings(
                f"{self._path} is damaged: {fault}", "Remove it, and ask for a new link"
            ) from None

    def _write(self, file: _File) -> None:
        replace(self._path, msgspec.json.format(msgspec.json.encode(file)))


def answer_to_forgery(token: str) -> str:
    """What every change must carry beside the cookie, so that no other page can make it."""
    return hashlib.sha256(b"not forged:" + token.encode()).hexdigest()


def _valid(passes: tuple[Pass, ...], now: datetime) -> tuple[Pass, ...]:
    return tuple(each for each in passes if each.until > now)[-_MOST:]


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()
