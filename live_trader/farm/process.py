"""What every process of the farm does at birth and at death: signals, parent, log, last words."""

from __future__ import annotations

import contextlib
import ctypes
import logging
import multiprocessing
import os
import select
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from live_trader.edge.client import Interrupted
from live_trader.edge.logs import log_to
from live_trader.edge.parent import die_with_parent
from live_trader.errors import BadBot, BadData, BadSettings, TraderError, Unauthorised
from live_trader.farm.crashes import report

_log = logging.getLogger(__name__)

DONE, CRASHED, FATAL = 0, 1, 4


class Stop:
    """A stop request: a file descriptor that becomes readable, for whoever waits."""

    def __init__(self) -> None:
        self.descriptor, self._bell = os.pipe()
        os.set_blocking(self._bell, False)
        self.requested = False

    def request(self) -> None:
        """Ask for the stop; safe in a signal handler and from any thread."""
        self.requested = True
        with contextlib.suppress(BlockingIOError):
            os.write(self._bell, b"!")

    def hush(self) -> None:
        """Forget the requests so far, for a descriptor that is used as a bell."""
        self.requested = False
        while select.select([self.descriptor], [], [], 0)[0]:
            os.read(self.descriptor, 4096)

    def rest(self, seconds: float) -> None:
        """Wait this long, or raise Interrupted as soon as a stop is requested."""
        poll = select.poll()
        poll.register(self.descriptor, select.POLLIN)
        if poll.poll(max(0.0, seconds) * 1000):
            raise Interrupted("a stop was requested")

    def on_signals(self) -> None:
        """Let TERM and INT request this stop."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self.request())


def live(name: str, logs: Path, body: Callable[[Stop], None]) -> int:
    """Run a child's body to its end, and give the exit code that says which end it was."""
    stop = Stop()
    stop.on_signals()
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    _belong_to_parent()
    log_to(logs / f"{name}.log")
    try:
        body(stop)
    except Interrupted:
        return DONE
    except (BadBot, BadData, BadSettings, Unauthorised) as fault:
        _last_words(name, "cannot run", str(fault))
        return FATAL
    except TraderError as fault:
        _last_words(name, "gave up", str(fault))
        return CRASHED
    except Exception as crash:  # noqa: BLE001 - the one place of this process: it reports and dies
        _log.critical("crashed", extra={"cause": repr(crash), "report": report(logs, name, crash)})
        return CRASHED
    return DONE


def give_back() -> None:
    """Give the system memory that was needed for a while: after its boot, a megabyte of a worker's ten."""
    if sys.platform == "linux":
        with contextlib.suppress(AttributeError):  # a C library that is not GNU's
            ctypes.CDLL(None).malloc_trim(0)


def _last_words(name: str, what: str, cause: str) -> None:
    """Why a process ends, for the log; and for the person who started it alone."""
    _log.critical(what, extra={"cause": cause})
    if multiprocessing.parent_process() is None:
        sys.stderr.write(f"{name} {what}: {cause}\n")


def _belong_to_parent() -> None:
    """Die when the parent does, and leave a terminal's signals to it."""
    if die_with_parent():
        os.setpgid(0, 0)  # a terminal's Ctrl-C is for the parent, which then stops its children in turn
