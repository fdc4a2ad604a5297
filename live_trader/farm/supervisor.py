"""The parent: it only keeps children alive, one process each, along the table of states."""

from __future__ import annotations

import logging
import multiprocessing
import os
import queue
import signal
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Protocol

from live_trader.core.bars import moment
from live_trader.edge.clock import Clock
from live_trader.farm.process import FATAL, Stop
from live_trader.farm.pulse import NONE, Beat, Phase, Pulse
from live_trader.farm.states import Life, Policy, State, crashed, pardoned, started

_log = logging.getLogger(__name__)
KILLED = "killed"
"""The death of a child whose fault, for which it was killed, has been told."""

_TICK = 0.25
_EVENTS = 200
_ALIVE = frozenset({State.STARTING, State.RUNNING, State.STOPPING})
_UNBORN = frozenset({Phase.BOOTING, Phase.FAILED, Phase.STOPPED})
_OVER = frozenset({State.STOPPED, State.FATAL})
_THRIFT = {"MALLOC_ARENA_MAX": "1", "MALLOC_MMAP_THRESHOLD_": "32768", "MALLOC_TRIM_THRESHOLD_": "65536"}
"""Has the C library give back at once what a child needed only to boot; it reads this as a process starts."""


class Spawner(Protocol):
    """The part of a multiprocessing context that starts a process."""

    def Process(self, **how: Any) -> BaseProcess: ...  # noqa: N802 - the library's name


@dataclass(frozen=True, slots=True)
class Spec:
    """A child to keep alive: what it runs, its page, its turn when the farm stops, and which bot it is."""

    name: str
    target: Callable[..., None]
    arguments: tuple[object, ...]
    page: Path
    turn: int = 0
    bot: str = ""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a child may take to boot, be silent, and drain."""

    boot: float
    silence: float
    drain: float


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a child, as a sentence; the state it was in then, and which fault it was."""

    at: datetime
    name: str
    text: str
    state: str = ""
    fault: str = ""


@dataclass(slots=True)
class Child:
    """A spec with the life it has had, its process and its page."""

    spec: Spec
    life: Life = field(default_factory=Life)
    process: BaseProcess | None = None
    pulse: Pulse | None = None
    leaving: bool = False

    def beat(self) -> Beat | None:
        """What its page shows, if it is this process that wrote it."""
        if self.pulse is None:
            self.pulse = Pulse.watch(self.spec.page)
        beat = self.pulse.read() if self.pulse else None
        return beat if beat and self.process and beat.pid == self.process.pid else None

    @property
    def last_bar(self) -> str:
        """The bar it answered last, also when it has died since."""
        beat = self.pulse.read() if self.pulse else None
        known = beat is not None and beat.last_bar != NONE
        return f"{moment(beat.last_bar):%Y-%m-%dT%H:%M:%SZ}" if beat and known else "none"


