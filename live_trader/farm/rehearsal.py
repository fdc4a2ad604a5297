"""A worker's life on a small stage, played where workers are forked from.

What Python makes when code first runs (specialised instructions, caches, names) it writes beside the code.
Made here once, it is shared by every worker; made in each, it would cost each some megabytes and time.
"""

from __future__ import annotations

import pickle
import runpy
import tempfile
import threading
import time
from pathlib import Path

from live_trader.core.bars import Bar, Ticker, Timeframe, epoch, moment
from live_trader.core.features import classic
from live_trader.edge.client.reply import Answer, Reply
from live_trader.edge.client.v1 import V1
from live_trader.edge.clock import Clock
from live_trader.edge.feeds.simulated import Market
from live_trader.edge.settings import Settings
from live_trader.edge.shelf import Shelf
from live_trader.edge.wire import v1
from live_trader.errors import Interrupted
from live_trader.farm.pulse import Beat, Pulse
from live_trader.farm.standin import standin
from live_trader.farm.worker import Patience, Worker

_TICKER = Ticker("REHEARSAL", Timeframe.M1)
_BOOTS, _BARS = 9, 12  # Python specialises what has run eight times


def rehearse() -> None:
    """Boot and answer some bars, several times over; nothing of it remains but what Python learnt."""
    begun = epoch(Clock().now()) // 60 * 60
    with tempfile.TemporaryDirectory(prefix="rehearsal-") as folder:
        place = Path(folder)
        shelf = Shelf(place / "models", place / "work")
        shelf.save(standin(_TICKER, trees=60, leaves=2), moment(begun))
        shelf.deploy(_TICKER, force=True, at=moment(begun))
        pulse = Pulse.own(place / "rehearsal.pulse")
        for _ in range(_BOOTS):
            stage = _Stage(begun)
            server = V1(stage, "rehearsal", Clock())
            worker = Worker(
                "rehearsal",
                _TICKER,
                server,
                shelf,
                Clock(),
                time.sleep,
                pulse.write,
                Beat(),
                Patience(1, 1, 1),
            )
            try:
                worker.run()
            except Interrupted:
                continue
        pulse.close()
        _be_born(place)


def _be_born(place: Path) -> None:
    """What multiprocessing does with a new process: run the door's file, unpack what the process is given."""
    door = place / "door.py"
    door.write_text("import sys\n")
    for _ in range(_BOOTS):
        runpy.run_path(str(door), run_name="__mp_main__")
        pickle.loads(pickle.dumps(Settings()))  # noqa: S301 - its own
        watch = threading.Thread(target=Clock().monotonic)
        watch.start()
        watch.join()


class _Stage:
    """Stands where the connection would be: a server with one simulated ticker, ended after some bars."""

    def __init__(self, begun: int) -> None:
        self._market = Market(_TICKER, 1)
        self._bars = list(self._market.history(begun - 60 * _BARS, classic().memory + 1000))
        self._left = _BARS
        self._reply = Reply()

    def __call__(
        self, method: str, target: str, body: bytes = b"", *, extra: float = 0.0, breakable: bool = False
    ) -> Answer:
        told = self._told(method, target)
        head = b"HTTP/1.1 %d OK\r\ncontent-length: %d\r\n\r\n" % (201 if method == "POST" else 200, len(told))
        self._reply.begin()
        answer = self._reply.feed(head + told)
        assert answer is not None
        return answer

    def _told(self, method: str, target: str) -> bytes:
        if target.startswith("v1/portfolio"):
            return b'{"version":1,"state":"ACTIVE","allocations":[]}'
        if target.startswith("v1/signals"):
            return b'{"status":201,"seq":1,"signals":[]}'
        if "after" not in target:
            return v1.spell_bars(_TICKER, self._bars[-1000:], 1, 0)
        if not self._left:
            raise Interrupted("the rehearsal is over")
        self._left -= 1
        self._bars.append(self._next())
        return v1.spell_bars(_TICKER, self._bars[-1:], 1, 0)

    def _next(self) -> Bar:
        last = self._bars[-1]
        return self._market.next(last, epoch(last.opened) + _TICKER.timeframe.seconds)
