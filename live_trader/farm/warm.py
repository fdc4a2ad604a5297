"""What the forkserver does once, so that every worker shares it: importing this room is its only use."""

import contextlib
import gc
import os
import signal
import socket

for _library in ("OMP", "OPENBLAS", "MKL", "NUMEXPR"):
    os.environ.setdefault(f"{_library}_NUM_THREADS", "1")

# After the thread limits, which numpy reads at import.
import live_trader.farm.children  # noqa: E402, F401
from live_trader.errors import TraderError  # noqa: E402
from live_trader.farm.rehearsal import rehearse  # noqa: E402

_POOL, _HEAD, _LARGEST = 16384, 33, 512  # how Python lays out small objects, and the head of an empty `bytes`


def _without_gaps() -> list[bytes]:
    """Objects in every gap between others: what a worker makes then stands together, on pages of its own."""
    filling = []
    for size in range(48, _LARGEST + 1, 16):
        together, before = 0, 0
        while together < _POOL // size - 2:
            filling.append(bytes(size - _HEAD))
            together = together + 1 if id(filling[-1]) - before == size else 0
            before = id(filling[-1])
    return filling


signal.signal(signal.SIGTERM, signal.SIG_IGN)  # one sent to a whole group is for the workers, which drain
socket.getaddrinfo("127.0.0.1", 0, flags=socket.AI_NUMERICHOST)  # the first time it loads what it needs
with contextlib.suppress(OSError, TraderError):  # without it workers are larger, and that is all
    rehearse()
gc.collect()
_filling = _without_gaps()
gc.freeze()