class Supervisor:
    """Starts what is wanted, stops what is not, and brings back what died."""

    def __init__(
        self, spawner: Spawner, policy: Policy, limits: Limits, clock: Clock, tell: Callable[[Event], None]
    ) -> None:
        self._spawner = spawner
        self._policy = policy
        self._limits = limits
        self._clock = clock
        self._tell = tell
        self._orders: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._bell = Stop()
        self.children: dict[str, Child] = {}
        self.events: deque[Event] = deque(maxlen=_EVENTS)

    def order(self, call: Callable[[], None]) -> None:
        """Have the loop make this call; safe from any thread and from a signal handler."""
        self._orders.put(call)
        self._bell.request()

    def want(self, specs: Iterable[Spec]) -> None:
        """Keep exactly these children: new ones start, changed ones restart, others stop."""
        wanted = {spec.name: spec for spec in specs}
        for name, child in self.children.items():
            if name not in wanted:
                child.leaving = True
                self._stop(child, "is no longer wanted")
        for name, spec in wanted.items():
            held = self.children.get(name)
            if held is None:
                self.children[name] = Child(spec)
            elif held.spec != spec or held.leaving:
                held.spec, held.leaving = spec, False
                self._stop(held, "has other settings now")

    def restart(self, name: str, why: str = "restarts because a person asked") -> None:
        """Start this child anew, whatever state it is in; a quarantine is lifted."""
        child = self.children[name]
        child.life = pardoned(child.life)
        self._stop(child, why)

    def remark(self, text: str) -> None:
        """Say something of the farm as a whole, among what happens to its children."""
        self._happened(Event(self._clock.now(), "farm", text, fault="idle"))

    def kill(self, name: str, why: str, fault: str) -> None:
        """End a child that no longer does its work; it counts as a crash."""
        child = self.children[name]
        if child.process and child.process.pid and child.life.state in _ALIVE:
            self._say(child, why, fault)
            child.life = replace(child.life, reason=why)
            child.process.kill()

    def step(self, timeout: float = _TICK) -> None:
        """Wait a moment for news of the children, then bring every life up to date."""
        sentinels = [child.process.sentinel for child in self.children.values() if child.process]
        wait([*sentinels, self._bell.descriptor], timeout)
        self._bell.hush()
        while not self._orders.empty():
            self._orders.get()()
        for child in list(self.children.values()):
            self._look_after(child)

    def stop(self) -> None:
        """Drain every child, in turn, then kill what is left."""
        for turn in sorted({child.spec.turn for child in self.children.values()}):
            mine = [child for child in self.children.values() if child.spec.turn == turn]
            for child in mine:
                child.leaving = True
                self._stop(child, "")
            while any(child.spec.name in self.children for child in mine):
                self.step(0.05)

    def abandon(self) -> None:
        """Kill whoever is left when this process ends early: it would wait for them for ever."""
        for child in self.children.values():
            if child.process and child.process.pid:
                child.process.kill()

    def _look_after(self, child: Child) -> None:
        now = self._clock.monotonic()
        if child.process is not None and child.process.exitcode is not None:
            self._buried(child, child.process.exitcode, now)
        state = child.life.state
        if child.process is None and child.leaving and state in _OVER:
            del self.children[child.spec.name]
        elif state is State.STOPPED or (state is State.BACKOFF and now >= child.life.again_at):
            self._start(child, now)
        elif state in (State.STARTING, State.RUNNING):
            self._listen(child, now)
        elif state is State.STOPPING and now - child.life.since > self._limits.drain:
            self.kill(
                child.spec.name, f"did not stop within {self._limits.drain:g} s and was killed", "stuck"
            )

    def _start(self, child: Child, now: float) -> None:
        child.life = started(child.life, now)
        child.process = self._spawner.Process(
            target=child.spec.target, args=child.spec.arguments, name=child.spec.name
        )
        child.process.start()

    def _listen(self, child: Child, now: float) -> None:
        """Follow a living child's beats: from STARTING to RUNNING, and to its end when it falls silent."""
        beat = child.beat()
        if child.life.state is State.STARTING and beat is not None and beat.phase not in _UNBORN:
            child.life = child.life.step(State.RUNNING, now)
            self._say(child, "runs")
        elif child.life.state is State.STARTING or beat is None:
            if now - child.life.since > self._limits.boot:
                self.kill(child.spec.name, f"did not boot within {self._limits.boot:g} s", "unborn")
            return
        if now - beat.beaten > self._limits.silence:
            self.kill(child.spec.name, f"was silent for {now - beat.beaten:.0f} s and was killed", "silent")

    def _buried(self, child: Child, code: int, now: float) -> None:
        beat = child.beat()
        assert child.process is not None
        child.process.join()
        child.process.close()
        child.process = None
        told = beat.reason if beat and code >= 0 else ""
        killed = child.life.reason
        reason = killed or told or _cause(code)
        if child.life.state is State.STOPPING or child.leaving:
            child.life = child.life.step(State.STOPPED, now)
        elif code == FATAL:
            child.life = child.life.step(State.FATAL, now, reason)
            self._say(child, f"cannot run: {reason}", "cannot_run")
        else:
            child.life = crashed(child.life, now, reason, self._policy, self._clock.chance)
            fault = KILLED if killed else "died"
            self._say(child, f"died ({reason}){self._next(child.life, now)}", fault)

    def _next(self, life: Life, now: float) -> str:
        if life.state is State.FATAL:
            return f" and is {life.reason}; restart it when the cause is mended"
        return f" and starts again in {life.again_at - now:.1f} s"

    def _stop(self, child: Child, why: str) -> None:
        now = self._clock.monotonic()
        if why:
            self._say(child, why)
        if child.life.state in (State.STARTING, State.RUNNING):
            child.life = child.life.step(State.STOPPING, now)
            if child.process and child.process.pid:
                child.process.terminate()  # which one that has just died by itself does not mind
        elif child.life.state in (State.BACKOFF, State.FATAL):
            child.life = child.life.step(State.STOPPED, now)

    def _say(self, child: Child, text: str, fault: str = "") -> None:
        facts = {"state": child.life.state.value}
        if child.spec.bot:
            facts |= {"bot": child.spec.bot, "ticker": child.spec.name, "bar": child.last_bar}
        if fault:
            facts["cause"] = child.life.reason or text
        self._happened(Event(self._clock.now(), child.spec.name, text, facts["state"], fault), facts)

    def _happened(self, event: Event, facts: Mapping[str, str] | None = None) -> None:
        self.events.append(event)
        self._tell(event)
        level = logging.WARNING if event.fault else logging.INFO
        _log.log(level, "%s %s", event.name, event.text, extra=facts)


def _cause(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"


def context(method: str, preload: str) -> Any:
    """The way children are started: forkserver with everything heavy imported once, or spawn."""
    if method == "auto":
        method = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
    made = multiprocessing.get_context(method)
    if method == "forkserver":
        made.set_forkserver_preload([preload])
        for name, value in _THRIFT.items():
            os.environ.setdefault(name, value)
        _be_found()
    return made


def _be_found() -> None:
    """Let the forkserver, which knows nothing of the door's folder, preload this very program."""
    here = str(Path(__file__).resolve().parents[2])
    known = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    if here not in known:
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [here, *known]))
