"""Verbs of the desk: run it alone, look at what it holds, panic, and take its tables away."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, cast

import click

from live_trader.errors import Refused
from live_trader.verbs import Context, common


@click.command(epilog="Example: instant-trader desk")
@common
def desk(context: Context) -> None:
    """Trade the server's signals in this process until TERM or Ctrl-C."""
    from live_trader.farm.children import desk as run

    run(context.settings)


@click.command(epilog="Example: instant-trader positions --watch")
@click.option("--watch", is_flag=True, help="Keep showing it until Ctrl-C.")
@common
def positions(context: Context, watch: bool) -> None:
    """Show positions, stops, targets, profit, leverage, drawdown and trading state, live or as JSON."""
    from live_trader.farm.dealing import desk_path
    from live_trader.farm.monitor import Watch, drawn, lines

    account = Watch(desk_path(context.settings))
    found = account.look()
    if not (watch and context.person):
        context.result(found, lines(found))
        return
    from rich.live import Live

    with Live(auto_refresh=False) as screen:
        while True:
            screen.update(drawn(found, datetime.now(UTC)), refresh=True)
            time.sleep(1.0)
            found = account.look()


@click.command(epilog="Example: instant-trader panic --yes")
@click.option("--yes", is_flag=True, help="Do not ask first.")
@common
def panic(context: Context, yes: bool) -> None:
    """Cancel every order, close every position, and leave the desk HALTED, whatever runs or hangs.

    It trades again when a person puts a portfolio into force: python resetter.py.
    """
    from live_trader.farm.panic import panic as carry_out

    if not yes:
        click.confirm("Cancel all orders and close all positions now?", abort=True, err=True)
    done = carry_out(context.settings, context.say)
    left = len(done.book.held)
    facts = {
        "state": done.book.state.value,
        "cancelled": done.cancelled,
        "closed": done.closed - left,
        "left": left,
        "ended": done.ended,
        "server_told": not done.untold,
        "equity": str(done.book.equity),
    }
    text = (
        f"{done.book.state.value}: {done.cancelled} orders cancelled, {done.closed - left} positions closed"
    )
    if done.untold:
        context.say(f"the server will be told when the desk starts again: {done.untold}")
    context.result(facts, text)
    if left:
        raise Refused(f"{left} positions are still held: the broker did not close them", "Panic again")


@click.command(epilog="Example: instant-trader export --out account --format parquet")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The folder to write into.")
@click.option("--format", "form", type=click.Choice(["csv", "parquet"]), default="csv", show_default=True)
@common
def export(context: Context, out: Path, form: str) -> None:
    """Write the tables orders, fills, trades, positions and equity of the server's store."""
    from live_trader.edge.exports import export as write

    folder = Path(context.settings.farm.work_path) / "server"
    counts = write(folder, out, cast(Literal["csv", "parquet"], form))
    told = ", ".join(f"{count} {name}" for name, count in counts.items())
    context.result({"folder": str(out), "rows": counts}, f"{told} in {out}")
