"""The token a client shows: from the settings, from a file, or made by the embedded server."""

from __future__ import annotations

from pathlib import Path

import msgspec

from live_trader.edge.settings import Secret, Settings
from live_trader.errors import BadSettings, Unreachable

_LARGEST = 64 << 10


class _Own(msgspec.Struct, frozen=True):
    tokens: dict[str, str]


def token(settings: Settings, role: str) -> Secret:
    """The token of a role: `bot-ID`, `feed`, `desk`, `admin` or `read`."""
    server = settings.server
    if server.token:
        return server.token
    if server.token_file:
        return _from_file(Path(server.token_file), role)
    if server.address:
        return Secret()
    path = Path(settings.farm.work_path) / "server" / "own-tokens.json"
    if not path.exists():
        raise Unreachable(
            "the embedded server has not made its tokens yet", f"Start it; it keeps them in {path}"
        )
    return _from_file(path, role)


def _from_file(path: Path, role: str) -> Secret:
    """A file holds one token, or those of an embedded server by role."""
    try:
        with path.open("rb") as file:
            text = file.read(_LARGEST)
    except OSError as fault:
        raise BadSettings(f"the token file {path} cannot be read: {fault.strerror}") from None
    if not text.lstrip().startswith(b"{"):
        return Secret(text.decode("utf-8", "replace").strip())
    try:
        tokens = msgspec.json.decode(text, type=_Own).tokens
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise BadSettings(f"the token file {path} is damaged", "Let the server make it again") from None
    if role not in tokens:
        raise BadSettings(f"the token file {path} holds none for {role}", "Make one: instant-trader tokens")
    return Secret(tokens[role])
