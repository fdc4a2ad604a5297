"""Verbs that start a farm, look at it and end it."""

from __future__ import annotations

import difflib
import select
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

import click

from live_trader.errors import BadData, TimedOut
from live_trader.verbs import Context, common


@click.command(epilog="Example: instant-trader run --market replay --tape EURUSD_M1.csv")
@click.option("--market", type=click.Choice(["simulated", "replay"]), help="What the demonstration plays.")
@click.option("--tape", type=click.Path(path_type=Path), help="The file that --market replay plays.")
@click.option("--once", type=click.FloatRange(min=0, min_open=True), help="Stop after so many seconds.")
@common
def run(context: Context, market: str | None, tape: Path | None, once: float | None) -> int:
    """Start the farm: server, feed, workers and desk; Ctrl-C drains and stops it."""
    from live_trader.edge.server.listening import demand_free
    from live_trader.farm.beforehand import refuse_unusable
    from live_trader.farm.control import Hold
    from live_trader.verbs.demo import begun, prepared
    from live_trader.verbs.running import keep_running

    played = market or ("replay" if tape else None)
    given = {"feed.market": played, "demo.market": played, "demo.tape": tape and str(tape)}
    context = context.also({key: value for key, value in given.items() if value})
    if context.settings.feed.market != "none":
        context = context.also({"demo.market": context.settings.feed.market})
    settings = context.settings
    with Hold(context.run_path):
        refuse_unusable(settings)
        if not settings.server.address:
            demand_free(settings.server.embedded)
        made_up = settings.feed.market != "none" and not begun(settings)
        if made_up or not context.loaded.configured:
            settings = prepared(context)
        return keep_running(context, settings, once)


@click.command(epilog="Example: instant-trader status --watch")
@click.option("--watch", is_flag=True, help="Keep showing it until Ctrl-C.")
@common
def status(context: Context, watch: bool) -> None:
    """Show every child of the running farm; those in trouble come first."""
    from live_trader.farm.control import ask
    from live_trader.farm.view import lines, rows

    def now_text(facts: dict[str, Any]) -> str:
        events = [f"{each['at'][11:19]} {each['name']} {each['text']}" for each in facts["events"][-6:]]
        return "\n".join([*lines(rows(facts), datetime.now(UTC)), "", *events])

    facts = ask(context.run_path, "status")
    if not (watch and context.person):
        context.result(facts, now_text(facts))
        return
    from live_trader.farm.table import Screen

    with Screen(f"Instant Trader · {context.run_path.parent}") as screen:
        while True:
            events = [f"{each['at'][11:19]} {each['name']} {each['text']}" for each in facts["events"]]
            screen.show(rows(facts), events, datetime.now(UTC))
            time.sleep(1.0)
            facts = ask(context.run_path, "status")


@click.command(epilog="Example: instant-trader stop")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=30.0,
    show_default=True,
    help="Seconds to wait for the end.",
)
@common
def stop(context: Context, timeout: float) -> None:
    """Drain and stop the running farm."""
    from live_trader.errors import NotRunning
    from live_trader.farm.control import ask, where

    pid = where(context.run_path)["pid"]
    ask(context.run_path, "stop")
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        try:
            if where(context.run_path)["pid"] != pid:
                break
        except NotRunning:
            break
        time.sleep(0.1)
    else:
        raise TimedOut(f"the farm still runs after {timeout:g} s", f"Its process is {pid}")
    context.result({"stopped": pid}, "stopped")


@click.command(epilog="Example: instant-trader restart AUDUSD M1")
@click.argument("ticker", nargs=-1)
@common
def restart(context: Context, ticker: tuple[str, ...]) -> None:
    """Restart one child, or all workers when none is named; a quarantine is lifted."""
    from live_trader.farm.control import ask

    answer = ask(context.run_path, "restart", name=" ".join(ticker))
    context.result(answer, f"restarted {', '.join(answer['restarted'])}")


@click.command(epilog="Example: instant-trader logs AUDUSD M1 -f")
@click.argument("name", nargs=-1)
@click.option(
    "-n",
    "--lines",
    "count",
    type=click.IntRange(min=1),
    default=50,
    show_default=True,
    help="How many lines.",
)
@click.option("-f", "--follow", is_flag=True, help="Keep printing what comes.")
@common
def logs(context: Context, name: tuple[str, ...], count: int, follow: bool) -> None:
    """Print the log of a ticker, of the server or of the feed; of the farm when none is named."""
    folder = Path(context.settings.farm.work_path) / "logs"
    wanted = "_".join(" ".join(name).split()) or "farm"
    known = {each.stem: each for each in sorted(folder.glob("*.log"))}
    if wanted not in known:
        near = difflib.get_close_matches(wanted, known, 1, 0.8)
        meant = (
            f"Did you mean {near[0].replace('_', ' ')}?"
            if near
            else f"There are: {', '.join(known) or 'none'}"
        )
        raise BadData(f"there is no log {wanted!r} in {folder}", meant)
    path = known[wanted]
    with path.open(encoding="utf-8", errors="replace") as file:
        last = file.readlines()[-count:]
        if context.json:
            context.result({"lines": [line.rstrip("\n") for line in last]}, "")
            return
        sys.stdout.writelines(last)
        sys.stdout.flush()
        while follow and _is_read(sys.stdout):
            line = file.readline()
            if line:
                sys.stdout.write(line)
                sys.stdout.flush()
            else:
                time.sleep(0.2)


def _is_read(stream: TextIO) -> bool:
    """Whether somebody may still read what goes there, which a pipe's end tells before the next line does."""
    if sys.platform == "win32":
        return True  # it has no poll; there the next line finds out
    poll = select.poll()
    poll.register(stream, 0)
    return not poll.poll(0)
