"""Where a server is: the parts of its base URL, checked once."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

from live_trader.errors import BadSettings

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9])?"
_URL = re.compile(
    rf"(?P<scheme>https?)://(?:\[(?P<six>[0-9A-Fa-f:.]+)\]|(?P<host>{_LABEL}(?:\.{_LABEL})*))"
    r"(?::(?P<port>[0-9]{1,5}))?(?P<prefix>(?:/[A-Za-z0-9._~%+-]*)*)",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Address:
    """The base URL of a server, taken apart."""

    tls: bool
    host: str
    port: int
    prefix: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """`http://127.0.0.1:81/` as an address; a missing slash at the end is added."""
        found = _URL.fullmatch(text.strip())
        if found is None:
            raise BadSettings(f"{text[:200]!r} is not the address of a server", "Write http://127.0.0.1:81/")
        tls = found["scheme"] == "https"
        port = int(found["port"]) if found["port"] else (443 if tls else 80)
        if not 0 < port < 65536:
            raise BadSettings(f"{port} is not a port", "Use 1 to 65535")
        return cls(tls, found["six"] or found["host"], port, found["prefix"].rstrip("/") + "/")

    @property
    def authority(self) -> str:
        """Host and port as a Host header has them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"{'https' if self.tls else 'http'}://{self.authority}{self.prefix}"
