"""The verb that looks before a person has to."""

from __future__ import annotations

from dataclasses import asdict

import click

from live_trader.verbs import Context, common

_MARK = {
    "well": click.style("ok  ", fg="green"),
    "note": click.style("note", fg="yellow"),
    "trouble": click.style("FIX ", fg="red", bold=True),
}


@click.command(epilog="Example: instant-trader doctor")
@common
def doctor(context: Context) -> int:
    """Check clock, disk, ports, server, tokens, bundles, libraries; exit code 4 when one needs mending."""
    from live_trader.farm.health import findings

    found = []
    for each in findings(context.settings):
        found.append(each)
        if not context.json:
            advice = f"\n       → {each.advice}" if each.advice else ""
            click.echo(f"{_MARK[each.state]}  {each.about}: {each.says}{advice}")
    bad = sum(each.state == "trouble" for each in found)
    if context.json:
        context.result({"trouble": bad, "findings": [asdict(each) for each in found]}, "")
    else:
        click.echo(
            "All is well." if not bad else f"{bad} {'thing needs' if bad == 1 else 'things need'} mending."
        )
    return 4 if bad else 0
