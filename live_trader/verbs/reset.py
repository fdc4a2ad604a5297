"""The command of the door `resetter.py`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from live_trader.verbs import Context, common


@click.command(epilog="Example: python resetter.py --portfolio portfolio.json")
@click.option(
    "--portfolio",
    type=click.Path(path_type=Path),
    help="The new portfolio, as JSON; without it, the one in force is sent again.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=120.0,
    show_default=True,
    help="Seconds until it must be done.",
)
@common
def reset(context: Context, portfolio: Path | None, timeout: float) -> None:
    """Close everything, send the portfolio, and see every bot serve it.

    No order enlarges a position from the first step until the portfolio is in force, also when a step fails.
    """
    from live_trader.edge.client import connect_admin
    from live_trader.farm.rebalance import Rebalance

    entries = None if portfolio is None else _entries(portfolio)
    with connect_admin(context.settings) as admin:
        done = Rebalance(timeout, context.say).carry_out(admin, entries)
    facts = asdict(done) | {"tickers": [str(each) for each in done.tickers]}
    what = f"version {done.version}" if done.version is not None else "the portfolio"
    context.result(facts, f"done: {what} of {len(done.tickers)} tickers")


def _entries(path: Path) -> bytes:
    from live_trader.edge.wire import owner
    from live_trader.edge.wire.portfolio import read
    from live_trader.errors import BadData, BadSettings

    try:
        entries = owner.entries(path.read_bytes())
        read(owner.wanted(entries).allocations)
    except OSError as fault:
        raise BadSettings(
            f"{path} cannot be read: {fault.strerror}", "Name another with --portfolio"
        ) from None
    except BadData as fault:
        raise BadSettings(f"{path} is not a portfolio: {fault.what}", fault.remedy) from None
    return entries
