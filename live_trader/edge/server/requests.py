"""What tells one request from every other: in its answer, in the log, and to whoever asks about it."""

from __future__ import annotations

import itertools
import os
from typing import Final

_PROCESS: Final = os.urandom(4).hex()
_COUNT: Final = itertools.count(1)


def request_id() -> str:
    """An id for one more request: drawn once for a process and then counted, which no flood can make dear."""
    return f"{_PROCESS}{next(_COUNT) & 0xFFFFFFFF:08x}"
