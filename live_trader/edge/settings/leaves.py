"""Every single setting by its dotted key: what it must be, and the sentence when it is not."""

from __future__ import annotations

import difflib
import math
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, Final, Literal, NamedTuple, TypeVar

import msgspec
from msgspec import Meta, Struct

from live_trader.edge.settings.address import Address
from live_trader.edge.settings.secret import Secret
from live_trader.edge.settings.tree import Settings
from live_trader.errors import BadData, BadSettings

Kind = TypeVar("Kind", bound=Struct)
_PLAIN: Final = {
    str: "text",
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    Secret: "text",
}
_UNIONS: Final = (types.UnionType, typing.Union)
_NOTHING: Final = frozenset(("", "none", "null"))


class Leaf(NamedTuple):
    """What one setting must be."""

    kind: Any
    needs: str
    secret: bool
    optional: bool
    several: bool


def _leaves(kind: type[Struct], prefix: str = "") -> dict[str, Leaf]:
    found: dict[str, Leaf] = {}
    for field in msgspec.structs.fields(kind):
        key = prefix + field.name
        if isinstance(field.type, type) and issubclass(field.type, Struct):
            found |= _leaves(field.type, key + ".")
        else:
            found[key] = _leaf(field.type)
    return found


def _leaf(kind: Any) -> Leaf:
    members = typing.get_args(kind) if typing.get_origin(kind) in _UNIONS else (kind,)
    optional = types.NoneType in members
    core = next(each for each in members if each is not types.NoneType)
    needs = _needs(core) + (", or none" if optional else "")
    return Leaf(kind, needs, core is Secret, optional, typing.get_origin(core) is tuple)


def _needs(kind: Any) -> str:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is Annotated:
        described = (note.description for note in arguments[1:] if isinstance(note, Meta))
        return next(filter(None, described), None) or _needs(arguments[0])
    if origin is Literal:
        return "one of " + ", ".join(map(str, arguments))
    if origin is tuple:
        return "a list of texts" if arguments[0] is str else f"a list, each {_needs(arguments[0])}"
    return _PLAIN[kind]


LEAVES: Final[Mapping[str, Leaf]] = _leaves(Settings)


def checked(key: str, value: Any, name: str, origin: str) -> Any:
    """This value as the kind its setting has, or one sentence that says why not."""
    leaf = LEAVES[key]
    try:
        if isinstance(value, str):
            made = msgspec.convert(_typed(value, leaf), leaf.kind, strict=False, dec_hook=_hook)
        else:
            made = msgspec.convert(value, leaf.kind, dec_hook=_hook)
        _finite(made)
        _CHECKS.get(key, _well)(made)
    except (msgspec.ValidationError, OverflowError, RecursionError):
        raise BadSettings(_said(name, value, leaf, origin), f"Give {leaf.needs}") from None
    except (BadData, BadSettings) as fault:
        raise BadSettings(f"{_said(name, value, leaf, origin)}: {fault.what}", fault.remedy) from None
    return made


def build(values: Mapping[str, Any]) -> Settings:
    """The tree of these values, with defaults for the rest; what only goes together is checked here."""
    settings = _built(Settings, values, "")
    server, restart, demo = settings.server, settings.farm.restart, settings.demo
    if server.token and server.token_file:
        raise BadSettings("server.token and server.token_file are both set", "Keep one of them")
    if restart.backoff_first_s > restart.backoff_max_s:
        raise BadSettings(
            f"farm.restart.backoff_first_s {restart.backoff_first_s:g} is more than backoff_max_s "
            f"{restart.backoff_max_s:g}"
        )
    if demo.market == "replay" and not demo.tape:
        raise BadSettings("demo.market is replay, but demo.tape names no file", "Give --tape FILE")
    return settings


def nearest(name: str, known: Iterable[str]) -> str:
    """A remedy that names the known word this one comes nearest to."""
    words = {each.lower(): each for each in known}
    found = difflib.get_close_matches(name.lower(), words, 1, 0.5)
    return f"Did you mean {words[found[0]]}?" if found else "See them all with: instant-trader show-config"


def _built(kind: type[Kind], values: Mapping[str, Any], prefix: str) -> Kind:
    made = {}
    for field in msgspec.structs.fields(kind):
        key = prefix + field.name
        if key in values:
            made[field.name] = values[key]
        elif key not in LEAVES:
            made[field.name] = _built(field.type, values, key + ".")
    return kind(**made)


def _typed(text: str, leaf: Leaf) -> Any:
    """A text as what it could stand for: nothing, or several texts; else itself."""
    if leaf.optional and text.strip().lower() in _NOTHING:
        return None
    if leaf.several:
        return [each.strip() for each in text.split(",") if each.strip()]
    return text


def _hook(kind: type, value: object) -> object:
    if kind is Secret and isinstance(value, str):
        return Secret(value.strip())
    raise TypeError


def _finite(value: object) -> None:
    if isinstance(value, float) and not math.isfinite(value):
        raise OverflowError


def _said(name: str, value: object, leaf: Leaf, origin: str) -> str:
    shown = "(hidden)" if leaf.secret else repr(value)[:80]
    return f"{name} is {shown} ({origin}), which it cannot be"


def _address(text: str) -> None:
    if text:
        Address.parse(text)


def _tickers(texts: tuple[str, ...]) -> None:
    from live_trader.core.bars import Ticker

    seen = set()
    for text in texts:
        ticker = Ticker.parse(text)
        if ticker in seen:
            raise BadSettings(f"{ticker} is named twice")
        seen.add(ticker)


def _well(_: object) -> None:
    """Nothing more to check."""


_CHECKS: Final[Mapping[str, Callable[[Any], None]]] = {
    "server.address": _address,
    "farm.tickers": _tickers,
    "demo.tickers": _tickers,
}
