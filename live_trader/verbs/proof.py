"""Verbs that prove: the journal run again, and live against the back-test."""

from __future__ import annotations

import math
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from live_trader.verbs import Context, common

if TYPE_CHECKING:
    from live_trader.lab.parity import Parity

_TOLD = 20


@click.command(epilog="Example: instant-trader replay")
@common
def replay(context: Context) -> int:
    """Run the desk's journal again: it must give the same commands and the same book. Exit 1 if not."""
    from live_trader.farm.dealing import desk_path
    from live_trader.lab.progress import Shown
    from live_trader.lab.replay import replay as run

    with Shown(sys.stderr) as shown:
        found = run(desk_path(context.settings), shown)
    facts = {
        "records": found.records,
        "parts": found.parts,
        "same": found.same,
        "difference": found.difference,
        "at": found.at,
        "fingerprint": found.fingerprint,
        "equity": found.equity,
    }
    told = (
        f"{found.records} records gave the same commands and the same book, {found.fingerprint[:16]}"
        if found.same
        else f"record {found.at} differs: {found.difference}"
    )
    context.result(facts, told)
    return 0 if found.same else 1


@click.command(epilog="Example: instant-trader parity --from 2026-11-01")
@click.option("--from", "start", type=click.DateTime(), help="Compare from this time on, UTC.")
@click.option("--to", "stop", type=click.DateTime(), help="Compare up to this time, UTC.")
@common
def parity(context: Context, start: datetime | None, stop: datetime | None) -> int:
    """Run the back-test over what the farm stored live, and name each difference's cause. Exit 1 if any.

    What it finds is kept in the work path, and the dashboard shows it until the next time.
    """
    from live_trader.edge.clock import Clock
    from live_trader.edge.proof import keep
    from live_trader.edge.shelf import Shelf
    from live_trader.edge.terms import Terms
    from live_trader.lab.parity import parity as prove
    from live_trader.lab.parity import told
    from live_trader.lab.progress import Shown

    settings = context.settings
    span = (start and start.replace(tzinfo=UTC), stop and stop.replace(tzinfo=UTC))
    work = Path(settings.farm.work_path)
    farm = settings.farm
    shelf = Shelf.of(settings)
    with Shown(sys.stderr) as shown:
        found = prove(work, shelf, Terms.of(settings), farm.threshold, span, farm.tolerance, shown)
    differences = [each.facts for each in found.differences]
    facts = {
        "signals": found.signals,
        "equal_share": found.equal_share,
        "trades": found.trades,
        "equal_trades_share": found.equal_trades_share,
        "differences": differences,
    }
    lines = [_shares(found)]
    lines += [
        f"{each['time']} {each['ticker']} {each['kind']}: live {each['live']}, past {each['past']}"
        f" ({each['cause']})"
        for each in differences[:_TOLD]
    ]
    if len(differences) > _TOLD:
        lines.append(f"and {len(differences) - _TOLD} more")
    context.result(facts, "\n".join(lines))
    if differences and not shelf.shelved():
        context.say(f"{shelf.models} holds no bundle to ask: run this where the farm runs, or name its shelf")
    keep(work, told(found, Clock().now(), settings.desk.currency, span))
    return 0 if not differences else 1


def _shares(found: Parity) -> str:
    """How much is equal, in one sentence; of nothing, that there is nothing."""
    if not found.signals:
        return "There are no signals yet: nothing to compare."
    signals = f"{_percent(found.equal_share)} of {found.signals} signals"
    if not found.trades:
        return f"{signals} are equal; there are no trades yet"
    return f"{signals} and {_percent(found.equal_trades_share)} of {found.trades} trades are equal"


def _percent(share: float) -> str:
    """A share cut off, not rounded: only what is whole may say 100%."""
    return f"{math.floor(share * 1e6) / 1e4:.4f}%"
