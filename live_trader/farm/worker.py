"""The loop of one worker: learn what to serve, prime, then one signal for every closed bar."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, ParamSpec, Protocol, TypeVar

from live_trader.core.bars import Bar, Place, Ticker, Window, closes, epoch, moment, on_grid
from live_trader.core.bots import Bot, decide, judge
from live_trader.core.signals import Coefficients, Signal
from live_trader.edge.client import News, Server
from live_trader.edge.clock import Clock
from live_trader.edge.happenings import Happened, Sort, unheard
from live_trader.errors import BadAnswer, Conflict, Unacceptable, Unreachable
from live_trader.farm.crashes import last_bars
from live_trader.farm.priming import Debt, debt, reached
from live_trader.farm.pulse import NONE, Beat, Phase
from live_trader.farm.voice import Voice
from live_trader.farm.waiting import wait_out

if TYPE_CHECKING:
    from live_trader.core.drift import Tolerance
    from live_trader.experts.bundle import Bundle

_Answer = TypeVar("_Answer")
_Asked = ParamSpec("_Asked")
_BATCH = 500
_PAGE = 10_000
_ASIDE_S, _ASIDE_SHARE = 0.2, 0.04  # a pause before the next poll, and at most so much of a bar
_LOOK_BACK = 100  # signals: a bar that comes later than so many newer ones were answered gets none


class Deployments(Protocol):
    """What a worker asks of the shelf."""

    def serving(self, ticker: Ticker) -> tuple[str, ...]:
        """The versions deployed for this ticker now: the champion's, then a challenger's."""
        ...

    def load(self, ticker: Ticker) -> tuple[Bundle, ...]:
        """The bundles of those versions, checked."""
        ...


class Reboot(Exception):
    """What this worker serves has changed, or the bars it has seen: back to the one boot path."""

    def __init__(self, why: str, sort: Sort = "restart") -> None:
        super().__init__(why)
        self.sort = sort


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a worker waits: for a bar, and between tries when nobody answers."""

    poll: float
    first: float
    longest: float


@dataclass(slots=True)
class Duty:
    """What one boot found out: whom to ask, from which window, as of which portfolio and deployment."""

    bots: tuple[Bot, ...]
    window: Window
    allocation: Coefficients | None
    portfolio_version: int | None
    revision: int | None
    versions: tuple[str, ...]


