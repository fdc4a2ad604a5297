"""What a worker tells of itself: its beat for the supervisor, and a line in the log for every trouble."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from live_trader.core.bars import Ticker, closes, epoch, moment
from live_trader.core.signals import Lags, Signal
from live_trader.edge.clock import Clock
from live_trader.edge.happenings import Happened, Sort
from live_trader.errors import BadAnswer
from live_trader.farm.pulse import NONE, Beat, Phase

_log = logging.getLogger(__name__)


class Voice:
    """Keeps the beat of one worker, and shows it whenever some work was done."""

    def __init__(
        self,
        bot_id: str,
        ticker: Ticker,
        clock: Clock,
        show: Callable[[Beat], None],
        beat: Beat,
        happened: Happened,
    ) -> None:
        self._id = bot_id
        self._ticker = ticker
        self._clock = clock
        self._put = show
        self._happened = happened
        self.beat = beat

    def pulse(self) -> None:
        """Some work was done."""
        self.beat.beaten = self._clock.monotonic()
        self._put(self.beat)

    def show(self) -> None:
        """Let the figures be seen, with the beat as old as it is."""
        self._put(self.beat)

    def enter(self, phase: Phase) -> None:
        """A phase begins, without trouble so far."""
        self.beat.phase = phase
        self.beat.reason = ""
        self.pulse()

    def lacks(self, reason: str) -> None:
        """Why the work cannot go on yet; only an answer to a call is a beat."""
        self.beat.reason = reason
        self.show()

    def serves(self, version: str, heavy: bool) -> None:
        """This bundle from now on."""
        if self.beat.version not in ("", version):
            self._happened("swap", "bundle", f"serves the bundle {version} in place of {self.beat.version}")
        self.beat.version, self.beat.heavy = version, heavy

    def timed(self, made: list[Signal], stages: Sequence[datetime]) -> list[Signal]:
        """The signals, those of the newest bar with how long after its close each stage was reached."""
        opened = made[-1].opened
        closed = closes(self._ticker.timeframe, opened)
        lags = Lags(*((each - closed).total_seconds() for each in stages))
        return [replace(each, lags=lags) if each.opened == opened else each for each in made]

    def answered(self, signals: Sequence[Signal]) -> None:
        """These signals are stored, one a bar."""
        beat, signal, count = self.beat, signals[-1], len(signals)
        opinion = next(iter(signal.opinions.values()))
        beat.answered += count
        beat.last_bar = beat.owed_after = epoch(signal.opened)
        beat.signal, beat.long, beat.short = signal.direction.sign or 0.5, opinion.long, opinion.short
        if bool(signal.held) != bool(beat.held):
            told = "is held at 0.5" if signal.held else "is held no more"
            self._tell(told, signal.held or beat.held)
            self._happened(
                "fault" if signal.held else "restart", "held", f"{told}: {signal.held or beat.held}"
            )
        beat.held = signal.held
        if late := [each.opened for each in signals if each.late]:
            beat.late += len(late)
            bars = f"{len(late)} bars" if len(late) > 1 else "a bar"
            last = f"the last of {late[-1]:%Y-%m-%d %H:%M:%S}"
            self._happened("fault", "late", f"answered {bars} too late to be traded, {last}")
        closed = closes(self._ticker.timeframe, signal.opened)
        beat.lag = (self._clock.now() - closed).total_seconds()
        if signal.lags:
            lags = signal.lags
            beat.received, beat.features, beat.models = lags.received, lags.features, lags.models
        self.pulse()

    def trouble(self, fault: Exception) -> None:
        """A call that will be made again: told once, however often it fails in the same way."""
        if self.beat.reason != str(fault):
            self._tell("waits", fault)
            self._happened("fault", "waits", f"waits: {fault}")
        self.beat.faults += 1
        if isinstance(fault, BadAnswer):
            self.beat.garbled += 1
        else:
            self.beat.unreachable += 1
        self.beat.reason = str(fault)
        self.pulse()

    def recovered(self) -> None:
        """A call was answered, so whatever was in the way is over."""
        if self.beat.reason:
            self.beat.reason = ""
            self.pulse()

    def conflicts(self, cause: object) -> None:
        """A different signal stands on the server, and goes on standing."""
        self.beat.faults += 1
        self.beat.conflicts += 1
        self._refused("conflict", "a different signal stands", cause)

    def unaccepted(self, signal: Signal, cause: object) -> None:
        """The server does not take a signal, and is not asked again."""
        self.beat.faults += 1
        self.beat.unaccepted += 1
        self._refused("signal", f"the signal of {signal.opened} was refused", cause)

    def refuse(self, cause: str) -> None:
        """An impossible bar, which no model will see."""
        self.beat.refused += 1
        self._refused("bar", "refused a bar", cause)

    def reboots(self, sort: Sort, why: object) -> None:
        """The one boot path is taken again."""
        self._happened(sort, "boots", f"boots again: {why}")
        _log.info("boots again", extra={"bot": self._id, "ticker": self._ticker, "cause": why})

    def _refused(self, which: str, what: str, cause: object) -> None:
        self._happened("refusal", which, f"{what}: {cause}")
        self._tell(what, cause)

    def _tell(self, what: str, cause: object) -> None:
        """One line for people: whose trouble, after which bar, and why."""
        bar = "none" if self.beat.last_bar == NONE else f"{moment(self.beat.last_bar):%Y-%m-%dT%H:%M:%SZ}"
        _log.warning(what, extra={"bot": self._id, "ticker": self._ticker, "bar": bar, "cause": cause})
