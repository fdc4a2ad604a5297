"""Finished stages of training on disk, each under the hash of everything it depends on."""

from __future__ import annotations

import hashlib
import os
import time
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import numpy as np

from live_trader import core, lab
from live_trader.errors import TraderError
from live_trader.experts import served
from live_trader.experts.bundle import libraries

T = TypeVar("T", bound=msgspec.Struct)

_LEARNING = ("course.py", "families.py", "search.py", "spans.py", "walk.py")
_UNUSED_S = 30 * 86_400


class Stages:
    """A folder of finished stages; one that is damaged or foreign counts as not done."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load(self, key: str, kind: type[T]) -> T | None:
        """The finished stage of this key, or None."""
        path = self._path(key)
        try:
            raw = path.read_bytes()
            os.utime(path)
        except OSError:
            return None
        digest, body = raw[:32], raw[32:]
        if hashlib.sha256(body).digest() != digest:
            return None
        return msgspec.msgpack.decode(body, type=kind)

    def store(self, key: str, value: msgspec.Struct) -> None:
        """Keep a finished stage, whole or not at all."""
        body = msgspec.msgpack.encode(value)
        path = self._path(key)
        partial = path.with_suffix(f".{os.getpid()}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            partial.write_bytes(hashlib.sha256(body).digest() + body)
            partial.replace(path)
        except OSError as fault:
            with suppress(OSError):
                partial.unlink()
            raise TraderError(
                f"a finished stage cannot be kept in {self._folder}: {fault.strerror}",
                "Make room or give the folder to this user; what was kept before is not lost",
            ) from fault

    def sweep(self, now: float | None = None) -> None:
        """Remove what nobody has asked for in a month."""
        oldest = (time.time() if now is None else now) - _UNUSED_S
        for path in self._folder.glob("*/*"):
            if path.stat().st_mtime < oldest:
                path.unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        return self._folder / key[:2] / f"{key}.stage"


def key(*parts: Any) -> str:
    """The hash of these parts, of the program that learns and of its libraries."""
    digest = hashlib.sha256(_program().encode())
    for part in parts:
        body = _bytes(part)
        digest.update(len(body).to_bytes(8, "big") + body)
    return digest.hexdigest()


def _bytes(part: Any) -> bytes:
    if isinstance(part, np.ndarray):
        return part.tobytes()
    return part.encode() if isinstance(part, str) else msgspec.json.encode(part, order="deterministic")


@cache
def _program() -> str:
    """The hash of what decides how bars become models: our own rooms and the libraries they use."""
    digest = hashlib.sha256(msgspec.json.encode(libraries()))
    rooms = [Path(lab.__path__[0]) / name for name in _LEARNING]
    floors = [path for floor in (core, served) for path in sorted(Path(floor.__path__[0]).rglob("*.py"))]
    for path in floors + rooms:
        digest.update(path.read_bytes())
    return digest.hexdigest()
