"""Carries what happens to a farm to people who do not watch: from its events, its server and its clock."""

from __future__ import annotations

import socket
import threading
from functools import partial
from types import TracebackType
from typing import Self

from live_trader.edge.clock import Clock
from live_trader.edge.notices import Notices, sender
from live_trader.edge.settings import Settings
from live_trader.farm.lookout import Lookout, next_summary, summary, watch
from live_trader.farm.process import Stop
from live_trader.farm.supervisor import Event, Supervisor
from live_trader.farm.view import row

_KINDS = {"FATAL": "fatal", "BACKOFF": "crash"}
_FARM = "the farm"


class Herald:
    """Sends notices while it is open, if the settings say where to; else it does nothing."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._stop = Stop()
        self._notices: Notices | None = None
        self._supervisor: Supervisor | None = None
        self._due = next_summary(settings.notices.summary_at, clock.now())
        wanted = settings.notices
        if wanted.urls:
            title = f"{settings.farm.id} on {socket.gethostname()}"
            send = sender(wanted.urls)
            self._notices = Notices(title, wanted.events, wanted.every_s, send, clock)

    def event(self, event: Event) -> None:
        """Something happened to a child."""
        kind = _KINDS.get(event.state)
        if self._notices and kind:
            self._notices.tell(kind, event.name, event.text)

    def drift(self, name: str, text: str) -> None:
        """Somebody's features have drifted, or have drifted back."""
        if self._notices:
            self._notices.tell("drift", name, text)

    def follow(self, supervisor: Supervisor) -> None:
        """Watch the server from a thread, and these children at the hour of the summary."""
        self._supervisor = supervisor
        if self._notices is None:
            return
        self._notices.tell("farm", _FARM, "has started")
        lookout = Lookout(self._notices.tell, self._clock)
        look = partial(watch, self._settings, lookout, self._stop, self._clock)
        threading.Thread(target=look, name="lookout", daemon=True).start()

    def tick(self) -> None:
        """Send the summary when its hour has come; called by the loop that owns the children."""
        now = self._clock.now()
        if self._notices and self._supervisor and self._due and now >= self._due:
            self._due = next_summary(self._settings.notices.summary_at, now)
            rows = [row(each, self._clock.monotonic()) for each in self._supervisor.children.values()]
            self._notices.tell("summary", _FARM, summary(rows))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, _: TracebackType | None
    ) -> None:
        self._stop.request()
        if self._notices:
            self._notices.tell("farm", _FARM, f"has ended by a fault: {fault!r}" if kind else "has stopped")
            self._notices.close()
