"""A farm in the foreground: its supervisor, its roster, its control door and its table, until the stop."""

from __future__ import annotations

import contextlib
import difflib
import signal
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any

import click

from live_trader.core.bars import Ticker
from live_trader.edge.clock import Clock
from live_trader.edge.happenings import Happenings
from live_trader.edge.logs import log_to
from live_trader.edge.settings import Settings
from live_trader.errors import BadData
from live_trader.farm.children import logs_path, run_path
from live_trader.farm.control import Door
from live_trader.farm.drifting import DriftWatch
from live_trader.farm.figures import Figures
from live_trader.farm.herald import Herald
from live_trader.farm.process import Stop
from live_trader.farm.roster import Roster
from live_trader.farm.states import Policy
from live_trader.farm.supervisor import Event, Limits, Supervisor, context
from live_trader.farm.table import Screen
from live_trader.farm.view import row, sentence, snapshot
from live_trader.verbs import Context
from live_trader.verbs.dashboard import greet

_REDRAW = 1.0
_BOOT = 60.0
_PARTS = ("server", "feed", "desk")


def keep_running(command: Context, settings: Settings, once: float | None = None) -> int:
    """Run the farm of these settings until TERM, INT, a stop request or the time given."""
    log_to(logs_path(settings) / "farm.log", verbose=command.verbose)
    greet(command, settings)
    clock = Clock()
    spawner = context(settings.farm.start_method, "live_trader.farm.warm")
    herald = Herald(settings, clock)
    supervisor = Supervisor(spawner, *_rules(settings), clock, lambda event: tell(event))
    figures = Figures(run_path(settings), settings.farm.id, supervisor.children, clock)
    happenings = Happenings(run_path(settings), clock)
    tell = _teller(command, herald, figures, happenings)
    roster = Roster(settings, supervisor, clock)
    stop = Stop()
    stop.on_signals()
    signal.signal(signal.SIGHUP, lambda *_: roster.look_again())
    door = Door(run_path(settings), _verbs(supervisor, stop, clock))
    door.open({"id": settings.farm.id, "address": settings.server.address})
    until = clock.monotonic() + once if once else float("inf")
    happenings.add("restart", "farm", "starts")
    roster.start()
    try:
        with herald, DriftWatch(settings, _workers(supervisor), figures.drift, herald.drift, clock):
            herald.follow(supervisor)
            with _shown(command, f"Instant Trader · {settings.farm.work_path}") as show:
                while not stop.requested and clock.monotonic() < until:
                    supervisor.step()
                    herald.tick()
                    figures.tick()
                    show(supervisor, clock)
            command.say("stopping: every child finishes what it is doing")
            happenings.add("restart", "farm", "stops")
            supervisor.stop()
    finally:
        supervisor.abandon()
        door.close()
    return 0


def _teller(
    command: Context, herald: Herald, figures: Figures, happenings: Happenings
) -> Callable[[Event], None]:
    """Passes each event on as it happens, and says it as a line unless the table shows it or nobody reads."""

    def tell(event: Event) -> None:
        herald.event(event)
        figures.event(event)
        happenings.add("fault" if event.fault else "restart", event.name, event.text)
        if not command.person:
            with contextlib.suppress(BrokenPipeError):  # a farm outlives `| head`; its log goes on
                click.echo(sentence(event), err=command.json)

    return tell


def _workers(supervisor: Supervisor) -> Callable[[], list[Ticker]]:
    """The tickers of the workers there are now."""
    return lambda: [Ticker.parse(each) for each in list(supervisor.children) if each not in _PARTS]


def _rules(settings: Settings) -> tuple[Policy, Limits]:
    farm = settings.farm
    policy = Policy(
        farm.restart.max_restarts,
        farm.restart.within_s,
        farm.restart.backoff_first_s,
        farm.restart.backoff_max_s,
    )
    return policy, Limits(_BOOT, farm.silent_after_s, farm.drain_s)


def _verbs(supervisor: Supervisor, stop: Stop, clock: Clock) -> Mapping[str, Any]:
    def status(_: Mapping[str, Any]) -> Mapping[str, Any]:
        return snapshot(supervisor, clock.monotonic())

    def end(_: Mapping[str, Any]) -> Mapping[str, Any]:
        supervisor.order(stop.request)
        return {"stopping": True}

    def restart(request: Mapping[str, Any]) -> Mapping[str, Any]:
        name = request.get("name") or ""
        workers = [each for each in supervisor.children if each not in _PARTS]
        names = [name] if name else workers
        if name and name not in supervisor.children:
            raise BadData(f"no child is called {name!r}", _meant(name, supervisor.children))
        for each in names:
            supervisor.order(partial(supervisor.restart, each))
        return {"restarted": names}

    return {"status": status, "stop": end, "restart": restart}


def _meant(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, known, 1, 0.8)
    return f"Did you mean {near[0]}?" if near else "instant-trader status lists them"


@contextlib.contextmanager
def _shown(command: Context, title: str) -> Iterator[Callable[[Supervisor, Clock], None]]:
    """Redraws the live table every second, where a person watches a terminal."""
    if not command.person:
        yield lambda *_: None
        return
    due = 0.0

    def show(supervisor: Supervisor, clock: Clock) -> None:
        nonlocal due
        now = clock.monotonic()
        if now >= due:
            due = now + _REDRAW
            rows = sorted(
                (row(each, now) for each in supervisor.children.values()), key=lambda each: each.trouble
            )
            screen.show(rows, [sentence(event) for event in supervisor.events], datetime.now(UTC))

    with Screen(title) as screen:
        yield show
