"""Verbs of the server: run it alone, and say who may use it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from live_trader.verbs import Context, common

if TYPE_CHECKING:
    from live_trader.edge.server.tokens import Registry

_SCOPES = ("read", "bot", "feed", "desk", "admin")


@click.command(epilog="Example: instant-trader serve")
@common
def serve(context: Context) -> None:
    """Run the signal server alone, in this process, until TERM or Ctrl-C."""
    from live_trader.farm.children import serve as run
    from live_trader.verbs.dashboard import greet

    options = context.settings.server.embedded
    scheme = "https" if options.tls_cert else "http"
    host = f"[{options.host}]" if ":" in options.host else options.host
    address = f"{scheme}://{host}:{options.port}/"
    context.say(f"will serve on {address} until Ctrl-C; its documentation is at /docs")
    greet(context, context.settings)
    run(context.settings)


@click.group()
def tokens() -> None:
    """Make, list, revoke and rotate the server's tokens; a running server follows within a second."""


@tokens.command(epilog="Example: instant-trader tokens make --scope bot --bot trader")
@click.option("--scope", type=click.Choice(_SCOPES), required=True, help="What it is for; all may read.")
@click.option("--bot", default="", help="The id that a bot token speaks for.")
@click.option("--name", default="", help="What to call it; made up when not given.")
@click.option("--own-word", is_flag=True, help="Ask for a token of your own choice instead of making one.")
@common
def make(context: Context, scope: str, bot: str, name: str, own_word: bool) -> None:
    """Make a token and print it, this once."""
    from live_trader.edge.server.tokens import Scope

    chosen = click.prompt("token", hide_input=True, err=True) if own_word else ""
    token = _registry(context).make(Scope(scope), bot=bot, name=name, chosen=chosen)
    context.result({"scope": scope, "bot": bot, "token": token}, token)


@tokens.command(name="list", epilog="Example: instant-trader tokens list")
@common
def list_(context: Context) -> None:
    """Every token there is: name, scope, bot and age, never the token."""
    from live_trader.verbs.tables import table

    entries = _registry(context).listed()
    facts = [
        {"name": e.name, "scope": e.scope.value, "bot": e.bot, "made_at": e.made_at.isoformat()}
        for e in entries
    ]
    rows = [(e.name, e.scope.value, e.bot, f"{e.made_at:%Y-%m-%d %H:%M}") for e in entries]
    empty = "There are no tokens yet; the server makes those of its farm when it first starts"
    context.result({"tokens": facts}, table(("NAME", "SCOPE", "BOT", "MADE"), rows) if rows else empty)


@tokens.command(epilog="Example: instant-trader tokens revoke read-1f2e3d")
@click.argument("name")
@common
def revoke(context: Context, name: str) -> None:
    """Make a token worthless. One of the farm's own is made anew at the next start."""
    _registry(context).revoke(name)
    context.result({"revoked": name}, f"{name} is revoked")


@tokens.command(epilog="Example: instant-trader tokens rotate bot-trader")
@click.argument("name")
@common
def rotate(context: Context, name: str) -> None:
    """Put a new token in place of an old one, and print it, this once."""
    token = _registry(context).rotate(name)
    context.result({"name": name, "token": token}, token)


def _registry(context: Context) -> Registry:
    from live_trader.edge.clock import Clock
    from live_trader.edge.server.tokens import Registry

    return Registry(Path(context.settings.farm.work_path) / "server", Clock())
