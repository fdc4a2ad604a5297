"""What can be set about the server, with the limits it keeps."""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from typing import Annotated, Literal

from msgspec import Meta, Struct

Port = Annotated[int, Meta(ge=0, le=65535, description="a port, 0 to 65535; 0 takes any free one")]
Days = Annotated[int, Meta(ge=0, le=36500, description="days, 0 to 36500; 0 keeps for ever")]
Count = Annotated[int, Meta(ge=1, le=1 << 40, description="a whole number, 1 or more")]
Seconds = Annotated[float, Meta(gt=0, le=86400, description="seconds, more than 0 and at most 86400")]


class Limits(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much one client may ask for before it is told no."""

    body_bytes: Count = 1 << 20
    header_bytes: Count = 16 << 10
    connections: Count = 4096
    polls_per_token: Count = 2048
    streams_per_token: Count = 32
    failures_per_minute: Count = 30
    """Failed attempts of an address before it has to wait; ten times as many of nonsense without a token."""
    request_s: Seconds = 20.0
    """How long a request may take to arrive."""
    idle_s: Seconds = 75.0
    """How long a connection may lie unused."""


class Retention(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """For how many days the store keeps what; 0 keeps it for ever."""

    bars_days: Days = 0
    signals_days: Days = 0
    trading_days: Days = 0
    """Orders that are over with their fills, ended trades, and the account's equity."""
    states_days: Days = 30


class ServerSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The server's address, its certificate, whom it lets in and what it keeps."""

    host: str = "127.0.0.1"
    port: Port = 8181
    tls_cert: str = ""
    tls_key: str = ""
    classic: Literal["loopback", "anyone", "off"] = "loopback"
    """Who may use the classic routes, which know no tokens."""
    classic_id: str = "classic"
    """The bot whose signals the classic `result` carries, since it names none."""
    classic_zero_is_short: bool = False
    """Take 0 in a classic `result` for -1."""
    grace_s: Seconds = 10.0
    """How much later than one bar a bot may be before it is STALE."""
    drain_s: Seconds = 10.0
    limits: Limits = Limits()
    retention: Retention = Retention()

    @property
    def is_local(self) -> bool:
        """Whether nobody but this machine can reach the address."""
        return self.host == "localhost" or is_loopback(self.host)


@lru_cache(maxsize=256)
def is_loopback(address: str) -> bool:
    """Whether an address is one of this machine."""
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
