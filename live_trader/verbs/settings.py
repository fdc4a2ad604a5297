"""The verb that shows what is set."""

from __future__ import annotations

import json

import click

from live_trader.verbs import Context, common


@click.command("show-config", epilog="Example: instant-trader show-config --config farm.toml")
@common
def show_config(context: Context) -> None:
    """Print the merged settings and where each came from; secrets stay hidden."""
    rows = list(context.loaded.rows())
    facts = {key: {"value": value, "from": origin} for key, value, origin in rows}
    width = max(len(key) for key, _, _ in rows)
    lines = [f"{key:{width}}  {_shown(value):32}  {origin}" for key, value, origin in rows]
    context.result({"settings": facts}, "\n".join(lines))


def _shown(value: object) -> str:
    return "none" if value is None else json.dumps(value)
