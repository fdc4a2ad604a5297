"""Sees how soon a farm under attack says that something is wrong, and how soon it is well again."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from live_trader.core.bars import Ticker
from live_trader.errors import TraderError
from live_trader.farm.control import ask
from live_trader.farm.pulse import NONE, Beat, Phase, Pulse, path_of

_LOOK = 0.02
_ASK = 0.15


@dataclass(slots=True)
class Fault:
    """Something that was done to the farm: to one worker, or with no ticker to a part all share."""

    kind: str
    at: float
    begun: float
    ticker: Ticker | None = None
    pid: int = 0
    progress: int = 0
    reported: bool = False


@dataclass
class Witness:
    """Watches the workers' pages and asks for the status, as a person with the right tools could.

    A fault is silent until the status tells it, a page gives a reason, or nothing is wrong any more. A killed
    worker has recovered when another process has answered a bar of its ticker, or has found that none is left
    to answer; killed again before that, alone or with its supervisor, it begins anew. A frozen one has to be
    found first, so it is counted apart.

    Faults that overlap can only be told apart where they name their ticker: a page's reason is taken for the
    report of every shared part that fails at that time. A status that is slow to come, up to two seconds,
    makes what is told of the other faults look later than it was.
    """

    run_path: Path
    ends: Mapping[Ticker, int]
    recoveries: list[float] = field(default_factory=list)
    thaws: list[float] = field(default_factory=list)
    silences: list[tuple[float, str]] = field(default_factory=list)
    _open: list[Fault] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _over: threading.Event = field(default_factory=threading.Event)
    _pages: dict[Ticker, Pulse] = field(default_factory=dict)

    def start(self) -> None:
        """Watch from a thread."""
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Watch no more; a fault that nobody has reported by now is as silent as it is old."""
        self._over.set()
        self._thread.join()
        now = time.monotonic()
        for fault in self._open:
            if not fault.reported:
                self.silences.append((now - fault.at, fault.kind))
            self._recovered(fault, now)

    def note(self, kind: str, ticker: Ticker | None = None, pid: int = 0) -> None:
        """Remember what was done just now."""
        progress = _progress(self.beats())
        now = time.monotonic()
        with self._lock:
            if kind == "supervisor":
                for held in self._open:
                    held.begun = now
            if ticker is not None:
                for held in [each for each in self._open if each.ticker == ticker]:
                    self._open.remove(held)
                    if not held.reported:  # it was silent at least until the next one came
                        self.silences.append((now - held.at, held.kind))
            self._open.append(Fault(kind, now, now, ticker, pid, progress))

    def beats(self) -> dict[Ticker, Beat]:
        """What every page shows now."""
        for ticker in self.ends:
            if ticker not in self._pages and (page := Pulse.watch(path_of(self.run_path, ticker))):
                self._pages[ticker] = page
        found = {ticker: page.read() for ticker, page in self._pages.items()}
        return {ticker: beat for ticker, beat in found.items() if beat}

    def _watch(self) -> None:
        asked, told = 0.0, None
        while not self._over.wait(_LOOK):
            begun = time.monotonic()
            fresh = begun - asked > _ASK
            if fresh:
                told, asked = self._told(), begun
            beats = self.beats()
            with self._lock:
                for fault in list(self._open):
                    self._judge(fault, beats, told if fresh and fault.at < begun else None)

    def _told(self) -> Mapping[str, Any]:
        """The children by name as the farm tells them; that it does not answer is told as well."""
        with contextlib.suppress(TraderError):
            facts = ask(self.run_path, "status", timeout=2.0)
            return {each["name"]: each for each in facts["children"]}
        return {"": None}

    def _judge(self, fault: Fault, beats: Mapping[Ticker, Beat], told: Mapping[str, Any] | None) -> None:
        now = time.monotonic()
        well = self._well(fault, beats)
        if not fault.reported and (well or self._reported(fault, beats, told)):
            fault.reported = True
            self.silences.append((now - fault.at, fault.kind))
        if well:
            self._open.remove(fault)
            self._recovered(fault, now)

    def _recovered(self, fault: Fault, now: float) -> None:
        if fault.ticker is not None:
            (self.thaws if fault.kind == "freeze" else self.recoveries).append(now - fault.begun)

    def _well(self, fault: Fault, beats: Mapping[Ticker, Beat]) -> bool:
        if fault.ticker is not None:
            beat = beats.get(fault.ticker)
            if beat is None or beat.pid == fault.pid or beat.phase is not Phase.SERVING:
                return False
            return beat.answered > 0 or beat.last_bar >= self.ends[fault.ticker]
        return _progress(beats) >= min(fault.progress + 2 * len(self.ends) + 1, sum(self.ends.values()))

    def _reported(self, fault: Fault, beats: Mapping[Ticker, Beat], told: Mapping[str, Any] | None) -> bool:
        if told is not None and "" in told:
            return True
        if fault.ticker is None:
            return any(beat.reason and beat.beaten >= fault.at for beat in beats.values())
        if told is None:
            return False
        child = told.get(str(fault.ticker))
        return child is None or child["pid"] != fault.pid or child["state"] != "RUNNING"


def _progress(beats: Mapping[Ticker, Beat]) -> int:
    """How far all workers have come, in bars of a second; a new process goes on where the last one was."""
    return sum(beat.last_bar for beat in beats.values() if beat.last_bar != NONE)
