"""Notices: what happens while nobody watches, told by apprise, grouped, and not too often."""

from __future__ import annotations

import importlib.util
import logging
import threading
from collections import deque
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from live_trader.edge.clock import Clock
from live_trader.edge.settings import Secret
from live_trader.errors import BadSettings

_log = logging.getLogger(__name__)
_GATHER = 1.0  # seconds: what happens together is told together
_MOST, _LINES, _NAMES = 2000, 20, 8

Send = Callable[[str, str], bool]


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that happened to somebody, and of which kind it is."""

    at: datetime
    kind: str
    name: str
    text: str


class Notices:
    """Tells what is wanted from a thread of its own; nobody who tells it something ever waits."""

    def __init__(self, title: str, wanted: Collection[str], every: float, send: Send, clock: Clock) -> None:
        self._title = title
        self._wanted = frozenset(wanted)
        self._every = every
        self._send = send
        self._clock = clock
        self._waiting: deque[Notice] = deque(maxlen=_MOST)
        self._rung = threading.Event()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="notices", daemon=True)
        self._thread.start()

    def tell(self, kind: str, name: str, text: str) -> None:
        """Have this told with the next message, if its kind is wanted."""
        if kind in self._wanted:
            self._waiting.append(Notice(self._clock.now(), kind, name, text))
            self._rung.set()

    def close(self, within: float = 5.0) -> None:
        """Tell what still waits, at once, and end."""
        self._closing.set()
        self._rung.set()
        self._thread.join(within)

    def _run(self) -> None:
        again = self._clock.monotonic()
        while not self._closing.is_set():
            self._rung.wait()
            self._closing.wait(max(_GATHER, again - self._clock.monotonic()))
            self._rung.clear()
            if not self._told():
                self._rung.set()
            again = self._clock.monotonic() + self._every

    def _told(self) -> bool:
        """Send everything that waits as one message; what could not be sent waits on."""
        batch = [self._waiting.popleft() for _ in range(len(self._waiting))]
        if not batch or self._send(*message(self._title, batch)):
            return True
        _log.warning("notices could not be sent; they are tried again", extra={"count": len(batch)})
        self._waiting.extendleft(reversed(batch))
        return False


def message(title: str, batch: Iterable[Notice]) -> tuple[str, str]:
    """Title and text of one message: a line for each thing that happened, with all whom it happened to."""
    grouped: dict[tuple[str, str], list[Notice]] = {}
    for each in batch:
        grouped.setdefault((each.kind, each.text), []).append(each)
    lines = [_line(each) for each in grouped.values()]
    hidden = len(lines) - _LINES
    if hidden > 0:
        lines[_LINES:] = [f"and {hidden} more: instant-trader status shows them"]
    count = sum(map(len, grouped.values()))
    kinds = ", ".join(dict.fromkeys(kind for kind, _ in grouped))
    return f"{title}: {kinds}" + (f" ({count})" if count > 1 else ""), "\n".join(lines)


def _line(same: list[Notice]) -> str:
    names = list(dict.fromkeys(each.name for each in same))
    told = ", ".join(names[:_NAMES])
    more = f" and {len(names) - _NAMES} more" if len(names) > _NAMES else ""
    times = f" ({len(same)} times)" if len(same) > len(names) else ""
    return f"{same[0].at:%Y-%m-%d %H:%M:%S} UTC {told}{more} {same[0].text}{times}"


def sender(urls: Secret) -> Send:
    """What sends a message to all of these addresses, each of which apprise must know."""
    if importlib.util.find_spec("apprise") is None:
        raise BadSettings(
            "notices.urls is set, but apprise is not installed", "pip install 'instant-trader[notices]'"
        )
    from apprise import Apprise

    logging.getLogger("apprise").setLevel(logging.CRITICAL)  # its sentences could name addresses
    post = Apprise()
    listed = urls.reveal().split()
    for number, url in enumerate(listed, 1):
        if not post.add(url):
            raise BadSettings(
                f"number {number} of the {len(listed)} addresses in notices.urls is none that apprise knows",
                "Write them as in tgram://bottoken/chatid, with a space between",
            )
    return lambda title, body: bool(post.notify(title=title, body=body))