class Worker:
    """Answers every closed bar of one ticker, from boot to stop; the server is its only memory."""

    def __init__(
        self,
        bot_id: str,
        ticker: Ticker,
        server: Server,
        deployments: Deployments,
        clock: Clock,
        rest: Callable[[float], None],
        show: Callable[[Beat], None],
        beat: Beat,
        patience: Patience,
        threshold: float | None = None,
        tolerance: Tolerance | None = None,
        happened: Happened = unheard,
        booted: Callable[[], None] = lambda: None,
    ) -> None:
        self._id = bot_id
        self._ticker = ticker
        self._server = server
        self._deployments = deployments
        self._clock = clock
        self._rest = rest
        self._voice = Voice(bot_id, ticker, clock, show, beat, happened)
        self._beat = beat
        self._patience = patience
        self._threshold = threshold
        self._tolerance = tolerance
        self._booted = booted
        self._duty: Duty | None = None

    def run(self) -> None:
        """Boot and serve until a stop request interrupts a wait."""
        while True:
            try:
                duty = self._boot()
                self._booted()
                self._serve(duty)
            except Reboot as why:
                self._voice.reboots(why.sort, why)
            except Exception as crash:  # only to say whose crash it was; the process reports it and dies
                crash.add_note(self._last_words())
                raise

    def _last_words(self) -> str:
        """For a crash report: who this was, and the last bars it saw."""
        bars = last_bars(self._duty.window) if self._duty else "none yet"
        return f"bot {self._id}, {self._ticker}, bundle {self._beat.version}; its last bars:\n{bars}"

    def _boot(self) -> Duty:
        self._voice.enter(Phase.CONNECTING)
        portfolio = self._ask(self._server.portfolio)
        versions = self._deployments.serving(self._ticker)
        bundles = self._deployments.load(self._ticker)
        allocation = portfolio.named(self._ticker)
        bots = tuple(self._bot(bundle, allocation, shadow=rank > 0) for rank, bundle in enumerate(bundles))
        self._voice.serves(bundles[0].version, any(each.heavy for each in bundles))
        self._beat.long_needs, self._beat.short_needs = self._needed(bundles[0], allocation)
        self._voice.enter(Phase.PRIMING)
        owes, revision = self._prime(max(bot.strategy.memory for bot in bots))
        duty = self._duty = Duty(bots, owes.window, allocation, portfolio.version, revision, versions)
        self._voice.enter(Phase.SERVING)
        self._send([decide(bot, window, late=True) for window in owes.passed_over for bot in bots])
        self._answer(duty, owes.owed)
        return duty

    def _bot(self, bundle: Bundle, allocation: Coefficients | None, shadow: bool) -> Bot:
        strategy = bundle.strategy(None if shadow else allocation, self._threshold, self._tolerance)
        return Bot(self._id, self._ticker, strategy, bundle.version, shadow)

    def _needed(self, bundle: Bundle, allocation: Coefficients | None) -> tuple[float, float]:
        """What each side's probability must exceed, of the model whose probabilities the page shows."""
        if self._threshold is not None:
            return self._threshold, self._threshold
        name = allocation.models[0] if allocation else bundle.models[0]
        return bundle.thresholds["long"][name], bundle.thresholds["short"][name]

    def _prime(self, memory: int) -> tuple[Debt, int | None]:
        """What is owed, and the revision that it was found out as of."""
        signals = self._ask(self._server.signals, self._ticker, _LOOK_BACK)
        answered = {epoch(signal.opened) for signal in signals}
        bars, revision = self._history(memory, len(answered))
        after = max(answered, default=self._beat.owed_after)
        if after != NONE:
            bars = self._reaching(bars, memory, len(answered), min(answered, default=after))
        elif not self._late(bars[-1].opened):
            after = epoch(bars[-1].opened) - 1
        owes = debt(self._ticker, memory, bars, answered, after)
        self._beat.last_bar = owes.window.end
        self._beat.owed_after = owes.window.end if after == NONE else after
        self._voice.show()
        return owes, revision

    def _history(self, memory: int, more: int) -> tuple[list[Bar], int | None]:
        """Enough closed bars to fill the window, which are waited for, and more where there are more."""
        while True:
            bars = self._ask(self._server.history, self._ticker, memory + more)
            if len(bars) >= memory:
                return bars, self._server.revision(self._ticker)
            self._voice.lacks(f"has {len(bars)} of the {memory} bars it needs")
            newest = bars[-1].opened if bars else moment(0)
            self._ask(self._server.next, self._ticker, newest, self._patience.poll)

    def _reaching(self, bars: list[Bar], memory: int, more: int, since: int) -> list[Bar]:
        """These bars with as many before them as a window that ends at `since` needs, where there are any."""
        asked = memory + more
        while len(bars) >= asked and reached(bars, since) < memory:
            newer = len(bars) - reached(bars, since)
            asked = memory + (newer if newer < len(bars) else self._missed(since))
            bars = self._ask(self._server.history, self._ticker, asked)
        return bars

    def _missed(self, since: int) -> int:
        """How many closed bars the server has after this moment."""
        missed = 0
        while page := self._ask(self._server.after, self._ticker, moment(since), _PAGE):
            missed += len(page)
            since = epoch(page[-1].opened)
        return missed

    def _serve(self, duty: Duty) -> None:
        while True:
            after = moment(duty.window.end)
            news = self._ask(self._server.next, self._ticker, after, self._patience.poll)
            if news.revision != duty.revision:
                raise Reboot("bars that were known have changed")
            for refusal in news.refused:
                self._voice.refuse(refusal)
            if news.bars:
                self._answer(duty, self._sorted_out(duty, news.bars))
            self._voice.pulse()
            if news.bars:
                self._step_aside(duty)
            self._look_around(duty, news)

    def _step_aside(self, duty: Duty) -> None:
        """Let the others answer first, whose bars closed in the same second; who is behind does not wait."""
        if not self._late(moment(duty.window.end)):
            self._rest(min(_ASIDE_S, _ASIDE_SHARE * self._ticker.timeframe.seconds))

    def _look_around(self, duty: Duty, news: News) -> None:
        """Boot again when the portfolio or the deployment has changed."""
        if self._deployments.serving(self._ticker) != duty.versions:
            raise Reboot("another bundle is deployed", "swap")
        portfolio = news.portfolio
        if portfolio is None:
            if news.portfolio_version in (None, duty.portfolio_version):
                return
            portfolio = self._ask(self._server.portfolio)
        if portfolio.named(self._ticker) != duty.allocation:
            raise Reboot("the portfolio names other models", "swap")
        duty.portfolio_version = portfolio.version

    def _sorted_out(self, duty: Duty, bars: Sequence[Bar]) -> list[Bar]:
        """The new bars among these, with every hole refilled that the server can fill."""
        fresh: list[Bar] = []
        end = duty.window.end
        step = self._ticker.timeframe.seconds
        for bar in bars:
            opened = epoch(bar.opened)
            if not on_grid(self._ticker.timeframe, bar.opened):
                self._voice.refuse(f"{bar.opened} is not on the grid of {step} s")
                continue
            if opened <= end:
                if duty.window.place(bar) is Place.REVISED:
                    raise Reboot(f"the bar of {bar.opened} was revised")
                continue
            if opened > end + step:
                # All of it, since what a classic server gave here it does not give again.
                missed = self._ask(self._server.after, self._ticker, moment(end), _PAGE)
                fresh.extend(each for each in missed if epoch(each.opened) > end)
                end = epoch(fresh[-1].opened) if fresh else end
            if opened > end:
                fresh.append(bar)
                end = opened
        return fresh

    def _answer(self, duty: Duty, bars: Sequence[Bar]) -> None:
        """One signal per bot and bar, sent in order and acknowledged; then ready for the next bar."""
        for start in range(0, len(bars), _BATCH):
            received = self._clock.now()
            made: list[Signal] = []
            for bar in bars[start : start + _BATCH]:
                if epoch(bar.opened) > duty.window.end:
                    duty.window = duty.window.push(bar)
                late = self._late(bar.opened)
                looked = [bot.strategy.look(duty.window) for bot in duty.bots]
                featured = self._clock.now()
                pairs = zip(duty.bots, looked, strict=True)
                made.extend(judge(bot, duty.window, rows, late) for bot, rows in pairs)
            made = self._voice.timed(made, (received, featured, self._clock.now()))
            self._send(made)
            self._voice.answered(made[:: len(duty.bots)])
        for bot in duty.bots:
            bot.strategy.prepare(duty.window)

    def _send(self, made: Sequence[Signal]) -> None:
        if not made:
            return
        try:
            self._ask(self._server.send, made)
        except Conflict as conflict:
            self._voice.conflicts(conflict)
        except Unacceptable as refusal:
            if len(made) == 1:
                self._voice.unaccepted(made[0], refusal)
                return
            for each in made:
                self._send([each])

    def _late(self, opened: datetime) -> bool:
        """Whether the bar that opened then closed more than one bar ago."""
        closed = closes(self._ticker.timeframe, opened)
        return (self._clock.now() - closed).total_seconds() > self._ticker.timeframe.seconds

    def _ask(self, call: Callable[_Asked, _Answer], *asked: _Asked.args, **named: _Asked.kwargs) -> _Answer:
        """The answer to a call, asked again with growing patience until somebody gives one."""
        wait = self._patience.first
        while True:
            try:
                answer = call(*asked, **named)
            except (Unreachable, BadAnswer) as fault:
                self._voice.trouble(fault)
                pause = getattr(fault, "retry_after", None) or wait * (0.5 + self._clock.chance())
                wait_out(pause, self._patience.poll, self._rest, self._voice.pulse)
                wait = min(self._patience.longest, wait * 2)
            else:
                self._voice.recovered()
                return answer
