"""The verb that plans a machine."""

from __future__ import annotations

from dataclasses import asdict

import click

from live_trader.verbs import Context, common


@click.command(epilog="Example: instant-trader plan --timeframe M1")
@click.option("--timeframe", default="M1", show_default=True, help="How often the tickers close a bar.")
@common
def plan(context: Context, timeframe: str) -> int:
    """Say how many tickers this machine carries, from what a worker and a server cost on it right now."""
    from live_trader.core.bars import Timeframe
    from live_trader.farm.capacity import measure

    context.say("measuring a server and a worker on this machine; it takes some seconds")
    found = measure(Timeframe.parse(timeframe))
    context.result(
        asdict(found),
        f"This machine carries about {found.tickers} tickers of {found.timeframe}; {found.limit} "
        f"{'is' if found.limit == 'memory' else 'are'} the limit.\n"
        f"Each takes {found.worker_mb} MB, and for each bar {found.worker_ms} ms of a processor in its "
        f"worker and {found.server_ms} ms in the server; there are {found.cores} processors and "
        f"{found.free_mb:.0f} MB free.\nWhen so many bars close together, the last signal follows after "
        f"about {found.last_signal_s} s; {found.within_a_second} tickers are answered within a second.",
    )
    return 0
