"""Says what is odd about a server's answers once, not at every answer."""

from __future__ import annotations

import logging
from collections.abc import Iterable

_log = logging.getLogger(__name__)
_REMEMBERED = 1000


class Remarks:
    """Remarks made so far; a thousand of them are remembered."""

    def __init__(self) -> None:
        self._made: dict[str, None] = {}

    def make(self, what: str, causes: Iterable[str]) -> None:
        """Log those that are new."""
        for cause in causes:
            if cause not in self._made:
                _log.warning(what, extra={"cause": cause})
                self._made[cause] = None
                if len(self._made) > _REMEMBERED:
                    del self._made[next(iter(self._made))]
