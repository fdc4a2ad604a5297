"""Where settings come from: a TOML file, then `.env`, then the environment, then the command line."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from live_trader.edge.settings.leaves import LEAVES, build, checked, nearest
from live_trader.edge.settings.tree import Settings
from live_trader.errors import BadSettings

CONFIG = Path("instant_trader.toml")
DOTENV = Path(".env")
_PREFIX = "TRADER__"
_LARGEST = 1 << 20
_CLASSIC = {
    "ADRESS": "server.address",
    "WORK_PATH": "farm.work_path",
    "TICKERS_PATH": "farm.models_path",
    "my_id": "farm.id",
    "threshold": "farm.threshold",
}
_SECTIONS = frozenset(key.rpartition(".")[0] for key in LEAVES)
_TICKER = ("SYMBOL", "TIMEFRAME")
_ZERO = "CLASSIC_ZERO_IS_SHORT"
_ZERO_KEYS = ("classic.zero_is_short", "server.embedded.classic_zero_is_short")


class Given(NamedTuple):
    """One setting as somebody gave it; `name` is how it is called there."""

    key: str
    value: Any
    name: str
    origin: str


@dataclass(frozen=True, slots=True)
class Loaded:
    """The merged settings, and for each key where its value came from."""

    settings: Settings
    sources: Mapping[str, str]

    @property
    def configured(self) -> bool:
        """Whether a settings file or `.env` says anything: with neither, the demonstration runs."""
        return any(
            origin not in ("default", "environment", "command line") for origin in self.sources.values()
        )

    def rows(self) -> Iterator[tuple[str, Any, str]]:
        """Every key with its value, which a secret keeps to itself, and where it came from."""
        for key, origin in self.sources.items():
            value: Any = self.settings
            for name in key.split("."):
                value = getattr(value, name)
            yield key, repr(value) if LEAVES[key].secret else value, origin


def load(
    config: Path | None = None,
    env: Mapping[str, str] | None = None,
    dotenv: Path | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> Loaded:
    """The settings of `instant_trader.toml` < `.env` < the environment < the command line.

    The two files are those of the current folder unless others are named; a named one must exist.
    """
    values: dict[str, Any] = {}
    sources = dict.fromkeys(LEAVES, "default")
    for given in _given(config, os.environ if env is None else env, dotenv, overrides or {}):
        values[given.key] = checked(given.key, given.value, given.name, given.origin)
        sources[given.key] = given.origin
    return Loaded(build(values), sources)


def _given(
    config: Path | None, env: Mapping[str, str], dotenv: Path | None, overrides: Mapping[str, Any]
) -> Iterator[Given]:
    if config is not None or CONFIG.exists():
        yield from _from_toml(config or CONFIG)
    if dotenv is not None or DOTENV.exists():
        yield from _from_dotenv(dotenv or DOTENV)
    for name, value in env.items():
        if name.upper().startswith(_PREFIX) or name == _ZERO:
            yield from _named(name, value, "environment")
    for key, value in overrides.items():
        if key not in LEAVES:
            raise BadSettings(f"there is no setting {key}", nearest(key, LEAVES))
        if LEAVES[key].secret:
            raise BadSettings(
                f"{key} was given on the command line, where everybody can read it",
                f"Put it into the environment as {_spelled(key)}, or into a file",
            )
        yield Given(key, value, key, "command line")


def _from_toml(path: Path) -> Iterator[Given]:
    text = _text(path)
    try:
        tree = tomllib.loads(text)
    except (ValueError, RecursionError) as fault:
        raise BadSettings(f"{path} is not TOML: {fault}") from None
    yield from _flattened(tree, "", str(path))


def _flattened(tree: Mapping[str, Any], prefix: str, origin: str) -> Iterator[Given]:
    for name, value in tree.items():
        key = prefix + name
        if key in LEAVES:
            yield Given(key, value, key, origin)
        elif key not in _SECTIONS:
            raise BadSettings(
                f"{origin}: there is no setting {key[:80]!r}", nearest(key, (*_SECTIONS, *LEAVES))
            )
        elif isinstance(value, dict):
            yield from _flattened(value, key + ".", origin)
        else:
            raise BadSettings(f"{origin}: {key} is a section", f"Write [{key}] and its settings below")


def _from_dotenv(path: Path) -> Iterator[Given]:
    from io import StringIO

    from dotenv.parser import parse_stream

    pairs: dict[str, str] = {}
    for binding in parse_stream(StringIO(_text(path))):
        if binding.error or (binding.key is not None and binding.value is None):
            raise BadSettings(f"{path}, line {binding.original.line}, is not NAME=value")
        if binding.key is not None:
            pairs[binding.key] = binding.value or ""
    symbol, timeframe = (pairs.pop(name, None) for name in _TICKER)
    if symbol is not None or timeframe is not None:
        if not symbol or not timeframe:
            raise BadSettings(f"{path}: SYMBOL and TIMEFRAME name one ticker", "Give both, or neither")
        yield Given("farm.tickers", f"{symbol} {timeframe}", "SYMBOL and TIMEFRAME", str(path))
    for name, value in pairs.items():
        yield from _named(name, value, str(path))


def _named(name: str, value: str, origin: str) -> Iterator[Given]:
    """What a name in the environment or in `.env` sets."""
    if name == _ZERO:
        keys: tuple[str, ...] = _ZERO_KEYS
    elif name.upper().startswith(_PREFIX):
        keys = (name[len(_PREFIX) :].lower().replace("__", "."),)
    else:
        keys = (_CLASSIC.get(name, ""),)
    if keys[0] not in LEAVES:
        known = (*map(_spelled, LEAVES), *_CLASSIC, *_TICKER, _ZERO)
        raise BadSettings(f"{origin}: there is no setting {name[:80]!r}", nearest(name, known))
    for key in keys:
        yield Given(key, value, name, origin)


def _spelled(key: str) -> str:
    return _PREFIX + key.upper().replace(".", "__")


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
        if len(content) > _LARGEST:
            raise BadSettings(f"{path} has more than {_LARGEST} bytes and cannot be a settings file")
        return content.decode("utf-8-sig")
    except OSError as fault:
        raise BadSettings(f"{path} cannot be read: {fault.strerror}", "Name another with --config") from None
    except ValueError:
        raise BadSettings(f"{path} is not UTF-8 text") from None
