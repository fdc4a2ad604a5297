"""How others spell the words of core: one room per protocol, and here what both share."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final, TypeVar

import msgspec

from live_trader.core.bars import Ticker, on_grid
from live_trader.core.signals import Direction, Opinion
from live_trader.errors import BadBar, BadData

Body = bytes | bytearray
Text = TypeVar("Text")

MOST_OBJECTS: Final = 20_000
MOST_MEMBERS: Final = 250_000
"""No honest body holds more objects or members of objects; decoding a flood of them would cost memory."""

MOST_MODELS: Final = 64

_BOT_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
_FLOOD_BYTES: Final = 1 << 18
_SAID: Final = 160

_VALUES: Final = {Direction.LONG: 1, Direction.SHORT: -1, Direction.NEUTRAL: 0.5}
_DIRECTIONS: Final = {value: direction for direction, value in _VALUES.items()}


class _Object(msgspec.Struct):
    """Any JSON object."""


_OBJECT: Final = msgspec.json.Decoder(_Object)

encode: Final = msgspec.json.Encoder().encode


def decode(body: Body, decoder: msgspec.json.Decoder[Text]) -> Text:
    """A body as what it should be, or an error that says where it is not."""
    if not body:
        raise BadData("the body is empty where JSON was expected")
    if len(body) > _FLOOD_BYTES and (body.count(b"{") > MOST_OBJECTS or body.count(b":") > MOST_MEMBERS):
        raise BadData(f"the body holds more than {MOST_OBJECTS} objects or {MOST_MEMBERS} members")
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as fault:
        raise BadData(f"the body is JSON but not what was expected: {said(fault)}") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as fault:
        raise BadData(f"the body is not JSON: {said(fault)}; it begins {glimpse(body)}") from None


def is_object(body: Body) -> bool:
    """Whether a body is a JSON object, of whatever kind."""
    try:
        decode(body, _OBJECT)
    except BadData:
        return False
    return True


def value(direction: Direction) -> float:
    """1, -1 or 0.5: how a direction is told."""
    return _VALUES[direction]


def direction(number: float) -> Direction:
    """The direction that 1, -1 or 0.5 tells."""
    try:
        return _DIRECTIONS[number]
    except KeyError:
        raise BadData(f"{said(number)} is not a signal", "Send 1, 0.5 or -1") from None


def ballot(vote: Direction) -> Opinion:
    """The opinion behind a vote told without probabilities: yes counts as 1, no as 0."""
    return Opinion(float(vote is Direction.LONG), float(vote is Direction.SHORT), vote)


def bot_id(text: str) -> str:
    """This id, if a bot may be called so: it becomes part of queries, keys and paths."""
    if not _BOT_ID.fullmatch(text):
        raise BadData(
            f"{said(text)!r} is not the id of a bot",
            "Use letters, digits and . _ - only, beginning with a letter or digit, 64 at most",
        )
    return text


def opening(ticker: Ticker, opened: datetime) -> datetime:
    """This moment in UTC, if a bar of this ticker can open then."""
    try:
        opened = opened.astimezone(UTC)
    except OverflowError:
        raise BadBar(f"{ticker}: no bar opens at {opened}") from None
    if not on_grid(ticker.timeframe, opened):
        raise BadBar(
            f"{ticker}: no bar opens at {opened:%Y-%m-%d %H:%M:%S}, which is off the timeframe's grid"
        )
    return opened


def glimpse(body: Body) -> str:
    """The beginning of a body, fit for a log line."""
    return repr(bytes(body[:60]))[1:]


def said(what: object) -> str:
    """What a stranger sent, fit for a log line: short and without control characters."""
    text = str(what)[:_SAID]
    return text if text.isprintable() else repr(text)[1:-1]
